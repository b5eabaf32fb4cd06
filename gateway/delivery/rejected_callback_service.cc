#include "gateway/delivery/rejected_callback_service.h"

#include <utility>

#include "gateway/delivery/grpc_status.h"

namespace onhook {

RejectedCallbackServiceImpl::RejectedCallbackServiceImpl(const StreamEnvironment* environment,
                                                         CallbackJudge* judge,
                                                         SerialExecutor* change_executor)
    : environment_(environment),
      change_executor_(change_executor),
      calls_(
          &environment->store->quarantine(),
          [environment] { return environment->store->store_id(); }, judge, environment->clock) {}

grpc::ServerUnaryReactor* RejectedCallbackServiceImpl::ListRejectedCallbacks(
    grpc::CallbackServerContext* context, const v1::ListRejectedCallbacksRequest* request,
    v1::ListRejectedCallbacksResponse* response) {
  const UnaryCall call{environment_, context,
                       "/onhook.v1.RejectedCallbackService/ListRejectedCallbacks", std::nullopt,
                       response};
  return AnswerOn(*environment_->executor, call, [this, request, response](const auto&) {
    return calls_.List(*request, *response);
  });
}

grpc::ServerUnaryReactor* RejectedCallbackServiceImpl::GetRejectedCallback(
    grpc::CallbackServerContext* context, const v1::GetRejectedCallbackRequest* request,
    v1::GetRejectedCallbackResponse* response) {
  const UnaryCall call{environment_, context,
                       "/onhook.v1.RejectedCallbackService/GetRejectedCallback", std::nullopt,
                       response};
  return AnswerOn(*environment_->executor, call, [this, request, response](const auto&) {
    return calls_.Get(*request, *response);
  });
}

grpc::ServerUnaryReactor* RejectedCallbackServiceImpl::Change(
    const UnaryCall& call,
    std::function<absl::Status(const RejectedCallbackCalls::Abandoned& abandoned)> change) {
  grpc::CallbackServerContext* const context = call.context;
  return AnswerOn(
      *change_executor_, call, [this, context, change = std::move(change)](const auto&) {
        const auto abandoned = [this, context] { return ending_ || context->IsCancelled(); };
        return abandoned() ? GoingAway() : change(abandoned);
      });
}

grpc::ServerUnaryReactor* RejectedCallbackServiceImpl::ReparseRejectedCallbacks(
    grpc::CallbackServerContext* context, const v1::ReparseRejectedCallbacksRequest* request,
    v1::ReparseRejectedCallbacksResponse* response) {
  const UnaryCall call{environment_, context,
                       "/onhook.v1.RejectedCallbackService/ReparseRejectedCallbacks", std::nullopt,
                       response};
  return Change(call, [this, request, response](const auto& abandoned) {
    const absl::Status status = calls_.Reparse(*request, *response, abandoned);
    environment_->log->Info("delivery", "rejected callbacks were judged again",
                            {{"events", response->event_ids_size()},
                             {"rejected_again", response->refusals_size()},
                             {"status", absl::StatusCodeToString(status.code())}});
    return status;
  });
}

grpc::ServerUnaryReactor* RejectedCallbackServiceImpl::DiscardRejectedCallbacks(
    grpc::CallbackServerContext* context, const v1::DiscardRejectedCallbacksRequest* request,
    v1::DiscardRejectedCallbacksResponse* response) {
  const UnaryCall call{environment_, context,
                       "/onhook.v1.RejectedCallbackService/DiscardRejectedCallbacks", std::nullopt,
                       response};
  return Change(call, [this, request, response](const auto& abandoned) {
    const absl::Status status = calls_.Discard(*request, *response, abandoned);
    environment_->log->Info("delivery", "rejected callbacks were discarded",
                            {{"callbacks", response->discarded()},
                             {"status", absl::StatusCodeToString(status.code())}});
    return status;
  });
}

}  // namespace onhook
