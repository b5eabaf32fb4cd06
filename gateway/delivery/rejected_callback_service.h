#ifndef ONHOOK_GATEWAY_DELIVERY_REJECTED_CALLBACK_SERVICE_H_
#define ONHOOK_GATEWAY_DELIVERY_REJECTED_CALLBACK_SERVICE_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>

#include "absl/status/status.h"
#include "gateway/delivery/delivery_stream.h"
#include "gateway/delivery/rejected_callback_calls.h"
#include "gateway/delivery/serial_executor.h"
#include "gateway/delivery/unary_call.h"
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

  // The gateway is about to stop: a change under way ends with what it has done, those that wait
  // and those to come are refused.
  void EndSoon() { ending_ = true; }

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
  // Makes a change on its executor, unless it is too late or nobody waits for it any more.
  grpc::ServerUnaryReactor* Change(
      const UnaryCall& call,
      std::function<absl::Status(const RejectedCallbackCalls::Abandoned& abandoned)> change);

  const StreamEnvironment* const environment_;
  SerialExecutor* const change_executor_;
  RejectedCallbackCalls calls_;
  std::atomic<bool> ending_{false};
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_REJECTED_CALLBACK_SERVICE_H_
