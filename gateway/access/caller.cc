#include "gateway/access/caller.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/access/name_pattern.h"
#include "gateway/config/subscription_spec.h"

namespace onhook {
namespace {

// The patterns of a permission of subscriptions; null: it is another.
const std::vector<std::string>* PatternsOf(const Settings::Identity& identity,
                                           Permission permission) {
  switch (permission) {
    case Permission::kSubscribe:
      return &identity.subscribe;
    case Permission::kCreate:
      return &identity.create;
    case Permission::kAdminister:
      return &identity.administer;
    case Permission::kWatch:
    case Permission::kReadEvents:
    case Permission::kRejectedCallbacks:
    case Permission::kSeeNumbers:
    case Permission::kMonitor:
      return nullptr;
  }
  return nullptr;
}

}  // namespace

bool IsGiven(const Settings::Identity& identity, Permission permission) {
  switch (permission) {
    case Permission::kSubscribe:
    case Permission::kCreate:
    case Permission::kAdminister:
      return !PatternsOf(identity, permission)->empty();
    case Permission::kWatch:
      return identity.watch;
    case Permission::kReadEvents:
      return identity.read_events;
    case Permission::kRejectedCallbacks:
      return identity.rejected_callbacks;
    case Permission::kSeeNumbers:
      return identity.see_numbers;
    case Permission::kMonitor:
      return identity.monitor;
  }
  return false;
}

Caller Caller::Anybody() { return Caller(nullptr, absl::InfiniteFuture()); }

Caller::Caller(std::shared_ptr<const Settings::Identity> identity, absl::Time valid_until)
    : identity_(std::move(identity)), valid_until_(valid_until) {}

const std::string& Caller::name() const {
  static const auto* const nobody = new std::string();
  return identity_ == nullptr ? *nobody : identity_->name;
}

bool Caller::May(Permission permission, std::optional<absl::string_view> subscription) const {
  if (identity_ == nullptr) return true;
  const std::vector<std::string>* const patterns = PatternsOf(*identity_, permission);
  if (patterns == nullptr || !subscription.has_value()) return IsGiven(*identity_, permission);
  return std::any_of(patterns->begin(), patterns->end(), [&](const std::string& pattern) {
    return MatchesName(pattern, *subscription);
  });
}

absl::Status Caller::Check(Permission permission,
                           std::optional<absl::string_view> subscription) const {
  if (May(permission, subscription)) return absl::OkStatus();
  std::string message = absl::StrCat("identity \"", identity_->name, "\" lacks the permission ",
                                     PermissionName(permission));
  if (IsOfSubscriptions(permission)) {
    if (!subscription.has_value()) {
      absl::StrAppend(&message, " for any subscription");
    } else if (CheckSubscriptionName(*subscription).ok()) {
      absl::StrAppend(&message, " for the subscription \"", *subscription, "\"");
    } else {
      absl::StrAppend(&message, " for a subscription of that name");
    }
  }
  return absl::PermissionDeniedError(message);
}

absl::Status Caller::CheckForEvery(Permission permission) const {
  if (identity_ == nullptr) return absl::OkStatus();
  const std::vector<std::string>* const patterns = PatternsOf(*identity_, permission);
  const auto is_every = [](const std::string& pattern) {
    return !pattern.empty() && pattern.find_first_not_of('*') == std::string::npos;
  };
  if (patterns != nullptr && std::any_of(patterns->begin(), patterns->end(), is_every)) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat("identity \"", identity_->name, "\" lacks the permission ",
                   PermissionName(permission), " for every subscription"));
}

}  // namespace onhook
