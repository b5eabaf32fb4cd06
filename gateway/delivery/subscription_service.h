#ifndef ONHOOK_GATEWAY_DELIVERY_SUBSCRIPTION_SERVICE_H_
#define ONHOOK_GATEWAY_DELIVERY_SUBSCRIPTION_SERVICE_H_

#include <grpcpp/support/server_callback.h>

#include "gateway/delivery/dead_letter_calls.h"
#include "gateway/delivery/delivery_stream.h"
#include "gateway/delivery/subscription_calls.h"
#include "onhook/v1/subscription_service.grpc.pb.h"

namespace onhook {

// The gRPC service SubscriptionService. Its calls may wait for the disk, so they are made one after
// the other on the executor; but those that change dead letters, which may take many commits, do
// not wait and hold up nobody.
//
// Threads: gRPC's. Blocking: never.
class SubscriptionServiceImpl final : public v1::SubscriptionService::CallbackService {
 public:
  // `environment` must outlive the service.
  explicit SubscriptionServiceImpl(const StreamEnvironment* environment);

  void SetLimits(const DeliveryOptions& options) {
    dead_letters_.SetMaxChanges(options.max_dead_letter_changes);
  }

#define ONHOOK_CALL(Name)                                                                        \
  grpc::ServerUnaryReactor* Name(grpc::CallbackServerContext* context,                           \
                                 const v1::Name##Request* request, v1::Name##Response* response) \
      override
  ONHOOK_CALL(CreateSubscription);
  ONHOOK_CALL(GetSubscription);
  ONHOOK_CALL(ListSubscriptions);
  ONHOOK_CALL(UpdateSubscription);
  ONHOOK_CALL(DeleteSubscription);
  ONHOOK_CALL(Seek);
  ONHOOK_CALL(PauseSubscription);
  ONHOOK_CALL(ResumeSubscription);
  ONHOOK_CALL(ListDeadLetters);
  ONHOOK_CALL(GetDeadLetter);
  ONHOOK_CALL(RedriveDeadLetters);
  ONHOOK_CALL(DiscardDeadLetters);
#undef ONHOOK_CALL

 private:
  const StreamEnvironment* const environment_;
  SubscriptionCalls subscriptions_;
  DeadLetterCalls dead_letters_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_SUBSCRIPTION_SERVICE_H_
