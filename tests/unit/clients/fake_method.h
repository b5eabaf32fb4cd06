#ifndef ONHOOK_TESTS_UNIT_CLIENTS_FAKE_METHOD_H_
#define ONHOOK_TESTS_UNIT_CLIENTS_FAKE_METHOD_H_

#include <grpcpp/support/server_callback.h>

#include <deque>

#include "tests/unit/clients/inbox.h"

namespace onhook::client {

// One method of a service: what it was asked, and what it answers.
template <typename Request, typename Response>
struct FakeMethod {
  Inbox<Request> requests;
  // In turn; the last one again and again. None: an empty answer.
  std::deque<Response> responses;

  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const Request& request,
                                   Response* response, const grpc::Status& status) {
    if (!responses.empty()) *response = responses.front();
    if (responses.size() > 1) responses.pop_front();
    requests.Put(request);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(status);
    return reactor;
  }
};

}  // namespace onhook::client

#endif  // ONHOOK_TESTS_UNIT_CLIENTS_FAKE_METHOD_H_
