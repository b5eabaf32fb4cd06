// The gRPC port as its clients' connections meet it: TLS, the gate, the Unix-domain socket, bounds.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "gateway/delivery/rpc_rules.h"
#include "gateway/delivery/server_bounds.h"
#include "gateway/net/unix_socket.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/delivery/delivery_fixture.h"

namespace onhook {
namespace {

using grpc::StatusCode;
using testing::HasSubstr;

// A server that a test starts itself, and calls of whatever there is.
class ConnectionsTest : public DeliveryFixture {
 protected:
  void SetUp() override {}

  std::shared_ptr<grpc::Channel> Channel(const std::shared_ptr<grpc::ChannelCredentials>&
                                             credentials = grpc::InsecureChannelCredentials(),
                                         const std::string& address = "") const {
    return grpc::CreateCustomChannel(address.empty() ? absl::StrCat("localhost:", port_) : address,
                                     credentials, OwnConnection());
  }
  // A call with an empty request, which every method can read.
  static grpc::Status Call(const std::shared_ptr<grpc::Channel>& channel, absl::string_view method,
                           const std::vector<std::pair<std::string, std::string>>& headers = {}) {
    grpc::ClientContext context;
    LimitTime(context);
    for (const auto& [name, value] : headers) context.AddMetadata(name, value);
    const grpc::ByteBuffer request(nullptr, 0);
    grpc::ByteBuffer response;
    grpc::Status status;
    absl::Notification done;
    grpc::GenericStub(channel).UnaryCall(&context, std::string(method), {}, &request, &response,
                                         [&](grpc::Status ended) {
                                           status = std::move(ended);
                                           done.Notify();
                                         });
    done.WaitForNotification();
    return status;
  }
  static grpc::Status CallList(const std::shared_ptr<grpc::Channel>& channel) {
    return Call(channel, "/onhook.v1.SubscriptionService/ListSubscriptions");
  }
};

// Whether the server ends the connection, after its settings.
bool IsEnded(RawHttpClient& client) {
  const absl::Time begun = absl::Now();
  while (absl::Now() - begun < absl::Seconds(9)) {
    if (client.Sip() == 0) return absl::Now() - begun < absl::Seconds(9);
  }
  return false;
}

constexpr char kHealth[] = "/grpc.health.v1.Health/Check";
constexpr char kUnknown[] = "/onhook.v1.ReleaseEventService/Steal";

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

class GateTest : public ConnectionsTest {
 protected:
  void SetUp() override {
    Settings::Identity crm;
    crm.name = "crm";
    crm.token_files = {directory_.Write("token", "token-of-crm-000000")};
    crm.administer = {"*"};
    auto opened = AccessControl::Open({crm}, nullptr, nullptr, &wall_clock_, &log_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    access_control_ = *std::move(opened);
    access_ = access_control_.get();
    options_.unix_socket = directory_.path() + "/grpc.sock";
    StartGateway();
  }
  ~GateTest() override { StopGateway(); }

  const TemporaryDirectory directory_;
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
  const std::vector<std::pair<std::string, std::string>> token = {
      {"authorization", "Bearer token-of-crm-000000"}};
  EXPECT_TRUE(Call(Channel(), "/onhook.v1.SubscriptionService/ListSubscriptions", token).ok());
  EXPECT_TRUE(Call(Channel(), kHealth, token).ok());
  EXPECT_EQ(Call(Channel(), kUnknown, token).error_code(), StatusCode::PERMISSION_DENIED);
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
  const auto channel =
      Channel(grpc::InsecureChannelCredentials(), absl::StrCat("unix:", options_.unix_socket));
  EXPECT_EQ(CallList(channel).error_code(), StatusCode::UNAUTHENTICATED);
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

TEST_F(ConnectionsTest, HeadersBeyondTheLimitAreRefused) {
  options_.max_metadata_bytes = 4 << 10;
  StartGateway();
  EXPECT_TRUE(Call(Channel(), kHealth, {{"x", std::string(2 << 10, 'x')}}).ok());
  EXPECT_EQ(Call(Channel(), kHealth, {{"x", std::string(8 << 10, 'x')}}).error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(ConnectionsTest, CallsBeyondThoseThatAConnectionMayHaveWaitUntilOneEnds) {
  options_.max_streams_per_connection = 2;
  StartGateway();
  const auto stub = v1::ReleaseEventService::NewStub(Channel());
  auto first = std::make_unique<Watcher>(stub.get(), v1::WatchRequest());
  Watcher second(stub.get(), {});
  EXPECT_TRUE(first->Next().has_heartbeat());
  EXPECT_TRUE(second.Next().has_heartbeat());
  std::thread third([&] { EXPECT_TRUE(Watcher(stub.get(), {}).Next().has_heartbeat()); });
  // Another connection has calls of its own, so the third is behind the limit, not lost.
  EXPECT_TRUE(CallList(Channel()).ok());
  first.reset();
  third.join();
}

TEST_F(ConnectionsTest, AConnectionWithoutAStreamGivesItsPlaceToANewcomer) {
  options_.max_connections = 2;
  StartGateway();
  const auto busy = v1::ReleaseEventService::NewStub(Channel());
  Watcher watcher(busy.get(), {});
  EXPECT_TRUE(watcher.Next().has_heartbeat());
  RawHttpClient idle(port_);
  EXPECT_TRUE(CallList(Channel()).ok());
  EXPECT_TRUE(IsEnded(idle));
  Append("a");
  EXPECT_THAT(watcher.Calls(1), testing::ElementsAre("a"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("onhook_grpc_connections_cut_total{reason=\"room\"} 1\n"));
}

TEST_F(ConnectionsTest, APeerThatSaysNothingIsClosedAfterTheHandshakesTime) {
  options_.handshake_timeout = absl::Milliseconds(100);
  StartGateway();
  RawHttpClient silent(port_);
  EXPECT_TRUE(IsEnded(silent));
}

TEST_F(ConnectionsTest, AnIdleConnectionIsClosed) {
  options_.idle_timeout = absl::Milliseconds(100);
  StartGateway();
  const auto channel = Channel();
  EXPECT_TRUE(CallList(channel).ok());
  grpc_connectivity_state state = channel->GetState(false);
  const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(30);
  while (state == GRPC_CHANNEL_READY && channel->WaitForStateChange(state, deadline)) {
    state = channel->GetState(false);
  }
  EXPECT_EQ(state, GRPC_CHANNEL_IDLE);
}

// Or gRPC would end it without a word.
TEST_F(ConnectionsTest, AConnectionOutlivesEveryStreamThatBeganOnIt) {
  for (const absl::Duration age : {absl::Minutes(1), absl::Minutes(30), absl::Hours(24)}) {
    options_.max_stream_age = age;
    EXPECT_GT(ConnectionAgeGrace(options_),
              age * 1.1 + options_.handover_time + options_.drain_timeout);
  }
}

TEST_F(ConnectionsTest, AConnectionThatIsOldTakesNoNewCallButItsStreamGoesOn) {
  options_.max_connection_age = absl::Milliseconds(100);
  StartGateway();
  const auto channel = Channel();
  const auto stub = v1::ReleaseEventService::NewStub(channel);
  Watcher watcher(stub.get(), {});
  EXPECT_TRUE(watcher.Next().has_heartbeat());
  grpc_connectivity_state state = channel->GetState(false);
  const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(30);
  while (state == GRPC_CHANNEL_READY && channel->WaitForStateChange(state, deadline)) {
    state = channel->GetState(false);
  }
  EXPECT_EQ(state, GRPC_CHANNEL_IDLE);
  EXPECT_TRUE(CallList(channel).ok());  // over another one
  Append("a");
  EXPECT_THAT(watcher.Calls(1), testing::ElementsAre("a"));
}

}  // namespace
}  // namespace onhook
