// Certificates, authorities and tokens change under load: who does it in the order that
// deploy/CERTIFICATES.md gives is not noticed by anybody, and who does not is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/component/kept_stream.h"
#include "tests/component/rotation_load.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/raw_tls_client.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr char kCrm[] = "spiffe://example.org/crm";
constexpr char kFirstToken[] = "the-first-token-0123456789";
constexpr char kSecondToken[] = "the-second-token-0123456789";
constexpr char kAuditToken[] = "the-token-of-audit-0123456789";
const std::vector<std::string> kListeners = {"http", "grpc"};

class RotationTest : public ::testing::Test {
 protected:
  // Who is served: crm, by its certificate; the caller, whose token changes, on both ports; audit,
  // whose token stays.
  void SetUp() override {
    material_ = {old_authority_.certificate_pem(), old_authority_.ClientCertificate(kCrm),
                 kFirstToken};
    PutServer(first_);
    PutClientAuthorities(old_authority_.certificate_pem());
    PutToken("current", kFirstToken);
    PutToken("previous", kFirstToken);
    PutToken("audit", kAuditToken);
    options_.store_directory = absl::StrCat(directory_.path(), "/data");
    options_.more_arguments = {"--config=" + directory_.Write("onhook.yaml", SettingsText()),
                               "--shutdown-delay=3s"};
    gateway_ = std::make_unique<OnhookdProcess>(options_);
    ASSERT_TRUE(gateway_->WaitUntilListening(kPatience)) << gateway_->log();
    crm_ = OpenStream("crm", material_, "");
    audit_ = OpenStream("audit", WithoutCertificate(), kAuditToken);
    load_ = std::make_unique<RotationLoad>(
        RotationLoad::Ports{gateway_->http_port(), gateway_->grpc_port()}, material_, 2);
    ASSERT_TRUE(load_->AwaitRounds(kPatience));
  }

  std::string SettingsText() const {
    const std::string& path = directory_.path();
    const std::string server =
        absl::StrCat("certificate_file: ", path, "/server.crt, key_file: ", path, "/server.key");
    const std::string tokens =
        absl::StrCat("token_files: [", path, "/current, ", path, "/previous]");
    return absl::StrCat(
        "http: {tls: {", server, "}}\n", "grpc: {tls: {", server, ", client_ca_file: ", path,
        "/clients.crt, client_certificate: optional}}\n",
        "sources:\n  - {name: default, path: /release-events, acknowledge: {when: stored}, ",
        "authentication: {bearer: {", tokens, "}}}\n", "access:\n  - {name: crm, certificate: '",
        kCrm, "', subscribe: [crm], create: [crm], administer: ['*']}\n  - {name: caller, ", tokens,
        ", administer: ['*']}\n  - {name: audit, token_files: [", path,
        "/audit], subscribe: [audit], create: [audit]}\n");
  }

  // --- What an operator does.
  void PutServer(const TestCertificate& certificate) { Write(directory_, "server", certificate); }
  // By both ports.
  void ExpectThatIsShown(const TestCertificate& certificate) const {
    for (const int port : {gateway_->http_port(), gateway_->grpc_port()}) {
      EXPECT_EQ(RawTlsClient(port).ServerCertificate(), certificate.certificate_pem);
    }
  }
  void PutClientAuthorities(const std::string& pem) { directory_.Write("clients.crt", pem); }
  void PutToken(const std::string& file, const std::string& token) {
    directory_.Write(file, token);
  }
  // Waits until the files have been taken once more by each of `listeners`.
  void AwaitTaken(const std::vector<std::string>& listeners = kListeners) {
    for (const std::string& listener : listeners) {
      ASSERT_TRUE(AwaitLog(listener, "new files are in use", ++taken_[listener]));
      EXPECT_THAT(Metrics(), HasSubstr(IsGood(listener, 1)));
    }
  }
  void AwaitRefused(const std::string& why) {
    for (const std::string& listener : kListeners) {
      ASSERT_TRUE(AwaitLog(listener, why, 1));
      EXPECT_THAT(Metrics(), HasSubstr(IsGood(listener, 0)));
    }
  }
  // Waits until `token` is good on both ports.
  void AwaitGood(const std::string& token) {
    const ClientMaterial nobody = WithoutCertificate();
    const absl::Time until = absl::Now() + kPatience;
    std::string fault;
    do {
      fault = FaultOfCall(TlsChannel(gateway_->grpc_port(), nobody), token);
    } while (!fault.empty() && absl::Now() < until);
    EXPECT_EQ(fault, "");
    while (StatusOfPost(token) != 200 && absl::Now() < until) {
    }
    EXPECT_EQ(StatusOfPost(token), 200);
  }

  // As a cluster does it: the gateway is told to end, a moment later nobody new is led to it, and
  // once it has ended there is another one in its place.
  void Restart() {
    options_.http_listen = absl::StrCat("127.0.0.1:", gateway_->http_port());
    options_.grpc_listen = absl::StrCat("127.0.0.1:", gateway_->grpc_port());
    gateway_->Terminate();
    load_->Withdraw();
    EXPECT_EQ(gateway_->Wait(kPatience), (ProcessEnd{0, 0})) << gateway_->log();
    gateway_ = std::make_unique<OnhookdProcess>(options_);
    ASSERT_TRUE(gateway_->WaitUntilListening(kPatience)) << gateway_->log();
    taken_.clear();
    load_->Return();
  }

  // --- What clients do.
  static void Leave(KeptStream& stream) {
    stream.Leave();
    const std::optional<grpc::Status> left = stream.AwaitEnd(kPatience);
    ASSERT_TRUE(left.has_value());
    EXPECT_TRUE(left->ok()) << left->error_message();
  }
  ClientMaterial WithoutCertificate() const { return {material_.ca_pem, {}, ""}; }
  std::unique_ptr<KeptStream> OpenStream(const std::string& subscription,
                                         const ClientMaterial& material, const std::string& token) {
    auto stream = std::make_unique<KeptStream>(TlsChannel(gateway_->grpc_port(), material),
                                               subscription, token);
    EXPECT_TRUE(stream->AwaitOpened(kPatience)) << gateway_->log();
    return stream;
  }
  // All that comes from now on has `material_`; returns when what came with another is answered.
  void UseMaterial() {
    load_->Use(material_);
    AwaitRounds();
  }
  void AwaitRounds() { ASSERT_TRUE(load_->AwaitRounds(kPatience)) << gateway_->log(); }
  void TrustBothAuthorities() { material_.ca_pem = BothAuthorities(); }
  std::string BothAuthorities() const {
    return absl::StrCat(old_authority_.certificate_pem(), new_authority_.certificate_pem());
  }
  // How a callback with `token` is answered, always of the same call: "probe".
  int StatusOfPost(const std::string& token) const {
    RawTlsClient::Options options;
    options.ca_pem = material_.ca_pem;
    constexpr absl::string_view kBody = R"({"callSerialNo":"probe","called":"1"})";
    return RawTlsClient(gateway_->http_port(), options)
        .Send(absl::StrCat("POST /release-events HTTP/1.1\r\nHost: gateway\r\n",
                           "Authorization: Bearer ", token, "\r\nContent-Length: ", kBody.size(),
                           "\r\n\r\n", kBody))
        .ReadAnswer()
        .status;
  }

  // --- What has come of it.
  // Nobody was refused; and what was accepted came to both subscriptions, once, over streams that
  // are still open.
  void ExpectThatNobodyNoticed(const std::vector<const KeptStream*>& streams_of_crm) {
    load_->Stop();
    EXPECT_THAT(load_->failures(), IsEmpty());
    ExpectAllOf("audit", {audit_.get()});
    ExpectAllOf("crm", streams_of_crm);
    for (const KeptStream* stream :
         {static_cast<const KeptStream*>(audit_.get()), streams_of_crm.back()}) {
      EXPECT_FALSE(stream->AwaitEnd(absl::ZeroDuration()).has_value());
      EXPECT_EQ(stream->go_away(), v1::GoAway::REASON_UNSPECIFIED);
    }
  }
  // `streams` had one after the other the deliveries of `subscription`.
  void ExpectAllOf(const std::string& subscription, const std::vector<const KeptStream*>& streams) {
    std::vector<std::string> expected = load_->accepted();
    if (posts_probes_) expected.push_back("probe");
    EXPECT_THAT(expected, Not(IsEmpty()));
    std::vector<std::string> calls;
    for (const KeptStream* stream : streams) {
      if (stream == streams.back()) {
        EXPECT_TRUE(stream->AwaitDeliveries(expected.size() - calls.size(), kPatience))
            << subscription << gateway_->log();
      }
      for (std::string& call : stream->calls()) calls.push_back(std::move(call));
    }
    std::sort(calls.begin(), calls.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_TRUE(calls == expected) << subscription << ": " << calls.size() << " deliveries of "
                                   << expected.size() << " events";
  }

  bool AwaitLog(const std::string& listener, const std::string& text, int count) {
    const bool found = gateway_->WaitForLogLines(
        {absl::StrCat("\"listener\":\"", listener, "\""), text}, count, kPatience);
    EXPECT_TRUE(found) << listener << ": " << text << gateway_->log();
    return found;
  }
  static std::string IsGood(const std::string& listener, int value) {
    return absl::StrCat("onhook_tls_last_reload_successful{listener=\"", listener, "\"} ", value,
                        "\n");
  }
  std::string Metrics() const {
    return RawHttpClient(gateway_->admin_port())
        .Send("GET /metrics HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .ReadAnswer()
        .body;
  }

  const TemporaryDirectory directory_;
  const TestAuthority old_authority_{"Old Authority"};
  const TestAuthority new_authority_{"New Authority"};
  const TestCertificate first_ = old_authority_.ServerCertificate();  // the gateway's
  ClientMaterial material_;
  std::map<std::string, int> taken_;  // so often, by listener
  bool posts_probes_ = false;
  OnhookdProcess::Options options_;
  std::unique_ptr<OnhookdProcess> gateway_;
  std::unique_ptr<KeptStream> crm_;
  std::unique_ptr<KeptStream> audit_;
  std::unique_ptr<RotationLoad> load_;
};

TEST_F(RotationTest, ANewCertificateIsShownAndNotNoticed) {
  const TestCertificate renewed = old_authority_.ServerCertificate();
  PutServer(renewed);
  AwaitTaken();
  ExpectThatIsShown(renewed);
  AwaitRounds();
  material_.certificate = old_authority_.ClientCertificate(kCrm);
  UseMaterial();
  ExpectThatNobodyNoticed({crm_.get()});
}

TEST_F(RotationTest, FilesThatAreNoGoodAreNotNoticedByClients) {
  PutServer({"garbage", "garbage"});
  AwaitRefused("server.crt holds no certificate in PEM");
  AwaitRounds();
  const TestCertificate good = old_authority_.ServerCertificate();
  PutServer({good.certificate_pem, old_authority_.ServerCertificate().key_pem});
  AwaitRefused("server.key holds another key than that of the certificate in");
  AwaitRounds();
  TestCertificateRequest expired;
  expired.addresses = {"127.0.0.1"};
  expired.not_after = absl::Now() - absl::Minutes(1);
  PutServer(old_authority_.Issue(expired));
  AwaitRefused("server.crt holds a certificate that has expired");
  ExpectThatIsShown(first_);
  AwaitRounds();
  PutServer(good);
  AwaitTaken();
  AwaitRounds();
  ExpectThatNobodyNoticed({crm_.get()});
}

TEST_F(RotationTest, AnotherAuthorityOfTheGatewayIsNotNoticedByWhoTrustsBoth) {
  TrustBothAuthorities();
  UseMaterial();
  PutServer(new_authority_.ServerCertificate());
  AwaitTaken();
  AwaitRounds();
  material_.ca_pem = new_authority_.certificate_pem();
  UseMaterial();
  ExpectThatNobodyNoticed({crm_.get()});
}

TEST_F(RotationTest, AnotherAuthorityOfClientsIsNotNoticedIfBothAreKnownMeanwhile) {
  PutClientAuthorities(BothAuthorities());
  AwaitTaken({"grpc"});
  AwaitRounds();
  material_.certificate = new_authority_.ClientCertificate(kCrm);
  UseMaterial();
  // Before its authority goes, a stream makes room for one that is known by the new one.
  const auto next = OpenStream("crm", material_, "");
  ASSERT_NO_FATAL_FAILURE(Leave(*crm_));
  PutClientAuthorities(new_authority_.certificate_pem());
  AwaitTaken({"grpc"});
  AwaitRounds();
  ExpectThatNobodyNoticed({crm_.get(), next.get()});
  EXPECT_EQ(crm_->go_away(), v1::GoAway::REASON_UNSPECIFIED);
}

TEST_F(RotationTest, AnotherTokenIsNotNoticedIfBothAreKnownMeanwhile) {
  posts_probes_ = true;
  PutToken("current", kSecondToken);
  AwaitGood(kSecondToken);
  AwaitRounds();
  material_.token = kSecondToken;
  UseMaterial();
  PutToken("previous", kSecondToken);
  const absl::Time until = absl::Now() + kPatience;
  while (StatusOfPost(kFirstToken) == 200 && absl::Now() < until) {
  }
  EXPECT_EQ(StatusOfPost(kFirstToken), 401);
  AwaitRounds();
  ExpectThatNobodyNoticed({crm_.get()});
}

// ONHOOK_ROTATIONS=50 for a campaign.
TEST_F(RotationTest, NothingIsRefusedNorLostWhileEverythingRotatesAndRestartsRoll) {
  const char* const rotations = std::getenv("ONHOOK_ROTATIONS");
  const int rounds = rotations == nullptr ? 1 : std::atoi(rotations);
  posts_probes_ = true;
  ASSERT_NO_FATAL_FAILURE(Leave(*crm_));
  ASSERT_NO_FATAL_FAILURE(Leave(*audit_));
  for (int round = 0; round < rounds; ++round) {
    PutServer(old_authority_.ServerCertificate());
    AwaitTaken();
    const std::string token = absl::StrCat("the-token-of-round-", round, "-0123456789");
    PutToken("current", token);
    AwaitGood(token);
    material_.token = token;
    material_.certificate = old_authority_.ClientCertificate(kCrm);
    UseMaterial();
    PutToken("previous", token);
    ASSERT_NO_FATAL_FAILURE(Restart());
    AwaitRounds();
  }
  load_->Stop();
  EXPECT_THAT(load_->failures(), IsEmpty());
  const std::unique_ptr<KeptStream> again = OpenStream("audit", WithoutCertificate(), kAuditToken);
  ExpectAllOf("audit", {audit_.get(), again.get()});
  std::cout << rounds << " restarts, " << load_->accepted().size() << " callbacks" << std::endl;
}

// The control: the same checks do find what is done wrongly. Who is connected stays so.
TEST_F(RotationTest, AnotherAuthorityOfTheGatewayAtOnceIsNoticedByWhoTrustsTheOldOne) {
  PutServer(new_authority_.ServerCertificate());
  AwaitTaken();
  AwaitRounds();
  load_->Stop();
  EXPECT_THAT(load_->failures(), Contains(StartsWith("HTTPS, new connection: no handshake")));
  EXPECT_THAT(load_->failures(), Contains(StartsWith("gRPC, new connection with a certificate:")));
  EXPECT_THAT(load_->failures(), Contains(StartsWith("gRPC, new connection with a token:")));
  EXPECT_THAT(load_->failures(), Each(Not(HasSubstr("kept connection"))));
  ExpectAllOf("crm", {crm_.get()});
  ExpectAllOf("audit", {audit_.get()});
}

// The control of the other side: what the authority that has gone signed lets nobody in any more.
TEST_F(RotationTest, AnotherAuthorityOfClientsAtOnceIsNoticedByWhoIsKnownByTheOldOne) {
  PutClientAuthorities(new_authority_.certificate_pem());
  AwaitTaken({"grpc"});
  AwaitRounds();
  const std::optional<grpc::Status> end = crm_->AwaitEnd(kPatience);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->error_code(), grpc::StatusCode::UNAUTHENTICATED) << end->error_message();
  EXPECT_EQ(crm_->go_away(), v1::GoAway::REASON_PERMISSION_REVOKED);
  load_->Stop();
  EXPECT_THAT(load_->failures(), Contains(StartsWith("gRPC, kept connection:")));
  EXPECT_THAT(load_->failures(), Contains(StartsWith("gRPC, new connection with a certificate:")));
  EXPECT_THAT(load_->failures(), Each(StartsWith("gRPC, ")));
  EXPECT_THAT(load_->failures(), Each(Not(HasSubstr("token:"))));
  ExpectAllOf("audit", {audit_.get()});
}

}  // namespace
}  // namespace onhook
