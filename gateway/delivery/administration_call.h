#ifndef ONHOOK_GATEWAY_DELIVERY_ADMINISTRATION_CALL_H_
#define ONHOOK_GATEWAY_DELIVERY_ADMINISTRATION_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/serial_executor.h"

namespace onhook {

// Makes a call that may block on the executor's thread instead of gRPC's, and finishes with its
// result. What `call` refers to must live until the reactor is done, as gRPC's requests do.
inline grpc::ServerUnaryReactor* AnswerOn(SerialExecutor& executor,
                                          grpc::CallbackServerContext& context,
                                          std::function<absl::Status()> call) {
  grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
  const bool taken =
      executor.Run([call = std::move(call), reactor] { reactor->Finish(ToGrpcStatus(call())); });
  if (!taken) {
    reactor->Finish(ToGrpcStatus(absl::UnavailableError("too many calls wait for the store")));
  }
  return reactor;
}

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_ADMINISTRATION_CALL_H_
