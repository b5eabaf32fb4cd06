// The gRPC port as its clients' connections meet it: TLS, the gate, the Unix-domain socket, bounds.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/strip.h"
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

// Whether the server ends the connection, after its settings.
bool IsEnded(RawHttpClient& client) {
  const absl::Time begun = absl::Now();
  while (absl::Now() - begun < absl::Seconds(9)) {
    if (client.Sip() == 0) return absl::Now() - begun < absl::Seconds(9);
  }
  return false;
}

// Of this process: the gateway's, and its clients'.
size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

// What becomes of a channel's connection that the server ends.
grpc_connectivity_state EndOfReadiness(grpc::Channel& channel) {
  grpc_connectivity_state state = channel.GetState(false);
  const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(30);
  while (state == GRPC_CHANNEL_READY && channel.WaitForStateChange(state, deadline)) {
    state = channel.GetState(false);
  }
  return state;
}

constexpr char kList[] = "/onhook.v1.SubscriptionService/ListSubscriptions";
constexpr char kHealth[] = "/grpc.health.v1.Health/Check";
constexpr char kUnknown[] = "/onhook.v1.ReleaseEventService/Steal";

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
    return Call(channel, kList);
  }
};

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

// The ledger's descriptors too are closed when a connection ends, and only then.
TEST_F(ConnectionsTest, HundredsOfConnectionsThatComeAndGoLeaveNothingBehind) {
  StartGateway();
  const auto stub = v1::ReleaseEventService::NewStub(Channel());
  Watcher watcher(stub.get(), {});
  EXPECT_TRUE(watcher.Next().has_heartbeat());
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 300; ++i) {
    RawHttpClient client(port_);
    if (i % 3 == 0) client.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    if (i % 3 == 1) client.Send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(i % 50 != 0 || CallList(Channel()).ok());
  }
  EXPECT_TRUE(CallList(Channel()).ok());  // so all before it have been accepted
  const absl::Time begun = absl::Now();
  bool gone = false;
  while (!gone && absl::Now() - begun < absl::Seconds(20)) gone = OpenDescriptors() <= before;
  EXPECT_TRUE(gone) << OpenDescriptors() << " instead of " << before;
  Append("a");
  EXPECT_THAT(watcher.Calls(1), testing::ElementsAre("a"));
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
  EXPECT_EQ(EndOfReadiness(*channel), GRPC_CHANNEL_IDLE);
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
  EXPECT_EQ(EndOfReadiness(*channel), GRPC_CHANNEL_IDLE);
  EXPECT_TRUE(CallList(channel).ok());  // over another one
  Append("a");
  EXPECT_THAT(watcher.Calls(1), testing::ElementsAre("a"));
}

}  // namespace
}  // namespace onhook
