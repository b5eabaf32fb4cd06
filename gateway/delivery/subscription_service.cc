#include "gateway/delivery/subscription_service.h"

#include "gateway/delivery/unary_call.h"

namespace onhook {

SubscriptionServiceImpl::SubscriptionServiceImpl(const StreamEnvironment* environment)
    : environment_(environment),
      subscriptions_(environment->store, environment->clock),
      dead_letters_(environment->store, environment->options->Get()->max_dead_letter_changes) {}

#define ONHOOK_CALL(Name, subscription, calls, Method)                                          \
  grpc::ServerUnaryReactor* SubscriptionServiceImpl::Name(grpc::CallbackServerContext* context, \
                                                          const v1::Name##Request* request,     \
                                                          v1::Name##Response* response) {       \
    const UnaryCall call{environment_, context, "/onhook.v1.SubscriptionService/" #Name,        \
                         subscription, response};                                               \
    return AnswerOn(*environment_->executor, call, [this, request, response](const auto&) {     \
      return calls.Method(*request, *response);                                                 \
    });                                                                                         \
  }
ONHOOK_CALL(CreateSubscription, request->name(), subscriptions_, Create)
ONHOOK_CALL(GetSubscription, request->name(), subscriptions_, Get)
ONHOOK_CALL(UpdateSubscription, request->name(), subscriptions_, Update)
ONHOOK_CALL(DeleteSubscription, request->name(), subscriptions_, Delete)
ONHOOK_CALL(Seek, request->name(), subscriptions_, Seek)
ONHOOK_CALL(PauseSubscription, request->name(), subscriptions_, Pause)
ONHOOK_CALL(ResumeSubscription, request->name(), subscriptions_, Resume)
ONHOOK_CALL(ListDeadLetters, request->subscription(), dead_letters_, List)
ONHOOK_CALL(GetDeadLetter, request->subscription(), dead_letters_, Get)
#undef ONHOOK_CALL

grpc::ServerUnaryReactor* SubscriptionServiceImpl::ListSubscriptions(
    grpc::CallbackServerContext* context, const v1::ListSubscriptionsRequest* request,
    v1::ListSubscriptionsResponse* response) {
  const UnaryCall call{environment_, context, "/onhook.v1.SubscriptionService/ListSubscriptions",
                       std::nullopt, response};
  return AnswerOn(*environment_->executor, call,
                  [this, request, response](const CallAuthorization& authorization) {
                    const auto is_shown = [&](const std::string& name) {
                      return authorization.May(Permission::kSubscribe, name) ||
                             authorization.May(Permission::kAdminister, name);
                    };
                    return subscriptions_.List(*request, is_shown, *response);
                  });
}

grpc::ServerUnaryReactor* SubscriptionServiceImpl::RedriveDeadLetters(
    grpc::CallbackServerContext* context, const v1::RedriveDeadLettersRequest* request,
    v1::RedriveDeadLettersResponse* response) {
  const UnaryCall call{environment_, context, "/onhook.v1.SubscriptionService/RedriveDeadLetters",
                       request->subscription(), response};
  return AnswerWhenDone(call, [this, request, response](CallDone done) {
    dead_letters_.Redrive(*request, response, std::move(done));
  });
}

grpc::ServerUnaryReactor* SubscriptionServiceImpl::DiscardDeadLetters(
    grpc::CallbackServerContext* context, const v1::DiscardDeadLettersRequest* request,
    v1::DiscardDeadLettersResponse* response) {
  const UnaryCall call{environment_, context, "/onhook.v1.SubscriptionService/DiscardDeadLetters",
                       request->subscription(), response};
  return AnswerWhenDone(call, [this, request, response](CallDone done) {
    dead_letters_.Discard(*request, response, std::move(done));
  });
}

}  // namespace onhook
