#ifndef ONHOOK_GATEWAY_DELIVERY_SETTLE_REQUESTS_H_
#define ONHOOK_GATEWAY_DELIVERY_SETTLE_REQUESTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/subscription_queue.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook {

// The most that one request may name.
constexpr int kMostDeliveryIds = 10000;

// What a client asks about its deliveries, checked. Pure functions.
//
// Errors: kInvalidArgument with BadRequest, whose field paths begin with the member of
// SubscribeRequest. A delivery id that means nothing is no error here: it gets its own result.
//
// The ids are taken out of the request: a client may settle a hundred thousand deliveries a second.

absl::StatusOr<SettleRequest> CheckAck(v1::AckRequest& ack);
absl::StatusOr<SettleRequest> CheckNack(v1::NackRequest& nack);

struct Extension {
  std::vector<std::string> delivery_ids;
  absl::Duration ack_deadline;
};
absl::StatusOr<Extension> CheckExtend(v1::ExtendRequest& extend);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_SETTLE_REQUESTS_H_
