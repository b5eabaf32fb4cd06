#ifndef ONHOOK_TESTS_UNIT_CLIENTS_FAKE_CALLBACK_PORT_H_
#define ONHOOK_TESTS_UNIT_CLIENTS_FAKE_CALLBACK_PORT_H_

#include <httplib.h>

#include <deque>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/unit/clients/inbox.h"

namespace onhook::client {

// The gateway's port for callbacks: answers what a test says. At least one callback must come.
class FakeCallbackPort {
 public:
  struct Answer {
    int status = 200;
    std::string body = R"({"retCode":"0","retMsg":"success"})";
  };

  FakeCallbackPort() : port_(server_.bind_to_any_port("127.0.0.1")) {
    server_.Post(".*", [this](const httplib::Request& request, httplib::Response& response) {
      const Answer answer = answers.empty() ? Answer() : answers.front();
      if (answers.size() > 1) answers.pop_front();
      requests.Put(request);
      response.status = answer.status;
      response.set_content(answer.body, "application/json");
    });
    thread_ = std::thread([this] { server_.listen_after_bind(); });
  }
  ~FakeCallbackPort() {
    server_.stop();
    thread_.join();
  }

  std::string url() const { return absl::StrCat("http://127.0.0.1:", port_, "/release-events"); }

  // In turn; the last one again and again. None: success. Set them before the first callback.
  std::deque<Answer> answers;
  Inbox<httplib::Request> requests;

 private:
  httplib::Server server_;
  const int port_;
  std::thread thread_;
};

}  // namespace onhook::client

#endif  // ONHOOK_TESTS_UNIT_CLIENTS_FAKE_CALLBACK_PORT_H_
