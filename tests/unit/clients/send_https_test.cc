// `onhook send` to https://: over a real port with TLS, and what it says when that is not trusted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/program.h"
#include "gateway/http/http_server.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook::cli {
namespace {

using ::testing::HasSubstr;

class SendHttpsTest : public ::testing::Test {
 protected:
  SendHttpsTest() { unsetenv("ONHOOK_CA"); }
  ~SendHttpsTest() override { unsetenv("ONHOOK_CA"); }

  void Serve(const TestCertificate& certificate) {
    const TestCertificateFiles files = Write(directory_, "server", certificate);
    TlsOptions tls;
    tls.certificate_file = files.certificate_file;
    tls.key_file = files.key_file;
    tls_ = TlsFiles::Open("http", tls, &metrics_, &clock_, &log_).value();
    HttpOptions options;
    options.listen = "127.0.0.1:0";
    HttpServer::Callbacks callbacks;
    callbacks.handler = [this](const HttpRequest&) {
      ++posted_;
      HttpResponse response;
      response.body = R"({"retCode":"0","retMsg":"success"})";
      return response;
    };
    callbacks.error_body = [](int, absl::string_view reason) {
      HttpResponse response;
      response.body = std::string(reason);
      return response;
    };
    server_ = std::make_unique<HttpServer>(options, callbacks, &clock_, &log_, tls_.get());
    ASSERT_TRUE(server_->Start().ok());
  }
  int Send(const std::string& origin, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "send", "--url", absl::StrCat(origin, ":", server_->port(), "/release-events")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = RunProgram(arguments);
    output_ = testing::internal::GetCapturedStdout();
    said_ = testing::internal::GetCapturedStderr();
    return code;
  }

  TemporaryDirectory directory_;
  SystemClock clock_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  Metrics metrics_;
  const TestAuthority authority_;
  const std::string ca_ = directory_.Write("ca.crt", authority_.certificate_pem());
  std::atomic<int> posted_{0};
  std::unique_ptr<TlsFiles> tls_;
  std::unique_ptr<HttpServer> server_;
  std::string output_;
  std::string said_;
};

TEST_F(SendHttpsTest, ACallbackGoesToAServerWhoseAuthorityIsNamed) {
  Serve(authority_.ServerCertificate());
  for (const char* origin : {"https://127.0.0.1", "https://localhost"}) {
    EXPECT_EQ(Send(origin, {"--ca", ca_}), kExitOk) << said_;
    EXPECT_EQ(output_, "json: HTTP 200, retCode 0, retMsg success\n");
  }
  EXPECT_EQ(posted_, 2);
}

TEST_F(SendHttpsTest, TheEnvironmentNamesTheAuthorityToo) {
  Serve(authority_.ServerCertificate());
  setenv("ONHOOK_CA", ca_.c_str(), 1);
  EXPECT_EQ(Send("https://127.0.0.1", {}), kExitOk) << said_;
  const std::string other = directory_.Write("other.crt", TestAuthority("O").certificate_pem());
  EXPECT_EQ(Send("https://127.0.0.1", {"--ca", other}), kExitFailed) << "the flag counts";
}

TEST_F(SendHttpsTest, SomeLoadGoesOverTls) {
  Serve(authority_.ServerCertificate());
  EXPECT_EQ(Send("https://127.0.0.1", {"--ca", ca_, "--count", "50", "--concurrency", "4"}),
            kExitOk);
  EXPECT_THAT(output_, HasSubstr("50 acknowledged, 0 not"));
}

TEST_F(SendHttpsTest, NothingIsSentToWhomNobodyTrusted) {
  Serve(authority_.ServerCertificate());
  EXPECT_EQ(Send("https://127.0.0.1", {}), kExitFailed);
  EXPECT_THAT(said_, HasSubstr("signed by nobody who is trusted here: --ca FILE says who may be"));
  EXPECT_EQ(posted_, 0);
}

TEST_F(SendHttpsTest, NothingIsSentToAnotherHost) {
  TestCertificateRequest request;
  request.common_name = "127.0.0.1";
  request.dns_names = {"gateway.example.org"};
  Serve(authority_.Issue(request));
  for (const char* origin : {"https://127.0.0.1", "https://localhost"}) {
    EXPECT_EQ(Send(origin, {"--ca", ca_}), kExitFailed);
    EXPECT_THAT(said_, HasSubstr("its certificate is for another host"));
  }
  EXPECT_EQ(posted_, 0);
}

TEST_F(SendHttpsTest, NothingIsSentUnderAnExpiredCertificate) {
  const TestAuthority old("Old", absl::Now() - absl::Hours(2), absl::Now() - absl::Hours(1));
  TestCertificateRequest request;
  request.addresses = {"127.0.0.1"};
  Serve(old.Issue(request));
  const std::string ca = directory_.Write("old.crt", old.certificate_pem());
  EXPECT_EQ(Send("https://127.0.0.1", {"--ca", ca}), kExitFailed);
  EXPECT_THAT(said_, HasSubstr("its certificate, or one that signed it, has expired"));
  EXPECT_EQ(posted_, 0);
}

TEST_F(SendHttpsTest, HttpToAPortWithTlsIsAnsweredInWords) {
  Serve(authority_.ServerCertificate());
  EXPECT_EQ(Send("http://127.0.0.1", {}), kExitNegative);
  EXPECT_THAT(output_, HasSubstr("HTTP 400, no retCode: this port speaks HTTPS, not HTTP"));
}

TEST_F(SendHttpsTest, AnAuthorityThatIsNoneIsWrongUsage) {
  Serve(authority_.ServerCertificate());
  EXPECT_EQ(Send("https://127.0.0.1", {"--ca", directory_.path() + "/absent"}), kExitUsage);
  EXPECT_THAT(said_, HasSubstr("absent, or it holds no certificate in PEM"));
  EXPECT_EQ(Send("https://127.0.0.1", {"--ca", directory_.Write("x", "garbage")}), kExitUsage);
  EXPECT_EQ(Send("http://127.0.0.1", {"--ca", ca_}), kExitUsage);
  EXPECT_THAT(said_, HasSubstr("--ca goes with an https:// URL only"));
}

}  // namespace
}  // namespace onhook::cli
