#ifndef ONHOOK_TESTS_UNIT_CLIENTS_FAKE_SUBSCRIPTION_SERVICE_H_
#define ONHOOK_TESTS_UNIT_CLIENTS_FAKE_SUBSCRIPTION_SERVICE_H_

#include <grpcpp/support/server_callback.h>

#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/unit/clients/fake_method.h"

namespace onhook::client {

// A SubscriptionService that answers what a test says.
class FakeSubscriptionService : public v1::SubscriptionService::CallbackService {
 public:
  // Of every answer. Set it, and the responses, before the call.
  grpc::Status status;

  FakeMethod<v1::CreateSubscriptionRequest, v1::CreateSubscriptionResponse> create_subscription;
  FakeMethod<v1::GetSubscriptionRequest, v1::GetSubscriptionResponse> get_subscription;
  FakeMethod<v1::ListSubscriptionsRequest, v1::ListSubscriptionsResponse> list_subscriptions;
  FakeMethod<v1::UpdateSubscriptionRequest, v1::UpdateSubscriptionResponse> update_subscription;
  FakeMethod<v1::DeleteSubscriptionRequest, v1::DeleteSubscriptionResponse> delete_subscription;
  FakeMethod<v1::SeekRequest, v1::SeekResponse> seek;
  FakeMethod<v1::PauseSubscriptionRequest, v1::PauseSubscriptionResponse> pause_subscription;
  FakeMethod<v1::ResumeSubscriptionRequest, v1::ResumeSubscriptionResponse> resume_subscription;
  FakeMethod<v1::ListDeadLettersRequest, v1::ListDeadLettersResponse> list_dead_letters;
  FakeMethod<v1::GetDeadLetterRequest, v1::GetDeadLetterResponse> get_dead_letter;
  FakeMethod<v1::RedriveDeadLettersRequest, v1::RedriveDeadLettersResponse> redrive_dead_letters;
  FakeMethod<v1::DiscardDeadLettersRequest, v1::DiscardDeadLettersResponse> discard_dead_letters;

  grpc::ServerUnaryReactor* CreateSubscription(grpc::CallbackServerContext* context,
                                               const v1::CreateSubscriptionRequest* request,
                                               v1::CreateSubscriptionResponse* response) override {
    return create_subscription.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* GetSubscription(grpc::CallbackServerContext* context,
                                            const v1::GetSubscriptionRequest* request,
                                            v1::GetSubscriptionResponse* response) override {
    return get_subscription.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* ListSubscriptions(grpc::CallbackServerContext* context,
                                              const v1::ListSubscriptionsRequest* request,
                                              v1::ListSubscriptionsResponse* response) override {
    return list_subscriptions.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* UpdateSubscription(grpc::CallbackServerContext* context,
                                               const v1::UpdateSubscriptionRequest* request,
                                               v1::UpdateSubscriptionResponse* response) override {
    return update_subscription.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* DeleteSubscription(grpc::CallbackServerContext* context,
                                               const v1::DeleteSubscriptionRequest* request,
                                               v1::DeleteSubscriptionResponse* response) override {
    return delete_subscription.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* Seek(grpc::CallbackServerContext* context,
                                 const v1::SeekRequest* request,
                                 v1::SeekResponse* response) override {
    return seek.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* PauseSubscription(grpc::CallbackServerContext* context,
                                              const v1::PauseSubscriptionRequest* request,
                                              v1::PauseSubscriptionResponse* response) override {
    return pause_subscription.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* ResumeSubscription(grpc::CallbackServerContext* context,
                                               const v1::ResumeSubscriptionRequest* request,
                                               v1::ResumeSubscriptionResponse* response) override {
    return resume_subscription.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* ListDeadLetters(grpc::CallbackServerContext* context,
                                            const v1::ListDeadLettersRequest* request,
                                            v1::ListDeadLettersResponse* response) override {
    return list_dead_letters.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* GetDeadLetter(grpc::CallbackServerContext* context,
                                          const v1::GetDeadLetterRequest* request,
                                          v1::GetDeadLetterResponse* response) override {
    return get_dead_letter.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* RedriveDeadLetters(grpc::CallbackServerContext* context,
                                               const v1::RedriveDeadLettersRequest* request,
                                               v1::RedriveDeadLettersResponse* response) override {
    return redrive_dead_letters.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* DiscardDeadLetters(grpc::CallbackServerContext* context,
                                               const v1::DiscardDeadLettersRequest* request,
                                               v1::DiscardDeadLettersResponse* response) override {
    return discard_dead_letters.Answer(context, *request, response, status);
  }
};

}  // namespace onhook::client

#endif  // ONHOOK_TESTS_UNIT_CLIENTS_FAKE_SUBSCRIPTION_SERVICE_H_
