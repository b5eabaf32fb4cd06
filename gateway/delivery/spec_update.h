#ifndef ONHOOK_GATEWAY_DELIVERY_SPEC_UPDATE_H_
#define ONHOOK_GATEWAY_DELIVERY_SPEC_UPDATE_H_

#include "absl/status/statusor.h"
#include "onhook/v1/subscription_service.pb.h"

namespace onhook {

// `stored` with what the request's mask names set as the request has it, or back to its default.
// Pure. Errors: kInvalidArgument with BadRequest (no path, an unknown one, start_position, a value
// out of its bounds).
absl::StatusOr<v1::SubscriptionSpec> UpdatedSpec(const v1::SubscriptionSpec& stored,
                                                 const v1::UpdateSubscriptionRequest& request);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_SPEC_UPDATE_H_
