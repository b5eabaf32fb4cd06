#include "gateway/delivery/rejected_callback_service.h"

#include <utility>

#include "gateway/delivery/administration_call.h"
#include "gateway/delivery/grpc_status.h"

namespace onhook {

RejectedCallbackServiceImpl::RejectedCallbackServiceImpl(const StreamEnvironment* environment,
                                                         CallbackJudge* judge,
                                                         SerialExecutor* change_executor)
    : environment_(environment),
      change_executor_(change_executor),
      calls_(&environment->store->quarantine(), environment->store->store_id(), judge,
             environment->clock) {}

grpc::ServerUnaryReactor* RejectedCallbackServiceImpl::ListRejectedCallbacks(
    grpc::CallbackServerContext* context, const v1::ListRejectedCallbacksRequest* request,
    v1::ListRejectedCallbacksResponse* response) {
  return AnswerOn(*environment_->executor, *context,
                  [this, request, response] { return calls_.List(*request, *response); });
}

grpc::ServerUnaryReactor* RejectedCallbackServiceImpl::GetRejectedCallback(
    grpc::CallbackServerContext* context, const v1::GetRejectedCallbackRequest* request,
    v1::GetRejectedCallbackResponse* response) {
  return AnswerOn(*environment_->executor, *context,
                  [this, request, response] { return calls_.Get(*request, *response); });
}

grpc::ServerUnaryReactor* RejectedCallbackServiceImpl::Change(
    grpc::CallbackServerContext* context,
    std::function<absl::Status(const RejectedCallbackCalls::Abandoned& abandoned)> change) {
  return AnswerOn(*change_executor_, *context, [this, context, change = std::move(change)] {
    const auto abandoned = [this, context] { return ending_ || context->IsCancelled(); };
    return abandoned() ? GoingAway() : change(abandoned);
  });
}

grpc::ServerUnaryReactor* RejectedCallbackServiceImpl::ReparseRejectedCallbacks(
    grpc::CallbackServerContext* context, const v1::ReparseRejectedCallbacksRequest* request,
    v1::ReparseRejectedCallbacksResponse* response) {
  return Change(context, [this, request, response](const auto& abandoned) {
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
  return Change(context, [this, request, response](const auto& abandoned) {
    const absl::Status status = calls_.Discard(*request, *response, abandoned);
    environment_->log->Info("delivery", "rejected callbacks were discarded",
                            {{"callbacks", response->discarded()},
                             {"status", absl::StatusCodeToString(status.code())}});
    return status;
  });
}

}  // namespace onhook
