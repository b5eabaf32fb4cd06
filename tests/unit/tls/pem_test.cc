#include "gateway/tls/pem.h"

#include <openssl/err.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

class PemTest : public ::testing::Test {
 protected:
  ~PemTest() override { EXPECT_EQ(ERR_peek_error(), 0u) << "an error is left for somebody else"; }

  const TestAuthority authority_;
  const TestCertificate server_ = authority_.ServerCertificate();
};

int CountIn(absl::string_view pem) {
  const auto certificates = ReadCertificates(pem);
  EXPECT_TRUE(certificates.ok()) << certificates.status();
  return certificates.ok() ? sk_X509_num(certificates->get()) : -1;
}

std::string RefusalOf(absl::string_view pem) {
  const absl::Status status = ReadCertificates(pem).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

std::string KeyRefusalOf(absl::string_view pem) {
  const absl::Status status = ReadKey(pem).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST_F(PemTest, EveryCertificateIsReadInItsOrder) {
  EXPECT_EQ(CountIn(server_.certificate_pem), 1);
  const std::string two = absl::StrCat("the server's own:\n", server_.certificate_pem,
                                       "\nand who signed it:\n\n", authority_.certificate_pem());
  EXPECT_EQ(CountIn(two), 2);
  const auto certificates = ReadCertificates(two);
  ASSERT_TRUE(certificates.ok());
  EXPECT_EQ(X509_check_ca(sk_X509_value(certificates->get(), 0)), 0);
  EXPECT_NE(X509_check_ca(sk_X509_value(certificates->get(), 1)), 0);
}

TEST_F(PemTest, AFileThatHoldsTheKeyTooGivesBoth) {
  const std::string both = server_.key_pem + server_.certificate_pem;
  EXPECT_EQ(CountIn(both), 1);
  EXPECT_TRUE(ReadKey(server_.certificate_pem + server_.key_pem).ok());
}

TEST_F(PemTest, WhatIsNoCertificateIsRefusedInWords) {
  EXPECT_EQ(RefusalOf(""), "holds no certificate in PEM");
  EXPECT_EQ(RefusalOf("garbage"), "holds no certificate in PEM");
  EXPECT_EQ(RefusalOf(server_.key_pem), "holds no certificate in PEM");
  EXPECT_EQ(RefusalOf("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "holds a certificate that cannot be read");
}

TEST_F(PemTest, NoPartOfAFileIsTakenForAWholeOne) {
  const std::string whole = server_.certificate_pem + authority_.certificate_pem();
  const size_t first = server_.certificate_pem.size();
  for (size_t size = 0; size < whole.size() - 1; ++size) {
    // A first line of fewer dashes, or none, is no sign of another certificate.
    if (size >= first - 1 && size < first + 3) continue;
    EXPECT_FALSE(ReadCertificates(absl::string_view(whole).substr(0, size)).ok()) << size;
  }
}

TEST_F(PemTest, WhatIsNoKeyIsRefusedInWords) {
  EXPECT_EQ(KeyRefusalOf(""), "holds no private key in PEM");
  EXPECT_EQ(KeyRefusalOf(server_.certificate_pem), "holds no private key in PEM");
  EXPECT_EQ(KeyRefusalOf("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            "holds a private key that cannot be read");
  EXPECT_EQ(KeyRefusalOf(EncryptedKeyPem(server_)),
            "holds a key with a passphrase, which cannot be used");
  EXPECT_EQ(KeyRefusalOf(server_.key_pem.substr(0, server_.key_pem.size() / 2)),
            "holds a private key that cannot be read");
}

TEST_F(PemTest, ACertificateIsValidFromItsBeginningToItsEnd) {
  TestCertificateRequest request;
  request.not_before = absl::FromUnixSeconds(1'700'000'000);
  request.not_after = absl::FromUnixSeconds(1'800'000'000);
  const auto certificates = ReadCertificates(authority_.Issue(request).certificate_pem);
  ASSERT_TRUE(certificates.ok());
  const X509* const certificate = sk_X509_value(certificates->get(), 0);
  EXPECT_EQ(NotBefore(certificate), request.not_before);
  EXPECT_EQ(NotAfter(certificate), request.not_after);
  EXPECT_TRUE(CheckValidity(certificate, request.not_before).ok());
  EXPECT_TRUE(CheckValidity(certificate, request.not_after).ok());
  EXPECT_EQ(CheckValidity(certificate, request.not_before - absl::Seconds(1)).message(),
            "is not valid before 2023-11-14T22:13:20+00:00");
  EXPECT_EQ(CheckValidity(certificate, request.not_after + absl::Seconds(1)).message(),
            "has expired, at 2027-01-15T08:00:00+00:00");
}

}  // namespace
}  // namespace onhook
