#ifndef ONHOOK_GATEWAY_STORE_SUBSCRIPTION_SPEC_H_
#define ONHOOK_GATEWAY_STORE_SUBSCRIPTION_SPEC_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook {

// Whether `name` may name a subscription: 1 to 63 characters of a-z 0-9 - _ . beginning with a
// letter or digit. Otherwise kInvalidArgument, saying so.
absl::Status CheckSubscriptionName(absl::string_view name);

// Whether the embedded engines can do what `spec` asks. kInvalidArgument: a value is out of its
// bounds. kUnimplemented: a field is set that they do not honour; ignoring it would mislead.
absl::Status CheckSubscriptionSpec(const v1::SubscriptionSpec& spec);

// Whether two specifications ask for the same, unset and default being one.
bool SameSubscriptionSpec(const v1::SubscriptionSpec& a, const v1::SubscriptionSpec& b);

// SubscriptionSpec.max_unacked_events, or its default.
int64_t MaxUnackedEvents(const v1::SubscriptionSpec& spec);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SUBSCRIPTION_SPEC_H_
