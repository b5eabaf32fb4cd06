#ifndef ONHOOK_TESTS_UNIT_HTTP_HTTPS_SERVER_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_HTTP_HTTPS_SERVER_FIXTURE_H_

#include <algorithm>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "tests/support/raw_tls_client.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/http/http_server_fixture.h"

namespace onhook {

// The same server with TLS, and a record of what it refuses.
class HttpsServerTest : public HttpServerTest {
 protected:
  HttpsServerTest() {
    PutCertificate(authority_.ServerCertificate());
    callbacks_.on_refused = [this](absl::string_view label) {
      absl::MutexLock lock(&mutex_);
      refused_.emplace_back(label);
    };
  }
  // Before what its callbacks use.
  ~HttpsServerTest() override { server_.reset(); }

  void PutCertificate(const TestCertificate& certificate) {
    const TestCertificateFiles files = Write(directory_, "server", certificate);
    tls_options_.certificate_file = files.certificate_file;
    tls_options_.key_file = files.key_file;
  }
  void AskForCertificates(TlsOptions::ClientCertificate how) {
    tls_options_.client_ca_file = directory_.Write("clients.crt", authority_.certificate_pem());
    tls_options_.client_certificate = how;
  }
  void Start() {
    auto opened = TlsFiles::Open("http", tls_options_, &metrics_, &clock_, &tls_log_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    tls_ = *std::move(opened);
    HttpServerTest::Start();
  }

  // One that knows who signed the server's certificate.
  RawTlsClient::Options Trusting() const {
    RawTlsClient::Options options;
    options.ca_pem = authority_.certificate_pem();
    return options;
  }
  std::vector<std::string> Refused() {
    absl::MutexLock lock(&mutex_);
    return refused_;
  }
  // The first `count` refusals and what came with them, some of which may be still to come: a
  // failed handshake is counted after its client has heard of it.
  std::vector<std::string> AwaitRefusals(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto are_there = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return refused_.size() >= count;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&are_there), absl::Seconds(60));
    return refused_;
  }
  std::string AwaitRefusal() {
    const std::vector<std::string> refused = AwaitRefusals(1);
    return refused.empty() ? "none" : refused.front();
  }

  const TestAuthority authority_;
  TemporaryDirectory directory_;
  TlsOptions tls_options_;
  Metrics metrics_;
  Log tls_log_{&clock_, LogLevel::kInfo, Log::Format::kText, [](absl::string_view) {}};
  absl::Mutex mutex_;
  std::vector<std::string> refused_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_HTTP_HTTPS_SERVER_FIXTURE_H_
