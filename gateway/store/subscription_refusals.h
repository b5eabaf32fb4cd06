#ifndef ONHOOK_GATEWAY_STORE_SUBSCRIPTION_REFUSALS_H_
#define ONHOOK_GATEWAY_STORE_SUBSCRIPTION_REFUSALS_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook {

// What every engine refuses of the calls that change subscriptions, in the same words. Blocking:
// never.

absl::Status NoSuchSubscription(const std::string& name);
absl::Status SubscriptionExists(const std::string& name);
absl::Status SubscriptionBelongsToSettings(const std::string& name);
absl::Status PlaceNotKept();

absl::Status CheckSubscriptionCount(size_t count, size_t limit);
// Whether somebody who comes with `spec` may use the subscription as it is.
absl::Status CheckSameSpec(const std::string& name, const v1::SubscriptionSpec& is,
                           const v1::SubscriptionSpec& spec);
// Whether it may become `spec` by a call.
absl::Status CheckUpdate(const std::string& name, bool declared, const v1::SubscriptionSpec& is,
                         const v1::SubscriptionSpec& spec);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SUBSCRIPTION_REFUSALS_H_
