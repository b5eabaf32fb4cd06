#ifndef ONHOOK_GATEWAY_DELIVERY_SUBSCRIPTION_CALLS_H_
#define ONHOOK_GATEWAY_DELIVERY_SUBSCRIPTION_CALLS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/base/clock.h"
#include "gateway/store/store.h"
#include "onhook/v1/subscription_service.pb.h"

namespace onhook {

// What SubscriptionService does with subscriptions themselves, free of gRPC.
//
// Threads: any. Blocking: every method, for the disk; so not for gRPC's threads. Errors:
// absl::Status with payloads as grpc_status.h has them; an answer is complete when OK is returned.
class SubscriptionCalls {
 public:
  // Both must outlive this.
  SubscriptionCalls(Store* store, const Clock* clock) : store_(store), clock_(clock) {}

  absl::Status Create(const v1::CreateSubscriptionRequest& request,
                      v1::CreateSubscriptionResponse& response);
  absl::Status Get(const v1::GetSubscriptionRequest& request,
                   v1::GetSubscriptionResponse& response);
  // Of those that `is_shown` lets through; the others are left out as if they did not exist.
  absl::Status List(const v1::ListSubscriptionsRequest& request,
                    const std::function<bool(const std::string& name)>& is_shown,
                    v1::ListSubscriptionsResponse& response);
  absl::Status Update(const v1::UpdateSubscriptionRequest& request,
                      v1::UpdateSubscriptionResponse& response);
  absl::Status Delete(const v1::DeleteSubscriptionRequest& request,
                      v1::DeleteSubscriptionResponse& response);
  absl::Status Seek(const v1::SeekRequest& request, v1::SeekResponse& response);
  absl::Status Pause(const v1::PauseSubscriptionRequest& request,
                     v1::PauseSubscriptionResponse& response);
  absl::Status Resume(const v1::ResumeSubscriptionRequest& request,
                      v1::ResumeSubscriptionResponse& response);

 private:
  absl::Status FillStats(const std::string& name, v1::SubscriptionStats& stats);
  absl::StatusOr<Sequence> PlaceOfSeekCursor(const std::string& cursor);
  absl::StatusOr<Sequence> PlaceOf(const v1::SeekRequest& request);

  Store* const store_;
  const Clock* const clock_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_SUBSCRIPTION_CALLS_H_
