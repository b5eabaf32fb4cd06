#ifndef ONHOOK_TESTS_UNIT_HTTP_HTTP_SERVER_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_HTTP_HTTP_SERVER_FIXTURE_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/http/connection_threads.h"
#include "gateway/http/http_server.h"
#include "gtest/gtest.h"
#include "tests/support/raw_http_client.h"

namespace onhook {

// A server on a free port whose handler repeats what it was given, unless a test sets another.
//
// Built once more with ONHOOK_HTTP_TASKS, the handler is behind a task: it runs on a thread that is
// nobody's, and its answer comes when it comes.
class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    options_.listen = "127.0.0.1:0";
    callbacks_.handler = [](const HttpRequest& request) {
      return Text(absl::StrCat(request.method, " ", request.path, " ", request.body));
    };
    callbacks_.error_body = [](int status, absl::string_view reason) {
      return Text(absl::StrCat("refused ", status, ": ", reason));
    };
  }

  static HttpResponse Text(std::string body) {
    HttpResponse response;
    response.body = std::move(body);
    return response;
  }

  static std::string Post(absl::string_view body, absl::string_view headers = "") {
    return absl::StrCat("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: ", body.size(), "\r\n",
                        headers, "\r\n", body);
  }

  void Start() {
    HttpServer::Callbacks counting = callbacks_;
    counting.handler = [this](const HttpRequest& request) {
      ++handled_;
      return callbacks_.handler(request);
    };
#ifdef ONHOOK_HTTP_TASKS
    const HttpTask task_of_handler = [this, handler = counting.handler](const HttpRequest& request,
                                                                        HttpDone done) {
      if (answers_at_once_) return done(handler(request));
      tasks_.Run([handler, &request, done = std::move(done)] { done(handler(request)); });
    };
    if (counting.task == nullptr) counting.task = task_of_handler;
    counting.handler = nullptr;
#endif
    server_ = std::make_unique<HttpServer>(options_, counting, &clock_, &log_, tls_.get());
    const absl::Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  int port() const { return server_->port(); }

  SystemClock clock_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  HttpOptions options_;
  HttpServer::Callbacks callbacks_;
  std::atomic<int> handled_{0};
  std::unique_ptr<TlsFiles> tls_;  // null: none
  bool answers_at_once_ = false;   // a task does, on the thread that it is called on
#ifdef ONHOOK_HTTP_TASKS
  ConnectionThreads tasks_{1000};
#endif
  std::unique_ptr<HttpServer> server_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_HTTP_HTTP_SERVER_FIXTURE_H_
