#ifndef ONHOOK_GATEWAY_DELIVERY_DEAD_LETTER_CALLS_H_
#define ONHOOK_GATEWAY_DELIVERY_DEAD_LETTER_CALLS_H_

#include "absl/status/status.h"
#include "gateway/store/store.h"
#include "onhook/v1/subscription_service.pb.h"

namespace onhook {

// What SubscriptionService does with dead letters, free of gRPC. As SubscriptionCalls.
class DeadLetterCalls {
 public:
  // `store` must outlive this.
  explicit DeadLetterCalls(Store* store) : store_(store) {}

  absl::Status List(const v1::ListDeadLettersRequest& request,
                    v1::ListDeadLettersResponse& response);
  absl::Status Get(const v1::GetDeadLetterRequest& request, v1::GetDeadLetterResponse& response);
  absl::Status Redrive(const v1::RedriveDeadLettersRequest& request,
                       v1::RedriveDeadLettersResponse& response);
  absl::Status Discard(const v1::DiscardDeadLettersRequest& request,
                       v1::DiscardDeadLettersResponse& response);

 private:
  void Fill(const DeadLetter& letter, v1::DeadLetter& told) const;

  Store* const store_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_DEAD_LETTER_CALLS_H_
