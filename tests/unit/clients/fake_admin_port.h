#ifndef ONHOOK_TESTS_UNIT_CLIENTS_FAKE_ADMIN_PORT_H_
#define ONHOOK_TESTS_UNIT_CLIENTS_FAKE_ADMIN_PORT_H_

#include <httplib.h>

#include <map>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/unit/clients/inbox.h"

namespace onhook::client {

// The gateway's port for administration: answers what a test says, 404 elsewhere.
class FakeAdminPort {
 public:
  struct Answer {
    int status = 200;
    std::string body;
    std::string date;  // empty: none is said
  };

  // To be filled before the first request.
  std::map<std::string, Answer> answers;  // by path
  Inbox<httplib::Request> requests;

  FakeAdminPort() : port_(server_.bind_to_any_port("127.0.0.1")) {
    server_.Get(".*", [this](const httplib::Request& request, httplib::Response& response) {
      requests.Put(request);
      const auto found = answers.find(request.path);
      if (found == answers.end()) {
        response.status = 404;
        return;
      }
      response.status = found->second.status;
      if (!found->second.date.empty()) response.set_header("Date", found->second.date);
      response.set_content(found->second.body, "text/plain");
    });
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    server_.wait_until_ready();
  }
  ~FakeAdminPort() {
    server_.stop();
    thread_.join();
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  httplib::Server server_;
  const int port_;
  std::thread thread_;
};

}  // namespace onhook::client

#endif  // ONHOOK_TESTS_UNIT_CLIENTS_FAKE_ADMIN_PORT_H_
