#ifndef ONHOOK_TESTS_HOSTILE_HOSTILE_FIXTURE_H_
#define ONHOOK_TESTS_HOSTILE_HOSTILE_FIXTURE_H_

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/http/http_server.h"
#include "gtest/gtest.h"
#include "tests/hostile/request_record.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook {

// The gateway's HTTP server on a free port, with a handler that records what reaches it.
class HostileTest : public testing::Test {
 protected:
  HostileTest() {
    options_.listen = "127.0.0.1:0";
    callbacks_.handler = [this](const HttpRequest& request) {
      HttpResponse response;
      const absl::string_view marker = request.Header("Marker");
      response.body = record_.Take(marker.empty() ? request.query : marker, request.body);
      return response;
    };
    callbacks_.error_body = [](int, absl::string_view reason) {
      HttpResponse response;
      response.body = std::string(reason);
      return response;
    };
  }

  void Start() {
    server_ = std::make_unique<HttpServer>(options_, callbacks_, &clock_, &log_, tls_.get());
    const absl::Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  void StartWithTls() {
    const TestCertificateFiles files =
        Write(directory_, "server", TestAuthority().ServerCertificate());
    TlsOptions tls;
    tls.certificate_file = files.certificate_file;
    tls.key_file = files.key_file;
    auto opened = TlsFiles::Open("http", tls, &metrics_, &clock_, &log_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    tls_ = *std::move(opened);
    Start();
  }
  int port() const { return server_->port(); }

  SystemClock clock_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  HttpOptions options_;
  HttpServer::Callbacks callbacks_;
  RequestRecord record_;
  TemporaryDirectory directory_;
  Metrics metrics_;
  std::unique_ptr<TlsFiles> tls_;  // null: none
  std::unique_ptr<HttpServer> server_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_HOSTILE_HOSTILE_FIXTURE_H_
