#include "gateway/delivery/unary_call.h"

#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/reached_store.h"
#include "gateway/delivery/shown_event.h"

namespace onhook {
namespace {

std::shared_ptr<CallAuthorization> AuthorizationOf(const UnaryCall& call) {
  auto authorization = std::make_shared<CallAuthorization>(call.environment->authorization(),
                                                           call.method, *call.context);
  if (call.subscription.has_value()) authorization->SetSubscription(*call.subscription);
  return authorization;
}

// Whether the call may be made at all.
absl::Status Check(const UnaryCall& call, CallAuthorization& authorization) {
  absl::Status allowed = authorization.Check();
  return allowed.ok() ? CheckReached(*call.environment->store) : allowed;
}

bool Changes(const CallAuthorization& authorization) {
  return authorization.rule() != nullptr && authorization.rule()->changes;
}

// The call has been made, with this result.
void Finish(const UnaryCall& call, CallAuthorization& authorization, absl::Status status,
            grpc::ServerUnaryReactor& reactor) {
  if (Changes(authorization)) {
    LogChange(*call.environment->log, authorization, status);
  } else if (absl::Status allowed = authorization.Check(); !allowed.ok()) {
    status = std::move(allowed);
  }
  if (status.ok() && !authorization.May(Permission::kSeeNumbers)) HideNumbersIn(*call.response);
  reactor.Finish(ToGrpcStatus(status));
}

}  // namespace

void LogChange(const Log& log, const CallAuthorization& authorization, const absl::Status& status) {
  const std::string identity = authorization.identity();
  log.Info("delivery", "a call of administration was made",
           {{"method", authorization.method()},
            {"identity", identity.empty() ? "anybody" : identity},
            {"subscription", authorization.subscription()},
            {"status", absl::StatusCodeToString(status.code())}});
}

grpc::ServerUnaryReactor* AnswerOn(
    SerialExecutor& executor, const UnaryCall& call,
    std::function<absl::Status(const CallAuthorization& authorization)> make) {
  grpc::ServerUnaryReactor* const reactor = call.context->DefaultReactor();
  const std::shared_ptr<CallAuthorization> authorization = AuthorizationOf(call);
  if (absl::Status allowed = Check(call, *authorization); !allowed.ok()) {
    reactor->Finish(ToGrpcStatus(allowed));
    return reactor;
  }
  const bool taken = executor.Run([call, authorization, make = std::move(make), reactor] {
    if (absl::Status allowed = authorization->Check(); !allowed.ok()) {
      reactor->Finish(ToGrpcStatus(allowed));
    } else {
      Finish(call, *authorization, make(*authorization), *reactor);
    }
  });
  if (!taken) {
    reactor->Finish(ToGrpcStatus(absl::UnavailableError("too many calls wait for the store")));
  }
  return reactor;
}

grpc::ServerUnaryReactor* AnswerWhenDone(const UnaryCall& call,
                                         const std::function<void(CallDone done)>& make) {
  grpc::ServerUnaryReactor* const reactor = call.context->DefaultReactor();
  const std::shared_ptr<CallAuthorization> authorization = AuthorizationOf(call);
  if (absl::Status allowed = Check(call, *authorization); !allowed.ok()) {
    reactor->Finish(ToGrpcStatus(allowed));
    return reactor;
  }
  make([call, authorization, reactor](absl::Status status) {
    Finish(call, *authorization, std::move(status), *reactor);
  });
  return reactor;
}

}  // namespace onhook
