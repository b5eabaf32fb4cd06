#include "gateway/delivery/subscription_service.h"

#include "gateway/delivery/administration_call.h"
#include "gateway/delivery/grpc_status.h"

namespace onhook {

SubscriptionServiceImpl::SubscriptionServiceImpl(const StreamEnvironment* environment)
    : environment_(environment),
      subscriptions_(environment->store, environment->clock),
      dead_letters_(environment->store, environment->options.max_dead_letter_changes) {}

#define ONHOOK_CALL(Name, calls, Method)                                                        \
  grpc::ServerUnaryReactor* SubscriptionServiceImpl::Name(grpc::CallbackServerContext* context, \
                                                          const v1::Name##Request* request,     \
                                                          v1::Name##Response* response) {       \
    return AnswerOn(*environment_->executor, *context,                                          \
                    [this, request, response] { return calls.Method(*request, *response); });   \
  }
ONHOOK_CALL(CreateSubscription, subscriptions_, Create)
ONHOOK_CALL(GetSubscription, subscriptions_, Get)
ONHOOK_CALL(ListSubscriptions, subscriptions_, List)
ONHOOK_CALL(UpdateSubscription, subscriptions_, Update)
ONHOOK_CALL(DeleteSubscription, subscriptions_, Delete)
ONHOOK_CALL(Seek, subscriptions_, Seek)
ONHOOK_CALL(PauseSubscription, subscriptions_, Pause)
ONHOOK_CALL(ResumeSubscription, subscriptions_, Resume)
ONHOOK_CALL(ListDeadLetters, dead_letters_, List)
ONHOOK_CALL(GetDeadLetter, dead_letters_, Get)
#undef ONHOOK_CALL

grpc::ServerUnaryReactor* SubscriptionServiceImpl::RedriveDeadLetters(
    grpc::CallbackServerContext* context, const v1::RedriveDeadLettersRequest* request,
    v1::RedriveDeadLettersResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  dead_letters_.Redrive(*request, response, [reactor](const absl::Status& status) {
    reactor->Finish(ToGrpcStatus(status));
  });
  return reactor;
}

grpc::ServerUnaryReactor* SubscriptionServiceImpl::DiscardDeadLetters(
    grpc::CallbackServerContext* context, const v1::DiscardDeadLettersRequest* request,
    v1::DiscardDeadLettersResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  dead_letters_.Discard(*request, response, [reactor](const absl::Status& status) {
    reactor->Finish(ToGrpcStatus(status));
  });
  return reactor;
}

}  // namespace onhook
