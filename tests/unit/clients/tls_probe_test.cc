#include "clients/cpp/tls_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "clients/cpp/certificate_words.h"
#include "onhook/status.h"
#include "tests/unit/clients/scripted_server.h"
#include "tests/unit/clients/secure_server.h"

namespace onhook::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Long enough for the slowest machine; only a server that is silent lets it pass.
constexpr absl::Duration kLimit = absl::Seconds(20);

absl::Status Probe(const std::string& server, const SecurityOptions& security,
                   absl::Duration limit = kLimit) {
  const auto address = ParseServerAddress(server);
  if (!address.ok()) return address.status();
  const auto credentials = ReadTlsCredentials(security, TlsCredentials());
  if (!credentials.ok()) return credentials.status();
  return ProbeConnection(*address, security, *credentials, limit);
}

// Takes each connection's handshake, whoever comes with a certificate of `authority`, and closes
// it.
class ClosingTlsServer {
 public:
  explicit ClosingTlsServer(const TestAuthority& authority)
      : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free) {
    const TestCertificate own = authority.ServerCertificate();
    SSL_CTX_use_certificate(context_.get(), CertificatesOf(own.certificate_pem).front().get());
    SSL_CTX_use_PrivateKey(context_.get(), KeyOf(own.key_pem).get());
    const std::vector<X509Pointer> accepted = CertificatesOf(authority.certificate_pem());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), accepted.front().get());
    SSL_CTX_add_client_CA(context_.get(), accepted.front().get());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_alpn_select_cb(
        context_.get(),
        [](SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
           unsigned int, void*) {
          *chosen = offered + 1;
          *size = offered[0];
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
    thread_ = std::thread([this] {
      server_.ServeEach([this](int peer) {
        const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), &SSL_free);
        SSL_set_fd(ssl.get(), peer);
        SSL_accept(ssl.get());
      });
    });
  }
  ~ClosingTlsServer() {
    server_.Stop();
    thread_.join();
  }
  std::string address() const { return server_.address(); }

 private:
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  ListeningServer server_;
  std::thread thread_;
};

class TlsProbeTest : public ::testing::Test {
 protected:
  // A fault with this reason, told in words that match.
  void ExpectFault(const absl::Status& status, const std::string& reason,
                   const ::testing::Matcher<std::string>& words) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(ErrorReason(status), reason) << status;
    EXPECT_THAT(std::string(status.message()), words);
  }

  const ClientFiles files_;
  const std::shared_ptr<grpc::ServerCredentials> tls_ =
      TlsServerCredentials(files_.authority.ServerCertificate());
};

TEST_F(TlsProbeTest, NothingIsWrongWithAGatewayThatCanBeReached) {
  const FakeGateway in_clear;
  EXPECT_EQ(Probe(in_clear.address(), SecurityOptions()), absl::OkStatus());
  const FakeGateway over_tls("127.0.0.1:0", tls_);
  EXPECT_EQ(Probe(over_tls.address(), files_.Trusting()), absl::OkStatus());
  const MutualTlsGateway mutual(files_);
  EXPECT_EQ(Probe(mutual.address(), files_.Showing(files_.Billing())), absl::OkStatus());
  const std::string socket = absl::StrCat("unix:", files_.directory.path(), "/socket");
  const FakeGateway on_socket(socket);
  EXPECT_EQ(Probe(socket, SecurityOptions()), absl::OkStatus());
}

TEST_F(TlsProbeTest, NobodyListens) {
  ExpectFault(Probe("127.0.0.1:1", SecurityOptions()), "NOBODY_LISTENS",
              AllOf(HasSubstr("nobody listens at 127.0.0.1:1"), HasSubstr("refused")));
  ExpectFault(Probe("127.0.0.1:1", files_.Trusting()), "NOBODY_LISTENS", HasSubstr("127.0.0.1:1"));
  ExpectFault(Probe("unix:/nowhere/socket", SecurityOptions()), "NOBODY_LISTENS",
              HasSubstr("unix:/nowhere/socket"));
}

TEST_F(TlsProbeTest, AnUnknownHost) {
  ExpectFault(Probe("gateway.invalid:50051", SecurityOptions()), "NAME_NOT_RESOLVED",
              HasSubstr("gateway.invalid"));
}

TEST_F(TlsProbeTest, TheServerSpeaksTlsAndTheClientDoesNot) {
  const FakeGateway gateway("127.0.0.1:0", tls_);
  ExpectFault(Probe(gateway.address(), SecurityOptions()), "SERVER_SPEAKS_TLS",
              HasSubstr(gateway.address() + " speaks TLS"));
  const MutualTlsGateway mutual(files_);
  ExpectFault(Probe(mutual.address(), SecurityOptions()), "SERVER_SPEAKS_TLS",
              HasSubstr("speaks TLS"));
}

TEST_F(TlsProbeTest, TheClientSpeaksTlsAndTheServerDoesNot) {
  const FakeGateway gateway;
  ExpectFault(Probe(gateway.address(), files_.Trusting()), "SERVER_SPEAKS_NO_TLS",
              HasSubstr(gateway.address() + " speaks no TLS"));
}

TEST_F(TlsProbeTest, AnAuthorityThatIsNotTrusted) {
  const FakeGateway gateway("127.0.0.1:0", tls_);
  SecurityOptions security;
  security.ca_file = files_.other_ca_file;
  ExpectFault(Probe(gateway.address(), security), "SERVER_AUTHORITY_UNKNOWN",
              AllOf(HasSubstr("CN=Onhook Test CA"), HasSubstr(files_.other_ca_file)));
}

TEST_F(TlsProbeTest, AnAuthorityOfTheSameNameIsToldApart) {
  const TestAuthority earlier("Onhook Test CA");
  const FakeGateway gateway("127.0.0.1:0", TlsServerCredentials(earlier.ServerCertificate()));
  ExpectFault(Probe(gateway.address(), files_.Trusting()), "SERVER_AUTHORITY_UNKNOWN",
              HasSubstr("another of that name"));
}

TEST_F(TlsProbeTest, ACertificateForOtherNamesListsThem) {
  TestCertificateRequest request;
  request.dns_names = {"gateway.example.org"};
  request.addresses = {"192.0.2.1"};
  const FakeGateway gateway("127.0.0.1:0", TlsServerCredentials(files_.authority.Issue(request)));
  ExpectFault(
      Probe(gateway.address(), files_.Trusting()), "SERVER_NAME_MISMATCH",
      AllOf(HasSubstr("DNS:gateway.example.org, IP:192.0.2.1"), HasSubstr("not for 127.0.0.1")));
  SecurityOptions security = files_.Trusting();
  security.server_name = "gateway.example.org";
  EXPECT_EQ(Probe(gateway.address(), security), absl::OkStatus());
  security.server_name = "other.example.org";
  ExpectFault(Probe(gateway.address(), security), "SERVER_NAME_MISMATCH",
              HasSubstr("not for other.example.org"));
}

TEST_F(TlsProbeTest, AServersCertificateThatIsNotOfThisTimeSaysOfWhich) {
  TestCertificateRequest request;
  request.addresses = {"127.0.0.1"};
  request.not_before = absl::FromUnixSeconds(1'600'000'000);
  request.not_after = absl::FromUnixSeconds(1'700'000'000);
  const FakeGateway expired("127.0.0.1:0", TlsServerCredentials(files_.authority.Issue(request)));
  ExpectFault(Probe(expired.address(), files_.Trusting()), "SERVER_CERTIFICATE_EXPIRED",
              HasSubstr("expired at 2023-11-14T22:13:20Z"));
  request.not_before = absl::FromUnixSeconds(4'000'000'000);
  request.not_after = absl::FromUnixSeconds(4'100'000'000);
  const FakeGateway early("127.0.0.1:0", TlsServerCredentials(files_.authority.Issue(request)));
  ExpectFault(Probe(early.address(), files_.Trusting()), "SERVER_CERTIFICATE_EXPIRED",
              HasSubstr("valid only from 2096-10-02T07:06:40Z"));
}

TEST_F(TlsProbeTest, ACertificateForClientsIsNoServers) {
  TestCertificateRequest request;
  request.addresses = {"127.0.0.1"};
  request.usage = "clientAuth";
  const FakeGateway gateway("127.0.0.1:0", TlsServerCredentials(files_.authority.Issue(request)));
  ExpectFault(Probe(gateway.address(), files_.Trusting()), "SERVER_CERTIFICATE_UNFIT",
              HasSubstr("purpose"));
}

TEST_F(TlsProbeTest, AClientCertificateIsRequiredAndNoneWasShown) {
  const MutualTlsGateway gateway(files_);
  ExpectFault(Probe(gateway.address(), files_.Trusting()), "CLIENT_CERTIFICATE_REQUIRED",
              AllOf(HasSubstr("asks for a client certificate"), HasSubstr("CN=Onhook Test CA"),
                    HasSubstr("none was shown")));
}

TEST_F(TlsProbeTest, AClientCertificateOfAnotherAuthority) {
  const MutualTlsGateway gateway(files_);
  const SecurityOptions security =
      files_.Showing(files_.stranger.ClientCertificate("spiffe://example.org/billing"));
  ExpectFault(Probe(gateway.address(), security), "CLIENT_CERTIFICATE_REFUSED",
              AllOf(HasSubstr(security.certificate_file), HasSubstr("signed by \"CN=Strange CA\""),
                    HasSubstr("CN=Onhook Test CA")));
}

TEST_F(TlsProbeTest, AClientCertificateThatIsNotOfThisTime) {
  const MutualTlsGateway gateway(files_);
  TestCertificateRequest request;
  request.usage = "clientAuth";
  request.not_before = absl::FromUnixSeconds(1'600'000'000);
  request.not_after = absl::FromUnixSeconds(1'700'000'000);
  ExpectFault(Probe(gateway.address(), files_.Showing(files_.authority.Issue(request))),
              "CLIENT_CERTIFICATE_REFUSED", HasSubstr("expired at 2023-11-14T22:13:20Z"));
  request.not_before = absl::FromUnixSeconds(4'000'000'000);
  request.not_after = absl::FromUnixSeconds(4'100'000'000);
  ExpectFault(Probe(gateway.address(), files_.Showing(files_.authority.Issue(request))),
              "CLIENT_CERTIFICATE_REFUSED", HasSubstr("valid only from 2096-10-02T07:06:40Z"));
}

TEST_F(TlsProbeTest, AClientCertificateThatIsNotForClients) {
  const MutualTlsGateway gateway(files_);
  const SecurityOptions security = files_.Showing(files_.authority.ServerCertificate());
  ExpectFault(Probe(gateway.address(), security), "CLIENT_CERTIFICATE_REFUSED",
              AllOf(HasSubstr(security.certificate_file), HasSubstr("is not for clients")));
}

TEST_F(TlsProbeTest, ACertificateAgainstWhichNothingSpeaksIsNotBlamed) {
  const ClosingTlsServer server(files_.authority);
  const SecurityOptions security = files_.Showing(files_.Billing());
  ExpectFault(Probe(server.address(), security), "CLOSED",
              AllOf(HasSubstr(security.certificate_file), HasSubstr("its log may say why")));
  ExpectFault(Probe(server.address(), files_.Trusting()), "CLIENT_CERTIFICATE_REQUIRED",
              HasSubstr("none was shown; it closes the connection"));
}

TEST_F(TlsProbeTest, AnHttpPortIsNotTheOneOfGrpc) {
  const ScriptedServer server("HTTP/1.1 400 Bad Request\r\n\r\n", ScriptedServer::Then::kClose);
  ExpectFault(Probe(server.address(), SecurityOptions()), "NOT_GRPC", HasSubstr("is an HTTP port"));
  ExpectFault(Probe(server.address(), files_.Trusting()), "NOT_GRPC", HasSubstr("is an HTTP port"));
}

TEST_F(TlsProbeTest, AServerThatClosesAtOnce) {
  const ScriptedServer server("", ScriptedServer::Then::kClose);
  ExpectFault(Probe(server.address(), SecurityOptions()), "CLOSED", HasSubstr("closes it at once"));
  ExpectFault(Probe(server.address(), files_.Trusting()), "CLOSED", HasSubstr("closes it at once"));
}

TEST_F(TlsProbeTest, AServerThatIsSilentIsWaitedForNoLongerThanAllowed) {
  const ScriptedServer server("", ScriptedServer::Then::kKeepOpen);
  const absl::Duration limit = absl::Milliseconds(20);
  ExpectFault(Probe(server.address(), SecurityOptions(), limit), "NO_ANSWER",
              HasSubstr("says nothing"));
  ExpectFault(Probe(server.address(), files_.Trusting(), limit), "NO_ANSWER",
              HasSubstr("says nothing"));
}

TEST_F(TlsProbeTest, WhateverAServerSaysIsSomeFaultInOneLine) {
  std::mt19937 random(20221122);
  for (int round = 0; round < 200; ++round) {
    std::string words(random() % 80, '\0');
    for (char& c : words) c = static_cast<char>(random());
    // Some begin as a TLS record does, or as a frame.
    if (round % 4 == 1) words.insert(0, "\x16\x03\x03");
    if (round % 4 == 2) words.insert(0, std::string("\x15\x03\x03\x00\x02", 5));
    if (round % 4 == 3) words.insert(0, std::string("\x00\x00\x00\x07", 4));
    const ScriptedServer server(words, ScriptedServer::Then::kClose);
    for (const SecurityOptions& security : {SecurityOptions(), files_.Trusting()}) {
      const absl::Status status = Probe(server.address(), security);
      EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << absl::CHexEscape(words);
      EXPECT_NE(ErrorReason(status), "") << absl::CHexEscape(words);
      EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));
    }
  }
}

}  // namespace
}  // namespace onhook::client
