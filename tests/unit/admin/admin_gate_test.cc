#include "gateway/admin/admin_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gateway/tls/tls_files.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Headers = std::vector<HttpHeader>;

constexpr char kToken[] = "token-of-collector";

class AdminGateTest : public ::testing::Test {
 protected:
  void Allow(const std::vector<std::string>& networks) {
    std::vector<IpNetwork> parsed;
    parsed.reserve(networks.size());
    for (const std::string& text : networks) parsed.push_back(IpNetwork::Parse(text).value());
    gate_ = std::make_unique<AdminGate>(parsed, access_.get(), &metrics_, &clock_, &log_);
  }
  void List(std::vector<Settings::Identity> identities) {
    access_ =
        AccessControl::Open(std::move(identities), nullptr, tls_.get(), &clock_, &log_).value();
    Allow({});
  }
  Settings::Identity Collector() const {
    Settings::Identity identity;
    identity.name = "collector";
    identity.token_files = {directory_.Write("token", kToken)};
    identity.monitor = true;
    return identity;
  }

  void Trust(const TestAuthority& authority, TlsOptions::ClientCertificate certificate) {
    const TestCertificateFiles files = Write(directory_, "server", authority.ServerCertificate());
    TlsOptions options;
    options.certificate_file = files.certificate_file;
    options.key_file = files.key_file;
    options.client_ca_file = directory_.Write("ca.crt", authority.certificate_pem());
    options.client_certificate = certificate;
    tls_ = TlsFiles::Open("admin", options, &metrics_, &clock_, &log_).value();
  }

  bool LetsIn(const std::string& peer) const {
    HttpRequest request;
    request.peer = peer;
    const absl::Status status = gate_->CheckPeer(request);
    EXPECT_TRUE(status.ok() || absl::IsPermissionDenied(status)) << status;
    return status.ok();
  }
  absl::Status CheckMonitor(const Headers& headers, const TestCertificate& shown = {}) const {
    HttpRequest request;
    request.peer = "10.0.0.1";
    request.headers = headers;
    request.certificate_pem = shown.certificate_pem;
    return gate_->CheckMonitor(request);
  }

  TemporaryDirectory directory_;
  ManualClock clock_{absl::Now()};
  std::string logged_;
  Log log_{&clock_, LogLevel::kInfo, Log::Format::kText,
           [this](absl::string_view line) { absl::StrAppend(&logged_, line, "\n"); }};
  Metrics metrics_;
  std::unique_ptr<TlsFiles> tls_;
  std::unique_ptr<AccessControl> access_;
  std::unique_ptr<AdminGate> gate_;
};

TEST_F(AdminGateTest, WithoutNetworksWhoeverReachesThePortMayAsk) {
  Allow({});
  for (const char* peer : {"127.0.0.1", "203.0.113.9", "2001:db8::1"}) EXPECT_TRUE(LetsIn(peer));
}

TEST_F(AdminGateTest, WithNetworksTheseAndThisMachineMayAsk) {
  Allow({"10.0.0.0/8", "2001:db8::/32"});
  for (const char* peer : {"127.0.0.1", "127.9.9.9", "::1", "10.255.0.1", "2001:db8::7"}) {
    EXPECT_TRUE(LetsIn(peer)) << peer;
  }
  for (const char* peer : {"11.0.0.1", "203.0.113.9", "2001:db9::1", "", "unknown"}) {
    EXPECT_FALSE(LetsIn(peer)) << peer;
  }
}

TEST_F(AdminGateTest, RefusalsAreCountedAndLoggedNowAndThen) {
  Allow({"10.0.0.0/8"});
  for (int i = 0; i < 3; ++i) LetsIn("203.0.113.9");
  EXPECT_THAT(metrics_.Text(), HasSubstr("onhook_admin_refusals_total{reason=\"network\"} 3"));
  EXPECT_THAT(logged_,
              AllOf(HasSubstr("reason=\"network\" requests=1"), Not(HasSubstr("requests=2"))));
  clock_.Advance(absl::Minutes(1));
  LetsIn("203.0.113.9");
  EXPECT_THAT(logged_, HasSubstr("requests=3"));
}

TEST_F(AdminGateTest, MetricsNeedNothingAsLongAsNobodyMayMonitor) {
  Allow({});
  EXPECT_TRUE(CheckMonitor({}).ok()) << "no access list at all";
  List({});
  EXPECT_TRUE(CheckMonitor({}).ok());
  Settings::Identity other = Collector();
  other.monitor = false;
  List({other});
  EXPECT_TRUE(CheckMonitor({{"Authorization", "Bearer wrong"}}).ok());
}

TEST_F(AdminGateTest, AMonitorShowsItsToken) {
  List({Collector()});
  EXPECT_TRUE(
      CheckMonitor({{"Host", "h"}, {"authorization", absl::StrCat("Bearer ", kToken)}}).ok());
}

TEST_F(AdminGateTest, WhoeverShowsNothingOfUseIsUnknown) {
  List({Collector()});
  const std::string right = absl::StrCat("Bearer ", kToken);
  const std::string basic = absl::StrCat("Basic ", kToken);
  const std::string longer = absl::StrCat(right, "x");
  const Headers kRows[] = {
      {},
      {{"Authorization", ""}},
      {{"Authorization", "Bearer "}},
      {{"Authorization", basic}},
      {{"Authorization", longer}},
      {{"Authorization", right}, {"Authorization", right}},
      {{"Authorization", "Bearer wrong"}, {"Authorization", right}},
      {{"X-Authorization", right}},
  };
  for (const Headers& headers : kRows) {
    const absl::Status status = CheckMonitor(headers);
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr(kToken)));
  }
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("onhook_admin_refusals_total{reason=\"unauthenticated\"} 8"));
}

TEST_F(AdminGateTest, WhoIsKnownNeedsThePermission) {
  Settings::Identity crm;
  crm.name = "crm";
  crm.token_files = {directory_.Write("crm", "token-of-the-crm-00")};
  crm.subscribe = {"*"};
  List({Collector(), crm});
  EXPECT_TRUE(
      absl::IsPermissionDenied(CheckMonitor({{"Authorization", "Bearer token-of-the-crm-00"}})));
  EXPECT_THAT(metrics_.Text(), HasSubstr("onhook_admin_refusals_total{reason=\"not_allowed\"} 1"));
}

TEST_F(AdminGateTest, ACertificateDoesAsWell) {
  const TestAuthority authority;
  Trust(authority, TlsOptions::ClientCertificate::kOptional);
  Settings::Identity collector;
  collector.name = "collector";
  collector.certificate = "spiffe://example.org/collector";
  collector.monitor = true;
  List({collector});
  EXPECT_TRUE(CheckMonitor({}, authority.ClientCertificate("spiffe://example.org/collector")).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(CheckMonitor({})));
  EXPECT_TRUE(absl::IsUnauthenticated(
      CheckMonitor({}, authority.ClientCertificate("spiffe://example.org/other"))));
}

TEST_F(AdminGateTest, ARequiredCertificateIsLookedAtAgainForAsLongAsItsConnectionLives) {
  const TestAuthority authority;
  Trust(authority, TlsOptions::ClientCertificate::kRequired);
  List({});
  const TestCertificate shown = authority.ClientCertificate("spiffe://example.org/probe");
  HttpRequest request;
  request.peer = "10.0.0.1";
  EXPECT_TRUE(absl::IsUnauthenticated(gate_->CheckPeer(request)));
  request.certificate_pem = shown.certificate_pem;
  EXPECT_TRUE(gate_->CheckPeer(request).ok());
  const TestCertificate stranger = TestAuthority().ClientCertificate("spiffe://example.org/probe");
  request.certificate_pem = stranger.certificate_pem;
  EXPECT_TRUE(absl::IsUnauthenticated(gate_->CheckPeer(request)));
  request.certificate_pem = shown.certificate_pem;
  clock_.Advance(absl::Hours(24 * 365 * 20));
  EXPECT_TRUE(absl::IsUnauthenticated(gate_->CheckPeer(request)));
}

TEST_F(AdminGateTest, NetworksThatAreSetLaterHoldForTheNextRequest) {
  Allow({"192.0.2.0/24"});
  EXPECT_TRUE(LetsIn("192.0.2.7"));
  gate_->SetAllowedNetworks({IpNetwork::Parse("198.51.100.0/24").value()});
  EXPECT_FALSE(LetsIn("192.0.2.7"));
  EXPECT_TRUE(LetsIn("198.51.100.7"));
}

}  // namespace
}  // namespace onhook
