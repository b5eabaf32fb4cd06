#include "gateway/store/subscription_refusals.h"

#include "absl/strings/str_cat.h"
#include "gateway/config/subscription_spec.h"

namespace onhook {

absl::Status NoSuchSubscription(const std::string& name) {
  // What is no name is not repeated: it may be longer than a status can tell.
  if (!CheckSubscriptionName(name).ok()) {
    return absl::NotFoundError("no subscription has this name");
  }
  return absl::NotFoundError(absl::StrCat("there is no subscription '", name, "'"));
}

absl::Status SubscriptionExists(const std::string& name) {
  return absl::AlreadyExistsError(absl::StrCat("subscription '", name, "' exists already"));
}

absl::Status SubscriptionBelongsToSettings(const std::string& name) {
  return absl::FailedPreconditionError(absl::StrCat(
      "subscription '", name, "' is declared in the gateway's settings; change it there"));
}

absl::Status PlaceNotKept() {
  return absl::OutOfRangeError("the log does not keep the events behind this place");
}

absl::Status CheckSubscriptionCount(size_t count, size_t limit) {
  if (count < limit) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("there are ", limit, " subscriptions already, which is the limit"));
}

absl::Status CheckSameSpec(const std::string& name, const v1::SubscriptionSpec& is,
                           const v1::SubscriptionSpec& spec) {
  const std::string difference = DifferenceOfSpecs(is, spec);
  if (difference.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("subscription '", name, "' exists with another specification: ", difference));
}

absl::Status CheckUpdate(const std::string& name, bool declared, const v1::SubscriptionSpec& is,
                         const v1::SubscriptionSpec& spec) {
  if (declared) return SubscriptionBelongsToSettings(name);
  if (RulesOf(spec, false).start_position == RulesOf(is, false).start_position) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "start_position matters at creation only; seek moves a subscription");
}

}  // namespace onhook
