// Certificates that change under load: no request fails by it.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/http/https_server_fixture.h"

namespace onhook {
namespace {

// Senders that post without a pause: some requests on a connection, then a new connection.
class Load {
 public:
  Load(int port, RawTlsClient::Options options) : port_(port), options_(std::move(options)) {
    for (int i = 0; i < 3; ++i) threads_.emplace_back([this] { Run(); });
  }
  ~Load() { Stop(); }

  void Stop() {
    stopped_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  // Waits until as many requests as there are senders have been made since now.
  void AwaitMore() const {
    const int before = made_;
    while (made_ < before + 30) std::this_thread::yield();
  }
  int made() const { return made_; }
  int failed() const { return failed_; }

 private:
  void Run() {
    const std::string request = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na";
    while (!stopped_) {
      RawTlsClient client(port_, options_);
      for (int i = 0; i < 5 && !stopped_; ++i) {
        if (client.Send(request).ReadAnswer().status != 200) {
          ++failed_;
          ++made_;
          break;
        }
        ++made_;
      }
    }
  }

  const int port_;
  const RawTlsClient::Options options_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> made_{0};
  std::atomic<int> failed_{0};
  std::vector<std::thread> threads_;
};

class HttpsRotationTest : public HttpsServerTest {
 protected:
  // Whose certificate is no good for anybody who does not follow the rotation.
  void AwaitVersion(uint64_t version) const {
    while (tls_->Get()->version < version) std::this_thread::yield();
  }
};

TEST_F(HttpsRotationTest, NoRequestFailsWhileCertificatesAreReplaced) {
  options_.max_connections_per_peer = 1000;
  Start();
  Load load(port(), Trusting());
  load.AwaitMore();
  for (uint64_t version = 2; version <= 4; ++version) {
    const TestCertificate next = authority_.ServerCertificate();
    PutCertificate(next);
    AwaitVersion(version);
    load.AwaitMore();
    EXPECT_EQ(RawTlsClient(port(), Trusting()).ServerCertificate(), next.certificate_pem);
  }
  // Nor by a bad one.
  PutCertificate({"garbage", "garbage"});
  load.AwaitMore();
  load.Stop();
  EXPECT_EQ(load.failed(), 0) << "of " << load.made();
}

TEST_F(HttpsRotationTest, AConnectionOutlivesTheCertificateThatItWasMadeWith) {
  Start();
  RawTlsClient client(port(), Trusting());
  EXPECT_EQ(client.Send(Post("a")).ReadAnswer().status, 200);
  PutCertificate(authority_.ServerCertificate());
  AwaitVersion(2);
  EXPECT_EQ(client.Send(Post("b")).ReadAnswer().status, 200);
}

// What shows that the load would notice: the same done by a new server on the same port.
TEST_F(HttpsRotationTest, RequestsFailWhenTheServerIsReplacedInstead) {
  Start();
  options_.listen = absl::StrCat("127.0.0.1:", port());
  Load load(port(), Trusting());
  load.AwaitMore();
  server_->Stop(absl::ZeroDuration());
  PutCertificate(authority_.ServerCertificate());
  Start();
  load.AwaitMore();
  load.Stop();
  EXPECT_GT(load.failed(), 0);
}

TEST_F(HttpsRotationTest, WhoseAuthorityWasTakenAwayGetsNoFurther) {
  AskForCertificates(TlsOptions::ClientCertificate::kRequired);
  Start();
  RawTlsClient::Options options = Trusting();
  options.certificate = authority_.ClientCertificate("spiffe://example.org/billing");
  EXPECT_EQ(RawTlsClient(port(), options).Send(Post("a")).ReadAnswer().status, 200);
  directory_.Write("clients.crt", TestAuthority("Other").certificate_pem());
  AwaitVersion(2);
  EXPECT_EQ(RawTlsClient(port(), options).Send(Post("a")).ReadAnswer().status, 0);
}

}  // namespace
}  // namespace onhook
