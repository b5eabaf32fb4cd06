#include "gateway/tls/client_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ClientFilesTest : public ::testing::Test {
 protected:
  std::string In(const std::string& name) const {
    return absl::StrCat(directory_.path(), "/", name);
  }

  std::vector<std::string> FaultsOf(const std::string& authorities, const std::string& certificate,
                                    const std::string& key) const {
    const auto path = [this](const std::string& name) {
      return name.empty() ? std::string() : In(name);
    };
    std::vector<std::string> texts;
    for (const absl::Status& fault :
         FindTlsClientFaults({path(authorities), path(certificate), path(key)}, absl::Now())) {
      EXPECT_TRUE(absl::IsInvalidArgument(fault)) << fault;
      texts.emplace_back(fault.message());
    }
    return texts;
  }

  const TemporaryDirectory directory_;
  const TestAuthority authority_;
};

TEST_F(ClientFilesTest, NoneIsNamedAndNoneIsWrong) { EXPECT_THAT(FaultsOf("", "", ""), IsEmpty()); }

TEST_F(ClientFilesTest, ACertificateForClientsWithItsKeyAndAnAuthorityAreRight) {
  Write(directory_, "own", authority_.ClientCertificate("spiffe://example.org/onhook"));
  directory_.Write("ca", authority_.certificate_pem());
  EXPECT_THAT(FaultsOf("ca", "own.crt", "own.key"), IsEmpty());
}

TEST_F(ClientFilesTest, EachFileIsLookedAtByItself) {
  directory_.Write("garbage", "canary");
  EXPECT_THAT(
      FaultsOf("garbage", "absent", "garbage"),
      ElementsAre(AllOf(StartsWith("ca_file: " + In("garbage")), HasSubstr("no certificate")),
                  AllOf(StartsWith("certificate_file: " + In("absent")),
                        HasSubstr("No such file or directory")),
                  AllOf(StartsWith("key_file: " + In("garbage")), HasSubstr("no private key"))));
}

TEST_F(ClientFilesTest, AKeyOfAnotherCertificateIsWrong) {
  Write(directory_, "own", authority_.ClientCertificate("spiffe://example.org/onhook"));
  Write(directory_, "other", authority_.ClientCertificate("spiffe://example.org/onhook"));
  EXPECT_THAT(FaultsOf("", "own.crt", "other.key"),
              ElementsAre(AllOf(StartsWith("key_file: "), HasSubstr("another key"))));
}

TEST_F(ClientFilesTest, WhatHasExpiredIsWrongUnlessAnotherAuthorityHasNot) {
  TestCertificateRequest late;
  late.not_before = absl::Now() - absl::Hours(48);
  late.not_after = absl::Now() - absl::Hours(24);
  const TestCertificate expired = authority_.Issue(late);
  Write(directory_, "late", expired);
  EXPECT_THAT(FaultsOf("late.crt", "late.crt", "late.key"),
              ElementsAre(AllOf(StartsWith("ca_file: "), HasSubstr("has expired")),
                          AllOf(StartsWith("certificate_file: "), HasSubstr("has expired"))));
  directory_.Write("bundle", expired.certificate_pem + authority_.certificate_pem());
  EXPECT_THAT(FaultsOf("bundle", "", ""), IsEmpty());
}

}  // namespace
}  // namespace onhook
