#include "gateway/tls/tls_files.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

class TlsFilesTest : public ::testing::Test {
 protected:
  TestCertificate PutNewServer() {
    TestCertificate server = authority_.ServerCertificate();
    const TestCertificateFiles files = Write(directory_, "server", server);
    options_.certificate_file = files.certificate_file;
    options_.key_file = files.key_file;
    return server;
  }

  TemporaryDirectory directory_;
  const SystemClock clock_;
  absl::Notification reloaded_;
  Log log_{&clock_, LogLevel::kInfo, Log::Format::kText, [this](absl::string_view line) {
             if (absl::StrContains(line, "new files are in use")) reloaded_.Notify();
           }};
  Metrics metrics_;
  const TestAuthority authority_;
  TlsOptions options_;
};

TEST_F(TlsFilesTest, ItLooksByItself) {
  PutNewServer();
  const auto files = TlsFiles::Open("http", options_, &metrics_, &clock_, &log_).value();
  EXPECT_EQ(files->options().key_file, options_.key_file);
  EXPECT_EQ(files->Get()->version, 1u);
  const TestCertificate next = PutNewServer();
  ASSERT_TRUE(reloaded_.WaitForNotificationWithTimeout(absl::Seconds(60)));
  EXPECT_EQ(files->Get()->certificate_pem, next.certificate_pem);
}

TEST_F(TlsFilesTest, ACheckSaysWhatOpeningWould) {
  PutNewServer();
  EXPECT_TRUE(CheckTlsFiles(options_, absl::Now()).ok());
  EXPECT_THAT(CheckTlsFiles(options_, absl::Now() + absl::Hours(25)).message(),
              HasSubstr("has expired"));
  options_.client_ca_file = directory_.Write("clients.crt", "garbage");
  const absl::Status checked = CheckTlsFiles(options_, absl::Now());
  EXPECT_THAT(checked.message(), HasSubstr("clients.crt holds no certificate in PEM"));
  EXPECT_EQ(TlsFiles::Open("http", options_, &metrics_, &clock_, &log_).status(), checked);
}

}  // namespace
}  // namespace onhook
