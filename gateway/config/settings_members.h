#ifndef ONHOOK_GATEWAY_CONFIG_SETTINGS_MEMBERS_H_
#define ONHOOK_GATEWAY_CONFIG_SETTINGS_MEMBERS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace onhook {

// A member of the mappings in `sources`, `subscriptions` or `access`, as the reference tells it.
// Which keys a file may hold, the readers know; a test holds the two against each other.
struct SettingMember {
  absl::string_view name;         // "authentication.shared_key.key_files"
  absl::string_view form;         // what a value looks like
  absl::string_view fallback;     // what holds if it is not given; empty: it must be given
  absl::string_view description;  // one line, without a full stop
  absl::string_view reason;       // why the fallback is what it is; empty if it must be given
};

absl::Span<const SettingMember> SourceMembers();
absl::Span<const SettingMember> SubscriptionMembers();
absl::Span<const SettingMember> IdentityMembers();

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTINGS_MEMBERS_H_
