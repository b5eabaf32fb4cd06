// The programs themselves: onhookd with certificates from its settings file, and onhook send.
#include <signal.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/raw_tls_client.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);

class OnhookdHttpsTest : public ::testing::Test {
 protected:
  OnhookdHttpsTest() {
    PutCertificate(authority_.ServerCertificate());
    const std::string settings =
        absl::StrCat("http:\n  tls:\n    certificate_file: ", directory_.path(),
                     "/server.crt\n    key_file: ", directory_.path(),
                     "/server.key\nsources:\n  - name: default\n",
                     "    path: /release-events\n    acknowledge:\n      when: stored\n");
    options_.store_directory = directory_.path() + "/data";
    options_.more_arguments = {"--config", directory_.Write("onhook.yaml", settings)};
  }

  void PutCertificate(const TestCertificate& certificate) {
    Write(directory_, "server", certificate);
  }
  // What onhook send ends with, and says.
  std::pair<int, std::string> Send(const OnhookdProcess& gateway, const std::string& ca_pem) const {
    ChildProcess send({ONHOOK_CLIENT_PATH, "send", "--url",
                       absl::StrCat("https://127.0.0.1:", gateway.http_port(), "/release-events"),
                       "--ca", directory_.Write("ca.crt", ca_pem)});
    const std::optional<ProcessEnd> end = send.Wait(kPatience);
    return {end.has_value() ? end->exit_code : -1, send.output()};
  }

  const TestAuthority authority_;
  TemporaryDirectory directory_;
  OnhookdProcess::Options options_;
};

TEST_F(OnhookdHttpsTest, ACallbackIsSentAndTakenOverTls) {
  OnhookdProcess gateway(options_);
  ASSERT_TRUE(gateway.WaitUntilListening(kPatience)) << gateway.log();
  const auto [code, said] = Send(gateway, authority_.certificate_pem());
  EXPECT_EQ(code, 0) << said << gateway.log();
  EXPECT_THAT(said, HasSubstr("HTTP 200, retCode 0, retMsg success"));
}

TEST_F(OnhookdHttpsTest, ANewCertificateIsShownWithoutARestartAndABadOneIsNot) {
  OnhookdProcess gateway(options_);
  ASSERT_TRUE(gateway.WaitUntilListening(kPatience)) << gateway.log();
  const TestAuthority other("Other");
  const auto [refused, why] = Send(gateway, other.certificate_pem());
  EXPECT_EQ(refused, 3);
  EXPECT_THAT(why, HasSubstr("signed by nobody who is trusted here"));

  PutCertificate(other.ServerCertificate());
  ASSERT_TRUE(gateway.WaitForLog("new files are in use", kPatience)) << gateway.log();
  EXPECT_EQ(Send(gateway, other.certificate_pem()).first, 0);

  PutCertificate({"garbage", "garbage"});
  ASSERT_TRUE(gateway.WaitForLog("changed files are no good", kPatience)) << gateway.log();
  EXPECT_EQ(Send(gateway, other.certificate_pem()).first, 0);
}

TEST_F(OnhookdHttpsTest, ACertificateThatIsNoGoodEndsTheStartWithItsPlaceInTheFile) {
  directory_.Write("server.key", authority_.ServerCertificate().key_pem);
  OnhookdProcess gateway(options_);
  const std::optional<ProcessEnd> end = gateway.Wait(kPatience);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->exit_code, 2);
  EXPECT_THAT(gateway.log(), HasSubstr("onhook.yaml:4:15"));
  EXPECT_THAT(gateway.log(), HasSubstr("holds another key than that of the certificate in"));
}

}  // namespace
}  // namespace onhook
