// The gRPC port as its clients' connections meet it: TLS, the gate, the Unix-domain socket.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "gateway/delivery/rpc_rules.h"
#include "gateway/net/unix_socket.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/delivery/connections_fixture.h"

namespace onhook {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

class TlsTest : public ConnectionsTest {
 protected:
  void Start() {
    files_ = Write(directory_, "server", authority_.ServerCertificate());
    TlsOptions options;
    options.certificate_file = files_.certificate_file;
    options.key_file = files_.key_file;
    options.client_ca_file = directory_.Write("ca.crt", authority_.certificate_pem());
    options.client_certificate = wanted_;
    auto opened = TlsFiles::Open("grpc", options, &metrics_, &wall_clock_, &log_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    tls_files_ = *std::move(opened);
    tls_ = tls_files_.get();
    StartGateway();
  }
  ~TlsTest() override { StopGateway(); }

  std::shared_ptr<grpc::ChannelCredentials> Trusting(const TestAuthority& authority) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority.certificate_pem();
    return grpc::SslCredentials(options);
  }
  std::shared_ptr<grpc::ChannelCredentials> Showing(const TestCertificate& certificate) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority_.certificate_pem();
    options.pem_cert_chain = certificate.certificate_pem;
    options.pem_private_key = certificate.key_pem;
    return grpc::SslCredentials(options);
  }

  const TemporaryDirectory directory_;
  const SystemClock wall_clock_;
  const TestAuthority authority_;
  const TestAuthority stranger_{"Stranger"};
  TlsOptions::ClientCertificate wanted_ = TlsOptions::ClientCertificate::kRequired;
  TestCertificateFiles files_;
  std::unique_ptr<TlsFiles> tls_files_;
};

TEST_F(TlsTest, WhoShowsACertificateOfTheAuthorityIsServed) {
  Start();
  const auto channel = Channel(Showing(authority_.ClientCertificate("spiffe://example.org/crm")));
  EXPECT_TRUE(CallList(channel).ok());
}

TEST_F(TlsTest, WhoShowsNoneOrOneOfSomebodyElseGetsNoFurtherThanTheHandshake) {
  Start();
  for (const auto& credentials :
       {Trusting(authority_), Showing(stranger_.ClientCertificate("spiffe://example.org/crm")),
        grpc::InsecureChannelCredentials()}) {
    EXPECT_EQ(CallList(Channel(credentials)).error_code(), StatusCode::UNAVAILABLE);
  }
}

TEST_F(TlsTest, AClientThatDoesNotKnowTheAuthorityDoesNotTalkToTheServer) {
  Start();
  EXPECT_EQ(CallList(Channel(Trusting(stranger_))).error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, WhereACertificateIsOptionalNoneWillDoButNotAStrangers) {
  wanted_ = TlsOptions::ClientCertificate::kOptional;
  Start();
  EXPECT_TRUE(CallList(Channel(Trusting(authority_))).ok());
  const auto strangers = Showing(stranger_.ClientCertificate("spiffe://example.org/crm"));
  EXPECT_EQ(CallList(Channel(strangers)).error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, NewFilesHoldForNewHandshakesAndNoStreamEndsForThem) {
  Start();
  const auto credentials = Showing(authority_.ClientCertificate("spiffe://example.org/crm"));
  const auto stub = v1::ReleaseEventService::NewStub(Channel(credentials));
  Watcher watcher(stub.get(), {});
  EXPECT_TRUE(watcher.Next().has_heartbeat());

  // From another authority: who trusts only the old one notices.
  Write(directory_, "server", stranger_.ServerCertificate());
  const absl::Time begun = absl::Now();
  while (CallList(Channel(credentials)).ok() && absl::Now() - begun < absl::Seconds(30)) {
  }
  EXPECT_EQ(CallList(Channel(credentials)).error_code(), StatusCode::UNAVAILABLE);
  Append("a");
  EXPECT_THAT(watcher.Calls(1), testing::ElementsAre("a"));
}

using Headers = std::vector<std::pair<std::string, std::string>>;

// A gateway with an access list: "crm" comes with a token.
class GateTest : public ConnectionsTest {
 protected:
  GateTest() { options_.unix_socket = directory_.path() + "/grpc.sock"; }
  ~GateTest() override { StopGateway(); }

  void SetUp() override {
    Settings::Identity crm;
    crm.name = "crm";
    crm.token_files = {directory_.Write("token", "token-of-crm-000000")};
    crm.administer = {"*"};
    StartWith({crm});
  }
  void StartWith(std::vector<Settings::Identity> identities) {
    auto opened = AccessControl::Open(std::move(identities), nullptr, nullptr, &wall_clock_, &log_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    access_control_ = *std::move(opened);
    access_ = access_control_.get();
    StartGateway();
  }
  std::shared_ptr<grpc::Channel> UnixChannel() const {
    return Channel(grpc::InsecureChannelCredentials(), absl::StrCat("unix:", options_.unix_socket));
  }

  const TemporaryDirectory directory_;
  const Headers token_ = {{"authorization", "Bearer token-of-crm-000000"}};
  const SystemClock wall_clock_;
  std::unique_ptr<AccessControl> access_control_;
};

TEST_F(GateTest, StrangersAreRefusedWhateverTheyCall) {
  const auto channel = Channel();
  std::vector<absl::string_view> methods = {kUnknown};
  for (const RpcRule& rule : RpcRules()) methods.push_back(rule.method);
  for (const absl::string_view method : methods) {
    EXPECT_EQ(Call(channel, method).error_code(), StatusCode::UNAUTHENTICATED) << method;
    EXPECT_EQ(Call(channel, method, {{"authorization", "Bearer stolen"}}).error_code(),
              StatusCode::UNAUTHENTICATED)
        << method;
  }
}

TEST_F(GateTest, ATokenOpensWhatItsIdentityMayCall) {
  EXPECT_TRUE(Call(Channel(), kList, token_).ok());
  EXPECT_TRUE(Call(Channel(), kHealth, token_).ok());
  EXPECT_EQ(Call(Channel(), kUnknown, token_).error_code(), StatusCode::PERMISSION_DENIED);
}

TEST_F(GateTest, TwoTokensAreNone) {
  EXPECT_EQ(Call(Channel(), kHealth,
                 {{"authorization", "Bearer token-of-crm-000000"},
                  {"authorization", "Bearer token-of-crm-000000"}})
                .error_code(),
            StatusCode::UNAUTHENTICATED);
}

// The gate is not on that way; the handlers decide.
TEST_F(GateTest, ThroughTheUnixDomainSocketStrangersAreRefusedToo) {
  EXPECT_EQ(CallList(UnixChannel()).error_code(), StatusCode::UNAUTHENTICATED);
}

class OneConnectionTest : public GateTest, public testing::WithParamInterface<const char*> {
 protected:
  OneConnectionTest() {
    options_.listen = GetParam();
    options_.max_connections_per_identity = 1;
  }
  std::shared_ptr<grpc::Channel> ChannelToPort() const {
    return Channel(grpc::InsecureChannelCredentials(),
                   absl::StrCat(absl::StripSuffix(GetParam(), "0"), port_));
  }
};

TEST_P(OneConnectionTest, AnIdentityIsToldThatItHasTooManyAndTheOneTooManyIsCut) {
  const auto first = ChannelToPort();
  EXPECT_TRUE(Call(first, kList, token_).ok());
  const auto second = ChannelToPort();
  const grpc::Status refused = Call(second, kList, token_);
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED) << refused.error_message();
  EXPECT_THAT(refused.error_message(), HasSubstr("identity \"crm\" has 1 connections already"));
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(EndOfReadiness(*second), GRPC_CHANNEL_IDLE);
  EXPECT_TRUE(Call(first, kList, token_).ok());
}

INSTANTIATE_TEST_SUITE_P(Addresses, OneConnectionTest, testing::Values("127.0.0.1:0", "[::1]:0"));

class SidecarTest : public GateTest {
 protected:
  SidecarTest() { options_.max_connections_per_identity = 1; }
  void SetUp() override {
    Settings::Identity sidecar;
    sidecar.name = "sidecar";
    sidecar.unix_socket = true;
    sidecar.administer = {"*"};
    StartWith({sidecar});
  }
};

TEST_F(SidecarTest, WhoComesThroughTheUnixDomainSocketIsItsIdentityAndCountedAsSuch) {
  const auto first = UnixChannel();
  EXPECT_TRUE(CallList(first).ok());
  EXPECT_EQ(CallList(UnixChannel()).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(CallList(first).ok());
  EXPECT_EQ(CallList(Channel()).error_code(), StatusCode::UNAUTHENTICATED);
}

class UnixSocketTest : public ConnectionsTest {
 protected:
  UnixSocketTest() { options_.unix_socket = directory_.path() + "/grpc.sock"; }
  ~UnixSocketTest() override { StopGateway(); }

  std::shared_ptr<grpc::Channel> UnixChannel() const {
    return Channel(grpc::InsecureChannelCredentials(), absl::StrCat("unix:", options_.unix_socket));
  }

  const TemporaryDirectory directory_;
};

TEST_F(UnixSocketTest, StreamsWorkThroughItAsThroughThePort) {
  StartGateway();
  const auto stub = v1::ReleaseEventService::NewStub(UnixChannel());
  Subscriber subscriber(stub.get());
  subscriber.Open("crm");
  Append("a");
  const auto held = subscriber.Deliveries(1);
  subscriber.Ack(held, 3);
  EXPECT_EQ(subscriber.Results().request_id(), 3u);
  EXPECT_TRUE(CallList(Channel()).ok());
}

TEST_F(UnixSocketTest, ItsFileHasTheModeAndIsGoneAfterwards) {
  options_.unix_socket_mode = 0600;
  StartGateway();
  struct stat file {};
  ASSERT_EQ(stat(options_.unix_socket.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0600u);
  StopGateway();
  EXPECT_NE(stat(options_.unix_socket.c_str(), &file), 0);
}

TEST_F(UnixSocketTest, WhatAKilledGatewayLeftIsReplaced) {
  close(OpenUnixSocket(options_.unix_socket, 0600, 1)->descriptor);
  StartGateway();
  EXPECT_TRUE(CallList(UnixChannel()).ok());
}

TEST_F(UnixSocketTest, OneThatAnotherGatewayHasIsAnErrorThatNamesTheSetting) {
  StartGateway();
  DeliveryServer second(options_, Around());
  const absl::Status started = second.Start().status();
  EXPECT_TRUE(absl::IsAlreadyExists(started)) << started;
  EXPECT_THAT(std::string(started.message()), testing::StartsWith("grpc.unix_socket: "));
  EXPECT_TRUE(CallList(UnixChannel()).ok());
}

TEST_F(ConnectionsTest, AUnixDomainSocketIsNoAddressOfThePort) {
  StartGateway();
  DeliveryOptions wrong = options_;
  wrong.listen = "unix:/nowhere";
  DeliveryServer second(wrong, Around());
  EXPECT_TRUE(absl::IsInvalidArgument(second.Start().status()));
}

}  // namespace
}  // namespace onhook
