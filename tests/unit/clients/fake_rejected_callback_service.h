#ifndef ONHOOK_TESTS_UNIT_CLIENTS_FAKE_REJECTED_CALLBACK_SERVICE_H_
#define ONHOOK_TESTS_UNIT_CLIENTS_FAKE_REJECTED_CALLBACK_SERVICE_H_

#include <grpcpp/support/server_callback.h>

#include "onhook/v1/rejected_callback_service.grpc.pb.h"
#include "tests/unit/clients/fake_method.h"

namespace onhook::client {

// A RejectedCallbackService that answers what a test says.
class FakeRejectedCallbackService : public v1::RejectedCallbackService::CallbackService {
 public:
  // Of every answer. Set it, and the responses, before the call.
  grpc::Status status;

  FakeMethod<v1::ListRejectedCallbacksRequest, v1::ListRejectedCallbacksResponse> list;
  FakeMethod<v1::GetRejectedCallbackRequest, v1::GetRejectedCallbackResponse> get;
  FakeMethod<v1::ReparseRejectedCallbacksRequest, v1::ReparseRejectedCallbacksResponse> reparse;
  FakeMethod<v1::DiscardRejectedCallbacksRequest, v1::DiscardRejectedCallbacksResponse> discard;

  grpc::ServerUnaryReactor* ListRejectedCallbacks(
      grpc::CallbackServerContext* context, const v1::ListRejectedCallbacksRequest* request,
      v1::ListRejectedCallbacksResponse* response) override {
    return list.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* GetRejectedCallback(
      grpc::CallbackServerContext* context, const v1::GetRejectedCallbackRequest* request,
      v1::GetRejectedCallbackResponse* response) override {
    return get.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* ReparseRejectedCallbacks(
      grpc::CallbackServerContext* context, const v1::ReparseRejectedCallbacksRequest* request,
      v1::ReparseRejectedCallbacksResponse* response) override {
    return reparse.Answer(context, *request, response, status);
  }
  grpc::ServerUnaryReactor* DiscardRejectedCallbacks(
      grpc::CallbackServerContext* context, const v1::DiscardRejectedCallbacksRequest* request,
      v1::DiscardRejectedCallbacksResponse* response) override {
    return discard.Answer(context, *request, response, status);
  }
};

}  // namespace onhook::client

#endif  // ONHOOK_TESTS_UNIT_CLIENTS_FAKE_REJECTED_CALLBACK_SERVICE_H_
