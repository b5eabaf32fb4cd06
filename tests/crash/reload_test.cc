// SIGHUP, sent to the real program.
#include <csignal>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);

class ReloadTest : public testing::Test {
 protected:
  ReloadTest() {
    directory_.Write("first", "token-of-first-000000");
    directory_.Write("second", "token-of-second-00000");
    Allow("first");
  }

  // Who may monitor.
  void Allow(const std::string& name) {
    WriteSettings(absl::StrCat("access:\n  - name: ", name, "\n    token_files: [",
                               directory_.path(), "/", name, "]\n    monitor: true\n"));
  }
  void WriteSettings(const std::string& text) { directory_.Write("onhook.yaml", text); }

  OnhookdProcess::Options Options() const {
    OnhookdProcess::Options options;
    options.store_directory = directory_.path() + "/store";
    options.more_arguments = {"--config", directory_.path() + "/onhook.yaml"};
    return options;
  }
  static RawAnswer Ask(const OnhookdProcess& gateway, absl::string_view token) {
    return RawHttpClient(gateway.admin_port())
        .Send(absl::StrCat("GET /metrics HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ",
                           token, "\r\n\r\n"))
        .ReadAnswer();
  }

  TemporaryDirectory directory_;
};

TEST_F(ReloadTest, TheProgramTakesAnotherAccessListAndKeepsItOverAFileThatIsNoGood) {
  OnhookdProcess gateway(Options());
  ASSERT_TRUE(gateway.WaitUntilListening(kPatience)) << gateway.log();
  EXPECT_EQ(Ask(gateway, "token-of-first-000000").status, 200);
  Allow("second");
  kill(gateway.pid(), SIGHUP);
  ASSERT_TRUE(gateway.WaitForLog("another access list is in use", kPatience)) << gateway.log();
  EXPECT_EQ(Ask(gateway, "token-of-first-000000").status, 401);
  EXPECT_EQ(Ask(gateway, "token-of-second-00000").status, 200);

  WriteSettings("access:\n  - name: first\n  - nobody: true\n");
  kill(gateway.pid(), SIGHUP);
  ASSERT_TRUE(gateway.WaitForLog("onhook.yaml:3:5: access[1].nobody: no such key", kPatience))
      << gateway.log();
  EXPECT_THAT(gateway.log(), HasSubstr("onhook.yaml:2:5: access[0]: must be recognised"));
  EXPECT_THAT(Ask(gateway, "token-of-second-00000").body,
              HasSubstr("\nonhook_config_last_reload_successful 0\n"));

  gateway.Terminate();
  EXPECT_EQ(gateway.Wait(kPatience), (ProcessEnd{0, 0})) << gateway.log();
}

}  // namespace
}  // namespace onhook
