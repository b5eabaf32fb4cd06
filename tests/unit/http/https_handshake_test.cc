// Handshakes at HttpServer: who gets to make a request, who does not, and what either hears.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/http/https_server_fixture.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HttpsHandshakeTest : public HttpsServerTest {
 protected:
  HttpsHandshakeTest() {
    callbacks_.handler = [](const HttpRequest& request) {
      return Text(absl::StrCat(request.certificate_pem, "|", request.chain_pem));
    };
  }
  // What the handler sees of a client's certificate.
  static std::string SeenOf(RawTlsClient& client) {
    return client.Send(Post("a")).ReadAnswer().body;
  }

  RawTlsClient::Options Showing(const TestCertificate& certificate) const {
    RawTlsClient::Options options = Trusting();
    options.certificate = certificate;
    return options;
  }
};

constexpr char kBilling[] = "spiffe://example.org/billing";

TEST_F(HttpsHandshakeTest, OldVersionsAreNotSpoken) {
  Start();
  RawTlsClient::Options options;
  options.version = TLS1_1_VERSION;
  RawTlsClient client(port(), options);
  EXPECT_FALSE(client.secured());
  EXPECT_THAT(client.alert(), HasSubstr("alert protocol version"));
  EXPECT_EQ(AwaitRefusal(), "tls_version");
}

TEST_F(HttpsHandshakeTest, AClientThatDoesNotKnowTheAuthorityIsCounted) {
  Start();
  RawTlsClient::Options options;
  options.ca_pem = TestAuthority("Other").certificate_pem();
  RawTlsClient client(port(), options);
  EXPECT_FALSE(client.secured());
  EXPECT_EQ(AwaitRefusal(), "tls_not_trusted");
}

TEST_F(HttpsHandshakeTest, PlainHttpIsAnsweredInClear) {
  Start();
  for (const std::string& bytes : {Post("a"), std::string("\r\n\r\n"), std::string(1, '\0')}) {
    RawHttpClient client(port());
    const RawAnswer answer = client.Send(bytes).ReadAnswer();
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, "refused 400: this port speaks HTTPS, not HTTP");
    EXPECT_TRUE(client.FinishSending().IsClosed());
  }
  EXPECT_THAT(Refused(), ElementsAre("plain_http", "plain_http", "plain_http"));
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpsHandshakeTest, GarbageBehindTheFirstByteIsRefused) {
  Start();
  RawHttpClient client(port());
  client.Send("\x16garbage that is longer than the head of any record");
  client.FinishSending();
  EXPECT_EQ(client.ReadAnswer().status, 0);
  EXPECT_EQ(AwaitRefusal(), "tls_handshake");
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpsHandshakeTest, ASlowHandshakeEndsInTime) {
  options_.head_timeout = absl::Milliseconds(50);
  options_.linger_timeout = absl::Milliseconds(50);
  Start();
  const std::string hello = RawTlsClient::ClientHello();
  size_t refusals = 0;
  for (const size_t size : {size_t{1}, size_t{5}, hello.size() / 2, hello.size()}) {
    RawHttpClient slow(port());
    slow.Send(absl::string_view(hello).substr(0, size));
    while (slow.Sip() > 0) {
    }
    EXPECT_THAT(AwaitRefusals(++refusals), testing::Each("tls_handshake")) << size;
  }
  EXPECT_THAT(Refused(), testing::SizeIs(4));
}

TEST_F(HttpsHandshakeTest, WhoLeavesInTheMiddleOfItIsCountedAndWhoSaidNothingIsNot) {
  Start();
  { const RawHttpClient silent(port()); }
  {
    RawHttpClient client(port());
    client.Send(RawTlsClient::ClientHello().substr(0, 20));
  }
  EXPECT_EQ(AwaitRefusal(), "tls_handshake");
  server_->Stop(absl::Seconds(60));
  EXPECT_THAT(Refused(), ElementsAre("tls_handshake"));
}

TEST_F(HttpsHandshakeTest, ARenegotiationIsRefused) {
  Start();
  RawTlsClient::Options options;
  options.version = TLS1_2_VERSION;
  RawTlsClient client(port(), options);
  EXPECT_EQ(client.Send(Post("a")).ReadAnswer().status, 200);
  client.Renegotiate();
  client.Send(Post("b"));
  EXPECT_EQ(client.ReadAnswer().status, 0);
  EXPECT_EQ(handled_, 1);
}

TEST_F(HttpsHandshakeTest, NobodyIsAskedForACertificateUnlessAuthoritiesAreNamed) {
  Start();
  RawTlsClient client(port(), Showing(authority_.ClientCertificate(kBilling)));
  EXPECT_EQ(SeenOf(client), "|");
}

TEST_F(HttpsHandshakeTest, ACertificateThatMayBeShownIsSeenByTheHandler) {
  AskForCertificates(TlsOptions::ClientCertificate::kOptional);
  Start();
  RawTlsClient without(port(), Trusting());
  EXPECT_EQ(SeenOf(without), "|");
  const TestCertificate billing = authority_.ClientCertificate(kBilling);
  RawTlsClient with(port(), Showing(billing));
  EXPECT_EQ(SeenOf(with), billing.certificate_pem + "|");
  EXPECT_EQ(SeenOf(with), billing.certificate_pem + "|") << "of every request";
  EXPECT_THAT(Refused(), IsEmpty());
}

TEST_F(HttpsHandshakeTest, WhatIsSentBesideACertificateIsSeenToo) {
  AskForCertificates(TlsOptions::ClientCertificate::kRequired);
  Start();
  const TestAuthority between = authority_.Subordinate("Between");
  TestCertificate billing = between.ClientCertificate(kBilling);
  const std::string own = billing.certificate_pem;
  billing.certificate_pem += between.certificate_pem();
  RawTlsClient client(port(), Showing(billing));
  EXPECT_EQ(SeenOf(client), own + "|" + between.certificate_pem());
}

TEST_F(HttpsHandshakeTest, WhoMustShowACertificateAndHasNoGoodOneMakesNoRequest) {
  AskForCertificates(TlsOptions::ClientCertificate::kRequired);
  Start();
  TestCertificateRequest expired;
  expired.usage = "clientAuth";
  expired.not_after = absl::Now() - absl::Minutes(1);
  const struct {
    const char* what;
    TestCertificate shown;
    const char* alert;
  } rows[] = {
      {"none", {}, "alert certificate required"},
      {"a stranger's", TestAuthority("Stranger").ClientCertificate(kBilling), "alert unknown ca"},
      {"expired", authority_.Issue(expired), "alert certificate expired"},
      {"a server's", authority_.ServerCertificate(), "alert unsupported certificate"},
  };
  for (const auto& row : rows) {
    RawTlsClient client(port(), Showing(row.shown));
    EXPECT_EQ(client.Send(Post("a")).ReadAnswer().status, 0) << row.what;
    EXPECT_THAT(client.alert(), HasSubstr(row.alert)) << row.what;
  }
  EXPECT_EQ(handled_, 0);
  EXPECT_THAT(AwaitRefusals(4), testing::Each("tls_client_certificate"));
  EXPECT_THAT(Refused(), testing::SizeIs(4));
  RawTlsClient good(port(), Showing(authority_.ClientCertificate(kBilling)));
  EXPECT_THAT(SeenOf(good), HasSubstr("BEGIN CERTIFICATE"));
}

TEST_F(HttpsHandshakeTest, ABadCertificateIsRefusedAlthoughNoneIsNeeded) {
  AskForCertificates(TlsOptions::ClientCertificate::kOptional);
  Start();
  RawTlsClient client(port(), Showing(TestAuthority("Stranger").ClientCertificate(kBilling)));
  EXPECT_EQ(client.Send(Post("a")).ReadAnswer().status, 0);
  EXPECT_EQ(AwaitRefusal(), "tls_client_certificate");
  EXPECT_EQ(handled_, 0);
}

}  // namespace
}  // namespace onhook
