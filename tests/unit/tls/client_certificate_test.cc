#include "gateway/tls/client_certificate.h"

#include <openssl/err.h>

#include <string>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kBilling[] = "spiffe://example.org/billing";

class ClientCertificateTest : public ::testing::Test {
 protected:
  ~ClientCertificateTest() override { EXPECT_EQ(ERR_peek_error(), 0u); }

  absl::StatusOr<ClientCertificate> Verify(const TestCertificate& certificate,
                                           const std::string& chain = "") const {
    return VerifyClientCertificate(certificate.certificate_pem, chain, authority_.certificate_pem(),
                                   now_);
  }
  static std::string RefusalOf(const absl::StatusOr<ClientCertificate>& verified) {
    EXPECT_EQ(verified.status().code(), absl::StatusCode::kUnauthenticated) << verified.status();
    return std::string(verified.status().message());
  }

  const absl::Time now_ = absl::Now();
  const TestAuthority authority_;
  const TestAuthority stranger_{"Stranger"};
};

TEST_F(ClientCertificateTest, ItsAlternativeNamesAreTold) {
  TestCertificateRequest request;
  request.common_name = "spiffe://example.org/somebody-else";
  request.uris = {kBilling, "https://billing.example.org/"};
  request.dns_names = {"Billing.Example.ORG", "other.example.org"};
  request.addresses = {"192.0.2.1"};
  request.usage = "clientAuth";
  const auto verified = Verify(authority_.Issue(request));
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_THAT(verified->uris, ElementsAre(kBilling, "https://billing.example.org/"));
  EXPECT_THAT(verified->dns_names, ElementsAre("billing.example.org", "other.example.org"));
  EXPECT_EQ(verified->not_after, absl::FromUnixSeconds(absl::ToUnixSeconds(request.not_after)));
}

TEST_F(ClientCertificateTest, TheCommonNameCountsForNothing) {
  TestCertificateRequest request;
  request.common_name = "billing.example.org";
  request.usage = "clientAuth";
  const auto verified = Verify(authority_.Issue(request));
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_THAT(verified->uris, IsEmpty());
  EXPECT_THAT(verified->dns_names, IsEmpty());
}

TEST_F(ClientCertificateTest, WhoseAuthorityIsNotKnownIsRefused) {
  EXPECT_EQ(RefusalOf(Verify(stranger_.ClientCertificate(kBilling))),
            "the client's certificate is not signed by an authority that is known here");
  // Who names himself as the known authority does.
  const TestAuthority namesake;
  EXPECT_THAT(RefusalOf(Verify(namesake.ClientCertificate(kBilling))),
              HasSubstr("not signed by an authority"));
  const TestCertificate good = authority_.ClientCertificate(kBilling);
  EXPECT_THAT(RefusalOf(VerifyClientCertificate(good.certificate_pem, "", "", now_)),
              HasSubstr("not signed by an authority"));
}

TEST_F(ClientCertificateTest, ItIsAskedWhetherItIsValidAtThatTime) {
  TestCertificateRequest request;
  request.uris = {kBilling};
  request.usage = "clientAuth";
  request.not_before = now_ + absl::Minutes(1);
  EXPECT_THAT(RefusalOf(Verify(authority_.Issue(request))), HasSubstr("is not valid yet"));
  request.not_before = now_ - absl::Hours(2);
  request.not_after = now_ - absl::Minutes(1);
  EXPECT_THAT(RefusalOf(Verify(authority_.Issue(request))), HasSubstr("has expired"));
}

TEST_F(ClientCertificateTest, AServersCertificateProvesNoClient) {
  EXPECT_THAT(RefusalOf(Verify(authority_.ServerCertificate())), HasSubstr("is not for clients"));
}

TEST_F(ClientCertificateTest, OneWithoutAUsageIsForClientsToo) {
  TestCertificateRequest request;
  request.uris = {kBilling};
  request.usage = "";
  EXPECT_TRUE(Verify(authority_.Issue(request)).ok());
}

TEST_F(ClientCertificateTest, WhoIsSignedThroughAnotherMustShowThatOne) {
  const TestAuthority between = authority_.Subordinate("Between");
  const TestCertificate certificate = between.ClientCertificate(kBilling);
  EXPECT_THAT(RefusalOf(Verify(certificate)), HasSubstr("not signed by an authority"));
  EXPECT_TRUE(Verify(certificate, between.certificate_pem()).ok());
  EXPECT_TRUE(Verify(certificate, certificate.certificate_pem + between.certificate_pem()).ok())
      << "the leaf may be in it";
  EXPECT_TRUE(
      VerifyClientCertificate(certificate.certificate_pem, "", between.certificate_pem(), now_)
          .ok())
      << "the authority that is named need not be the root";
}

TEST_F(ClientCertificateTest, TheChainExpiresWithItsFirst) {
  const absl::Time soon = absl::FromUnixSeconds(absl::ToUnixSeconds(now_) + 60);
  const TestAuthority short_lived("Short-lived", now_ - absl::Hours(1), soon);
  const TestCertificate certificate = short_lived.ClientCertificate(kBilling);
  const auto verified =
      VerifyClientCertificate(certificate.certificate_pem, "", short_lived.certificate_pem(), now_);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->not_after, soon);
  EXPECT_THAT(
      RefusalOf(VerifyClientCertificate(certificate.certificate_pem, "",
                                        short_lived.certificate_pem(), soon + absl::Seconds(1))),
      HasSubstr("has expired"));
}

TEST_F(ClientCertificateTest, WhatTheClientSendsBesideItMakesNobodyAnAuthority) {
  const TestCertificate certificate = stranger_.ClientCertificate(kBilling);
  EXPECT_THAT(RefusalOf(Verify(certificate, stranger_.certificate_pem())),
              HasSubstr("not signed by an authority"));
  // Nor may one who was only named sign others.
  const TestCertificate good = authority_.ClientCertificate(kBilling);
  EXPECT_THAT(RefusalOf(Verify(certificate, good.certificate_pem)),
              HasSubstr("not signed by an authority"));
}

TEST_F(ClientCertificateTest, WhatCannotBeReadIsRefusedWithoutRepeatingIt) {
  const TestCertificate good = authority_.ClientCertificate(kBilling);
  EXPECT_EQ(RefusalOf(VerifyClientCertificate("", "", authority_.certificate_pem(), now_)),
            "the client's certificate cannot be read");
  EXPECT_EQ(RefusalOf(VerifyClientCertificate("garbage", "", authority_.certificate_pem(), now_)),
            "the client's certificate cannot be read");
  EXPECT_EQ(RefusalOf(Verify(good, "garbage")),
            "the client's certificate comes with others that cannot be read");
}

TEST_F(ClientCertificateTest, ANameThatIsNotPlainAsciiIsLeftOut) {
  TestCertificateRequest request;
  request.uris = {"spiffe://example.org/a b", "spiffe://example.org/b\xC3\xBC", kBilling};
  request.usage = "clientAuth";
  const auto verified = Verify(authority_.Issue(request));
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_THAT(verified->uris, ElementsAre(kBilling));
}

}  // namespace
}  // namespace onhook
