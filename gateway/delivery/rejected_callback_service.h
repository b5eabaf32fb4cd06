#ifndef ONHOOK_GATEWAY_DELIVERY_REJECTED_CALLBACK_SERVICE_H_
#define ONHOOK_GATEWAY_DELIVERY_REJECTED_CALLBACK_SERVICE_H_

#include <grpcpp/support/server_callback.h>

#include "gateway/delivery/delivery_stream.h"
#include "gateway/delivery/rejected_callback_calls.h"
#include "gateway/delivery/serial_executor.h"
#include "gateway/forwarding/callback_judge.h"
#include "onhook/v1/rejected_callback_service.grpc.pb.h"

namespace onhook {

// The gRPC service RejectedCallbackService. What only reads waits for the store on the
// environment's executor, as other administration does. What changes has an executor of its own: it
// may take seconds.
//
// Threads: gRPC's. Blocking: never.
class RejectedCallbackServiceImpl final : public v1::RejectedCallbackService::CallbackService {
 public:
  // All must outlive the service; `judge` may be null.
  RejectedCallbackServiceImpl(const StreamEnvironment* environment, CallbackJudge* judge,
                              SerialExecutor* change_executor);

#define ONHOOK_CALL(Name)                                                                        \
  grpc::ServerUnaryReactor* Name(grpc::CallbackServerContext* context,                           \
                                 const v1::Name##Request* request, v1::Name##Response* response) \
      override
  ONHOOK_CALL(ListRejectedCallbacks);
  ONHOOK_CALL(GetRejectedCallback);
  ONHOOK_CALL(ReparseRejectedCallbacks);
  ONHOOK_CALL(DiscardRejectedCallbacks);
#undef ONHOOK_CALL

 private:
  const StreamEnvironment* const environment_;
  SerialExecutor* const change_executor_;
  RejectedCallbackCalls calls_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_REJECTED_CALLBACK_SERVICE_H_
