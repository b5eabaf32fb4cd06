#ifndef ONHOOK_GATEWAY_ACCESS_CALLER_H_
#define ONHOOK_GATEWAY_ACCESS_CALLER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/access/permission.h"
#include "gateway/config/settings.h"

namespace onhook {

// Somebody who was recognised, and what that identity may do. Cheap to copy; holds on to the
// settings of the moment at which it was made.
//
// Threads: any. Blocking: never.
class Caller {
 public:
  // Everything is allowed: the access list is empty.
  static Caller Anybody();
  // Null: anybody, who has shown something that is valid only so long.
  Caller(std::shared_ptr<const Settings::Identity> identity, absl::Time valid_until);

  // The identity's name in the settings; "" for anybody.
  const std::string& name() const;

  // When what was shown stops being valid, whatever else happens.
  absl::Time valid_until() const { return valid_until_; }

  // OK, or kPermissionDenied with a message that names the identity, the permission and the
  // subscription: `identity "crm" lacks the permission subscribe for the subscription "billing"`.
  // `subscription` is the one that is asked about, for a permission of subscriptions; what is no
  // name of one is not repeated. Without one it asks whether there is any for which it is given.
  absl::Status Check(Permission permission,
                     std::optional<absl::string_view> subscription = std::nullopt) const;
  bool May(Permission permission,
           std::optional<absl::string_view> subscription = std::nullopt) const;

  // The same for a permission of subscriptions, about every one that there may be: by a pattern of
  // stars alone.
  absl::Status CheckForEvery(Permission permission) const;

 private:
  std::shared_ptr<const Settings::Identity> identity_;  // null: anybody
  absl::Time valid_until_;
};

// Whether `identity` has `permission` at all, for some subscription if it is one of those.
bool IsGiven(const Settings::Identity& identity, Permission permission);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ACCESS_CALLER_H_
