// Who is recognised by a certificate, on ports that ask for one.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gateway/access/access_control.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Optional = TlsOptions::ClientCertificate;
using Port = AccessControl::Port;

constexpr char kCrmUri[] = "spiffe://example.org/crm";
constexpr char kToken[] = "token-of-operator-0";

class CertificateAccessTest : public ::testing::Test {
 protected:
  CertificateAccessTest() {
    const TestCertificateFiles files = Write(directory_, "server", authority_.ServerCertificate());
    options_.certificate_file = files.certificate_file;
    options_.key_file = files.key_file;
    TrustOnly(authority_);
  }

  void TrustOnly(const TestAuthority& authority) {
    options_.client_ca_file = directory_.Write("ca.crt", authority.certificate_pem());
  }
  static Settings::Identity WithCertificate(const std::string& name, const std::string& of) {
    Settings::Identity identity;
    identity.name = name;
    identity.certificate = of;
    return identity;
  }
  Settings::Identity Operator() const {
    Settings::Identity identity;
    identity.name = "operator";
    identity.token_files = {directory_.Write("token", kToken)};
    return identity;
  }
  void Open(std::vector<Settings::Identity> identities) {
    tls_ = TlsFiles::Open("grpc", options_, &metrics_, &clock_, &log_).value();
    access_ =
        AccessControl::Open(std::move(identities), tls_.get(), nullptr, &clock_, &log_).value();
  }

  static PeerCredentials Shown(const TestCertificate& certificate) {
    PeerCredentials credentials;
    credentials.certificate_pem = certificate.certificate_pem;
    credentials.chain_pem = certificate.certificate_pem;
    return credentials;
  }
  // Of the authority that is trusted.
  PeerCredentials ShownOf(const std::string& uri) const {
    return Shown(authority_.ClientCertificate(uri));
  }
  // The name of who is recognised, or why nobody is.
  std::string Identify(const PeerCredentials& credentials, Port port = Port::kGrpc) const {
    const absl::StatusOr<Caller> caller = access_->Identify(port, credentials);
    if (caller.ok()) return caller->name();
    EXPECT_EQ(caller.status().code(), absl::StatusCode::kUnauthenticated);
    return absl::StrCat("! ", caller.status().message());
  }

  TemporaryDirectory directory_;
  const TestAuthority authority_;
  ManualClock clock_{absl::Now()};
  absl::Notification reloaded_;
  Log log_{&clock_, LogLevel::kInfo, Log::Format::kText, [this](absl::string_view line) {
             if (absl::StrContains(line, "new files are in use")) reloaded_.Notify();
           }};
  Metrics metrics_;
  TlsOptions options_;
  std::unique_ptr<TlsFiles> tls_;
  std::unique_ptr<AccessControl> access_;
};

TEST_F(CertificateAccessTest, AnIdentityIsKnownByTheUriOfItsCertificate) {
  Open({WithCertificate("billing", "spiffe://example.org/billing"),
        WithCertificate("crm", kCrmUri)});
  EXPECT_EQ(Identify(ShownOf(kCrmUri)), "crm");
  EXPECT_EQ(Identify(ShownOf("spiffe://example.org/billing")), "billing");
}

TEST_F(CertificateAccessTest, OrByItsNameInTheDnsInAnyCase) {
  Open({WithCertificate("crm", "CRM.example.org")});
  EXPECT_EQ(Identify(Shown(authority_.ClientCertificateOfHost("crm.Example.org"))), "crm");
}

TEST_F(CertificateAccessTest, NamesAreComparedWhole) {
  Open({WithCertificate("crm", kCrmUri), WithCertificate("host", "crm.example.org")});
  for (const char* uri : {"spiffe://example.org/cr", "spiffe://example.org/crm2",
                          "spiffe://example.org/CRM", "https://example.org/crm"}) {
    EXPECT_THAT(Identify(ShownOf(uri)), StartsWith("! ")) << uri;
  }
  for (const char* name : {"example.org", "a.crm.example.org", "*.example.org"}) {
    EXPECT_THAT(Identify(Shown(authority_.ClientCertificateOfHost(name))), StartsWith("! "))
        << name;
  }
}

TEST_F(CertificateAccessTest, ANameOfOneKindIsNotTakenForTheOther) {
  Open({WithCertificate("host", "crm.example.org")});
  EXPECT_THAT(Identify(ShownOf("crm.example.org")), StartsWith("! ")) << "a URI without a scheme";
}

TEST_F(CertificateAccessTest, TheCommonNameCountsForNothing) {
  TestCertificateRequest request;
  request.common_name = "crm.example.org";
  request.usage = "clientAuth";
  Open({WithCertificate("crm", "crm.example.org")});
  EXPECT_THAT(Identify(Shown(authority_.Issue(request))), StartsWith("! "));
}

TEST_F(CertificateAccessTest, OfSeveralNamesTheFirstIdentityOfTheListCounts) {
  TestCertificateRequest request;
  request.uris = {"spiffe://example.org/billing", kCrmUri};
  request.dns_names = {"crm.example.org"};
  request.usage = "clientAuth";
  const PeerCredentials shown = Shown(authority_.Issue(request));
  Open({WithCertificate("other", "spiffe://example.org/other"),
        WithCertificate("host", "crm.example.org"), WithCertificate("crm", kCrmUri)});
  EXPECT_EQ(Identify(shown), "host");
  ASSERT_TRUE(
      access_
          ->Replace({WithCertificate("crm", kCrmUri), WithCertificate("host", "crm.example.org")})
          .ok());
  EXPECT_EQ(Identify(shown), "crm");
}

TEST_F(CertificateAccessTest, OneOfAnotherAuthorityIsRefusedThoughItsNameIsRight) {
  Open({WithCertificate("crm", kCrmUri)});
  const TestAuthority stranger("Test Authority");
  EXPECT_THAT(Identify(Shown(stranger.ClientCertificate(kCrmUri))), StartsWith("! "));
}

TEST_F(CertificateAccessTest, OneThatExpiresIsRefusedFromThenOn) {
  Open({WithCertificate("crm", kCrmUri)});
  const PeerCredentials shown = ShownOf(kCrmUri);
  const absl::StatusOr<Caller> caller = access_->Identify(Port::kGrpc, shown);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_GT(caller->valid_until(), clock_.Now());
  clock_.Advance(caller->valid_until() - clock_.Now() - absl::Seconds(2));
  EXPECT_EQ(Identify(shown), "crm");
  clock_.Advance(absl::Seconds(3));
  EXPECT_THAT(Identify(shown), HasSubstr("expired"));
}

TEST_F(CertificateAccessTest, WithoutAListOneMustVerifyAllTheSame) {
  Open({});
  EXPECT_EQ(Identify(ShownOf(kCrmUri)), "");
  EXPECT_LT(access_->Identify(Port::kGrpc, ShownOf(kCrmUri))->valid_until(),
            absl::InfiniteFuture());
  const TestAuthority stranger;
  EXPECT_THAT(Identify(Shown(stranger.ClientCertificate(kCrmUri))), StartsWith("! "));
}

TEST_F(CertificateAccessTest, APortThatRequiresOneLetsNobodyInWithout) {
  PeerCredentials token;
  token.bearer_token = kToken;
  Open({});
  EXPECT_THAT(Identify({}), HasSubstr("a client certificate must be shown"));
  Open({Operator()});
  EXPECT_THAT(Identify(token), HasSubstr("a client certificate must be shown"));
  PeerCredentials both = ShownOf("spiffe://example.org/whoever");
  both.bearer_token = kToken;
  EXPECT_EQ(Identify(both), "operator");
  const TestAuthority stranger;
  PeerCredentials wrong = Shown(stranger.ClientCertificate(kCrmUri));
  wrong.bearer_token = kToken;
  EXPECT_THAT(Identify(wrong), StartsWith("! "));
}

TEST_F(CertificateAccessTest, ItDoesNotRequireOneOfTheUnixSocket) {
  PeerCredentials local;
  local.over_unix_socket = true;
  Open({});
  EXPECT_EQ(Identify(local), "");
  Settings::Identity sidecar;
  sidecar.name = "sidecar";
  sidecar.unix_socket = true;
  Open({sidecar});
  EXPECT_EQ(Identify(local), "sidecar");
}

TEST_F(CertificateAccessTest, WhereItIsOptionalATokenDoes) {
  options_.client_certificate = Optional::kOptional;
  Open({WithCertificate("crm", kCrmUri), Operator()});
  PeerCredentials token;
  token.bearer_token = kToken;
  EXPECT_EQ(Identify(token), "operator");
  EXPECT_EQ(Identify(ShownOf(kCrmUri)), "crm");
  EXPECT_THAT(Identify({}), HasSubstr("neither"));
}

TEST_F(CertificateAccessTest, AWrongTokenIsNotCoveredUpByACertificate) {
  Open({WithCertificate("crm", kCrmUri), Operator()});
  PeerCredentials credentials = ShownOf(kCrmUri);
  credentials.bearer_token = "another-token-00000";
  EXPECT_THAT(Identify(credentials), HasSubstr("bearer token"));
  credentials.bearer_token = "";
  EXPECT_THAT(Identify(credentials), HasSubstr("Bearer TOKEN"));
}

TEST_F(CertificateAccessTest, AnAuthorityOfOnePortIsNoneOfTheOther) {
  Open({WithCertificate("crm", kCrmUri)});
  EXPECT_THAT(Identify(ShownOf(kCrmUri), Port::kAdmin), HasSubstr("no authority"));
}

TEST_F(CertificateAccessTest, AnAuthorityThatIsTakenAwayRevokesWhatItSigned) {
  Open({WithCertificate("crm", kCrmUri)});
  const PeerCredentials shown = ShownOf(kCrmUri);
  EXPECT_EQ(Identify(shown), "crm");
  const uint64_t before = access_->generation();
  const TestAuthority next("Next Authority");
  TrustOnly(next);
  ASSERT_TRUE(reloaded_.WaitForNotificationWithTimeout(absl::Seconds(60)));
  EXPECT_THAT(Identify(shown), StartsWith("! "));
  EXPECT_EQ(Identify(Shown(next.ClientCertificate(kCrmUri))), "crm");
  access_->Look();
  EXPECT_GT(access_->generation(), before);
}

TEST_F(CertificateAccessTest, AnotherCertificateOfThePortMovesNothing) {
  Open({WithCertificate("crm", kCrmUri)});
  const uint64_t before = access_->generation();
  Write(directory_, "server", authority_.ServerCertificate());
  ASSERT_TRUE(reloaded_.WaitForNotificationWithTimeout(absl::Seconds(60)));
  access_->Look();
  EXPECT_EQ(access_->generation(), before);
  EXPECT_EQ(Identify(ShownOf(kCrmUri)), "crm");
}

TEST_F(CertificateAccessTest, AReplacedListRevokesACertificate) {
  Open({WithCertificate("crm", kCrmUri)});
  const PeerCredentials shown = ShownOf(kCrmUri);
  ASSERT_TRUE(access_->Replace({WithCertificate("billing", "spiffe://example.org/b")}).ok());
  EXPECT_THAT(Identify(shown), HasSubstr("names nobody"));
}

}  // namespace
}  // namespace onhook
