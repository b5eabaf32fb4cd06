#ifndef ONHOOK_GATEWAY_DELIVERY_SUBSCRIBE_OPEN_H_
#define ONHOOK_GATEWAY_DELIVERY_SUBSCRIBE_OPEN_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/config/delivery_options.h"
#include "gateway/store/subscription_queue.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook {

// What a client asked for with its `open`, checked, with defaults and the gateway's limits applied.
struct OpenTerms {
  std::string subscription;
  std::string consumer_name;
  ConsumerLimits limits;
  std::optional<absl::Duration> ack_deadline;  // unset: the subscription's
  std::optional<v1::SubscriptionSpec> create_if_missing;
};

// Pure functions. Errors: kInvalidArgument with BadRequest, whose field paths begin with the member
// of SubscribeRequest.

absl::StatusOr<OpenTerms> CheckOpen(const v1::SubscribeOpen& open, const DeliveryOptions& options);

// `limits` with what `flow` sets; what is unset stays.
absl::StatusOr<ConsumerLimits> ChangedLimits(ConsumerLimits limits, const v1::FlowControl& flow,
                                             const DeliveryOptions& options);

// 1 s to 10 min, as in SubscribeOpen and ExtendRequest.
absl::StatusOr<absl::Duration> CheckAckDeadline(const google::protobuf::Duration& deadline,
                                                absl::string_view field);

// As in SubscribeOpen.consumer_name.
absl::Status CheckConsumerName(absl::string_view field, absl::string_view name);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_SUBSCRIBE_OPEN_H_
