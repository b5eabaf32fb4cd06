#include "gateway/delivery/subscription_service.h"

#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/serial_executor.h"

namespace onhook {

SubscriptionServiceImpl::SubscriptionServiceImpl(const StreamEnvironment* environment)
    : environment_(environment),
      subscriptions_(environment->store, environment->clock),
      dead_letters_(environment->store, environment->options.max_dead_letter_changes) {}

template <typename Calls, typename Request, typename Response>
grpc::ServerUnaryReactor* SubscriptionServiceImpl::Run(grpc::CallbackServerContext* context,
                                                       Calls& calls,
                                                       absl::Status (Calls::*call)(const Request&,
                                                                                   Response&),
                                                       const Request* request, Response* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const bool taken = environment_->executor->Run([&calls, call, request, response, reactor] {
    reactor->Finish(ToGrpcStatus((calls.*call)(*request, *response)));
  });
  if (!taken) {
    reactor->Finish(ToGrpcStatus(absl::UnavailableError("too many calls wait for the store")));
  }
  return reactor;
}

#define ONHOOK_CALL(Name, calls, Method)                                                        \
  grpc::ServerUnaryReactor* SubscriptionServiceImpl::Name(grpc::CallbackServerContext* context, \
                                                          const v1::Name##Request* request,     \
                                                          v1::Name##Response* response) {       \
    return Run(context, calls, &Method, request, response);                                     \
  }
ONHOOK_CALL(CreateSubscription, subscriptions_, SubscriptionCalls::Create)
ONHOOK_CALL(GetSubscription, subscriptions_, SubscriptionCalls::Get)
ONHOOK_CALL(ListSubscriptions, subscriptions_, SubscriptionCalls::List)
ONHOOK_CALL(UpdateSubscription, subscriptions_, SubscriptionCalls::Update)
ONHOOK_CALL(DeleteSubscription, subscriptions_, SubscriptionCalls::Delete)
ONHOOK_CALL(Seek, subscriptions_, SubscriptionCalls::Seek)
ONHOOK_CALL(PauseSubscription, subscriptions_, SubscriptionCalls::Pause)
ONHOOK_CALL(ResumeSubscription, subscriptions_, SubscriptionCalls::Resume)
ONHOOK_CALL(ListDeadLetters, dead_letters_, DeadLetterCalls::List)
ONHOOK_CALL(GetDeadLetter, dead_letters_, DeadLetterCalls::Get)
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
