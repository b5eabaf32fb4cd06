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
using ::testing::IsEmpty;
using ::testing::StartsWith;

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

TEST_F(TlsFilesTest, ALookSaysWhatOpeningWould) {
  PutNewServer();
  EXPECT_THAT(ExamineTlsFiles(options_, absl::Now()).faults, IsEmpty());
  const TlsFindings late = ExamineTlsFiles(options_, absl::Now() + absl::Hours(25));
  ASSERT_EQ(late.faults.size(), 1u);
  EXPECT_THAT(late.faults[0].message(), HasSubstr("has expired"));
  options_.client_ca_file = directory_.Write("clients.crt", "garbage");
  const TlsFindings found = ExamineTlsFiles(options_, absl::Now());
  ASSERT_EQ(found.faults.size(), 1u);
  EXPECT_THAT(found.faults[0].message(), HasSubstr("clients.crt holds no certificate in PEM"));
  EXPECT_EQ(TlsFiles::Open("http", options_, &metrics_, &clock_, &log_).status(), found.faults[0]);
}

TEST_F(TlsFilesTest, ALookTellsTheFaultsOfAllFilesAtOnce) {
  options_.certificate_file = directory_.path() + "/absent.crt";
  options_.key_file = directory_.Write("server.key", "garbage");
  options_.client_ca_file = directory_.path();
  const TlsFindings found = ExamineTlsFiles(options_, absl::Now());
  ASSERT_EQ(found.faults.size(), 3u);
  EXPECT_THAT(std::string(found.faults[0].message()),
              StartsWith("certificate_file: " + directory_.path()));
  EXPECT_THAT(found.faults[1].message(), HasSubstr("holds no private key in PEM"));
  EXPECT_THAT(found.faults[2].message(), HasSubstr("it is no regular file"));
}

TEST_F(TlsFilesTest, ACertificateThatSignsNoOtherIsDoubtedAsAnAuthority) {
  const TestCertificate server = PutNewServer();
  options_.client_ca_file = directory_.Write("clients.crt", authority_.certificate_pem());
  EXPECT_THAT(ExamineTlsFiles(options_, absl::Now()).doubts, IsEmpty());
  directory_.Write("clients.crt", server.certificate_pem);
  const TlsFindings found = ExamineTlsFiles(options_, absl::Now());
  EXPECT_THAT(found.faults, IsEmpty());
  ASSERT_EQ(found.doubts.size(), 1u);
  EXPECT_THAT(std::string(found.doubts[0].message()), StartsWith("client_ca_file: "));
  EXPECT_THAT(found.doubts[0].message(), HasSubstr("may sign no other"));
}

}  // namespace
}  // namespace onhook
