#include "gateway/tls/tls_material.h"

#include <openssl/err.h>

#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::StartsWith;

absl::Time WholeSeconds(absl::Time time) {
  return absl::FromUnixSeconds(absl::ToUnixSeconds(time));
}

class TlsMaterialTest : public ::testing::Test {
 protected:
  TlsMaterialTest() {
    options_.certificate_file = "server.crt";
    options_.key_file = "server.key";
    content_.certificate_pem = server_.certificate_pem;
    content_.key_pem = server_.key_pem;
  }
  ~TlsMaterialTest() override { EXPECT_EQ(ERR_peek_error(), 0u); }

  void AskForCertificatesOf(const std::string& ca_pem) {
    options_.client_ca_file = "clients.crt";
    content_.client_ca_pem = ca_pem;
  }
  absl::StatusOr<TlsMaterial> Make() const { return MakeTlsMaterial(options_, content_, now_); }
  std::string Refusal() const {
    const absl::Status status = Make().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }
  void Use(const TestCertificate& certificate) {
    content_.certificate_pem = certificate.certificate_pem;
    content_.key_pem = certificate.key_pem;
  }

  const absl::Time now_ = absl::Now();
  const TestAuthority authority_;
  const TestCertificate server_ = authority_.ServerCertificate();
  TlsOptions options_;
  TlsContent content_;
};

TEST_F(TlsMaterialTest, WhatIsGoodIsTakenWhole) {
  AskForCertificatesOf(authority_.certificate_pem());
  const auto material = Make();
  ASSERT_TRUE(material.ok()) << material.status();
  EXPECT_TRUE(*material == content_);
  EXPECT_NE(material->context, nullptr);
  EXPECT_EQ(material->unusable_authorities, 0);
}

TEST_F(TlsMaterialTest, ItExpiresWithTheFirstOfItsChain) {
  TestCertificateRequest request;
  request.not_after = now_ + absl::Hours(100);
  const TestAuthority sooner("Sooner", now_ - absl::Hours(1), now_ + absl::Hours(50));
  const TestCertificate certificate = sooner.Issue(request);
  Use(certificate);
  EXPECT_EQ(Make()->not_after, WholeSeconds(now_ + absl::Hours(100)));
  content_.certificate_pem += sooner.certificate_pem();
  EXPECT_EQ(Make()->not_after, WholeSeconds(now_ + absl::Hours(50)));
}

TEST_F(TlsMaterialTest, WhatIsNoGoodIsRefusedNamingTheFileAndNothingOfIt) {
  const TestCertificate other = authority_.ServerCertificate();
  TestCertificateRequest request;
  request.not_after = now_ - absl::Minutes(1);
  const TestCertificate expired = authority_.Issue(request);
  request.not_before = now_ + absl::Minutes(1);
  request.not_after = now_ + absl::Hours(1);
  const TestCertificate early = authority_.Issue(request);
  const TestAuthority old("Old", now_ - absl::Hours(2), now_ - absl::Hours(1));
  struct {
    const char* what;
    std::function<void()> change;
    const char* refusal;
  } const rows[] = {
      {"garbage", [&] { content_.certificate_pem = "garbage"; },
       "certificate_file: server.crt holds no certificate in PEM"},
      {"half", [&] { content_.certificate_pem.resize(300); },
       "certificate_file: server.crt holds a certificate that cannot be read"},
      {"empty", [&] { content_.certificate_pem.clear(); },
       "certificate_file: server.crt holds no certificate in PEM"},
      {"expired", [&] { Use(expired); },
       "certificate_file: server.crt holds a certificate that has expired, at 2"},
      {"early", [&] { Use(early); },
       "certificate_file: server.crt holds a certificate that is not valid before 2"},
      {"old chain", [&] { content_.certificate_pem += old.certificate_pem(); },
       "certificate_file: server.crt holds an authority's certificate that has expired, at 2"},
      {"for clients", [&] { Use(authority_.ClientCertificate("spiffe://a/b")); },
       "certificate_file: server.crt holds a certificate that is not for servers"},
      {"other key", [&] { content_.key_pem = other.key_pem; },
       "key_file: server.key holds another key than that of the certificate in server.crt"},
      {"no key", [&] { content_.key_pem = "garbage"; },
       "key_file: server.key holds no private key in PEM"},
      {"passphrase", [&] { content_.key_pem = EncryptedKeyPem(server_); },
       "key_file: server.key holds a key with a passphrase, which cannot be used"},
      {"no authority", [&] { AskForCertificatesOf(""); },
       "client_ca_file: clients.crt holds no certificate in PEM"},
      {"old authority", [&] { AskForCertificatesOf(old.certificate_pem()); },
       "client_ca_file: clients.crt holds no certificate that is valid now: one has expired"},
  };
  const TlsContent good = content_;
  for (const auto& row : rows) {
    options_.client_ca_file.clear();
    content_ = good;
    row.change();
    EXPECT_THAT(Refusal(), StartsWith(row.refusal)) << row.what;
  }
}

TEST_F(TlsMaterialTest, AKeyThatIsTooWeakIsRefused) {
  TestCertificateRequest request;
  request.rsa_bits = 1024;
  Use(authority_.Issue(request));
  EXPECT_EQ(Refusal(), "certificate_file: server.crt cannot be used: ee key too small");
  request.rsa_bits = 2048;
  Use(authority_.Issue(request));
  EXPECT_TRUE(Make().ok()) << Make().status();
}

TEST_F(TlsMaterialTest, ABundleMayHoldAuthoritiesThatHaveExpired) {
  const TestAuthority old("Old", now_ - absl::Hours(2), now_ - absl::Hours(1));
  AskForCertificatesOf(old.certificate_pem() + authority_.certificate_pem());
  const auto material = Make();
  ASSERT_TRUE(material.ok()) << material.status();
  EXPECT_EQ(material->unusable_authorities, 1);
}

class TlsContentTest : public ::testing::Test {
 protected:
  TlsContentTest() {
    options_.certificate_file = directory_.Write("server.crt", "certificate");
    options_.key_file = directory_.Write("server.key", "key");
  }

  std::string Refusal() {
    const absl::Status status = ReadTlsContent(options_, content_);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }

  TemporaryDirectory directory_;
  TlsOptions options_;
  TlsContent content_;
};

TEST_F(TlsContentTest, EachFileIsReadAndNoMoreThanAreNamed) {
  ASSERT_TRUE(ReadTlsContent(options_, content_).ok());
  EXPECT_EQ(content_.certificate_pem, "certificate");
  EXPECT_EQ(content_.key_pem, "key");
  EXPECT_EQ(content_.client_ca_pem, "");
  options_.client_ca_file = directory_.Write("clients.crt", "clients");
  ASSERT_TRUE(ReadTlsContent(options_, content_).ok());
  EXPECT_EQ(content_.client_ca_pem, "clients");
}

TEST_F(TlsContentTest, AFileThatCannotBeReadIsNamed) {
  options_.client_ca_file = directory_.path();
  EXPECT_EQ(Refusal(), absl::StrCat("client_ca_file: ", options_.client_ca_file,
                                    " cannot be read: it is no regular file"));
  options_.key_file = directory_.path() + "/absent.key";
  EXPECT_EQ(Refusal(), absl::StrCat("key_file: ", options_.key_file,
                                    " cannot be read: No such file or directory"));
  directory_.Write("server.crt", std::string(65537, 'x'));
  EXPECT_EQ(Refusal(), absl::StrCat("certificate_file: ", options_.certificate_file,
                                    " is larger than 65536 bytes"));
}

}  // namespace
}  // namespace onhook
