#ifndef ONHOOK_GATEWAY_DELIVERY_UNARY_CALL_H_
#define ONHOOK_GATEWAY_DELIVERY_UNARY_CALL_H_

#include <google/protobuf/message.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/delivery/call_authorization.h"
#include "gateway/delivery/delivery_stream.h"
#include "gateway/delivery/serial_executor.h"

namespace onhook {

// The one way in which calls that are no streams are answered, so that none of them forgets who
// asks: nobody looks at the request before the caller was found to have the permission, who lacks
// see_numbers gets a masked answer, and what changes something leaves a line in the log.
//
// A call that only reads is checked once more before its answer goes out. One that changes is not:
// what was done is told as done.
// Lifetime: what a call refers to must live until the reactor is done, as gRPC's requests do.
// Threads: gRPC's. Blocking: never.
struct UnaryCall {
  const StreamEnvironment* environment = nullptr;
  grpc::CallbackServerContext* context = nullptr;
  absl::string_view method;  // as in RpcRules
  // That the request names, if requests of this kind do.
  std::optional<absl::string_view> subscription;
  google::protobuf::Message* response = nullptr;
};

// The line in the log about a change that somebody made, or tried to.
void LogChange(const Log& log, const CallAuthorization& authorization, const absl::Status& status);

using CallDone = std::function<void(absl::Status)>;

// Makes a call that may block, on the executor's thread instead of gRPC's.
grpc::ServerUnaryReactor* AnswerOn(
    SerialExecutor& executor, const UnaryCall& call,
    std::function<absl::Status(const CallAuthorization& authorization)> make);

// Makes a call that does not block, and answers when it calls `done`.
grpc::ServerUnaryReactor* AnswerWhenDone(const UnaryCall& call,
                                         const std::function<void(CallDone done)>& make);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_UNARY_CALL_H_
