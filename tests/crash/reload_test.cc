// The real program, whose settings change while it runs.
#include <unistd.h>

#include <csignal>
#include <cstdio>
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

  std::string PathOf(const std::string& name) const { return directory_.path() + "/" + name; }
  // As Kubernetes changes a mounted ConfigMap: by a link that is swapped.
  void Point(const std::string& link, const std::string& file) {
    ASSERT_EQ(symlink(PathOf(file).c_str(), PathOf("next").c_str()), 0);
    ASSERT_EQ(rename(PathOf("next").c_str(), PathOf(link).c_str()), 0);
  }
  static int Post(const OnhookdProcess& gateway, const std::string& path) {
    const std::string body = R"({"callSerialNo":"1","called":"2"})";
    return RawHttpClient(gateway.http_port())
        .Send(absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: gateway\r\nContent-Length: ",
                           body.size(), "\r\n\r\n", body))
        .ReadAnswer()
        .status;
  }
  static std::string Metrics(const OnhookdProcess& gateway) {
    return RawHttpClient(gateway.admin_port())
        .Send("GET /metrics HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .ReadAnswer()
        .body;
  }

  TemporaryDirectory directory_;
};

constexpr char kTaken[] = "what changed here is in use";
constexpr char kStored[] = "acknowledge: {when: stored}\n";

TEST_F(ReloadTest, TheProgramTakesAnotherAccessListAndKeepsItOverAFileThatIsNoGood) {
  OnhookdProcess gateway(Options());
  ASSERT_TRUE(gateway.WaitUntilListening(kPatience)) << gateway.log();
  EXPECT_EQ(Ask(gateway, "token-of-first-000000").status, 200);
  Allow("second");
  kill(gateway.pid(), SIGHUP);
  ASSERT_TRUE(gateway.WaitForLog("what changed here is in use", kPatience)) << gateway.log();
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

TEST_F(ReloadTest, AFileThatIsSwappedIsTakenWithoutASignalAndFlagsStillGoBeforeIt) {
  directory_.Write("old", absl::StrCat(kStored, "sources: [{name: first, path: /first}]\n"));
  directory_.Write("new", absl::StrCat(kStored, "sources: [{name: second, path: /second}]\n",
                                       "http: {max_body_bytes: 1KiB, max_headers: 20}\n"));
  Point("settings", "old");
  OnhookdProcess::Options options = Options();
  options.more_arguments = {"--config", PathOf("settings"), "--http-max-headers", "50"};
  OnhookdProcess gateway(options);
  ASSERT_TRUE(gateway.WaitUntilListening(kPatience)) << gateway.log();
  EXPECT_EQ(Post(gateway, "/first"), 200);
  Point("settings", "new");
  ASSERT_TRUE(gateway.WaitForLog(R"("settings":"http.max_body_bytes, sources")", kPatience))
      << gateway.log();
  EXPECT_EQ(Post(gateway, "/first"), 404);
  EXPECT_EQ(Post(gateway, "/second"), 200);
}

TEST_F(ReloadTest, AFileThatIsNoGoodIsToldWithItsPlacesAndChangesNothingUntilItIsGood) {
  WriteSettings(absl::StrCat(kStored, "sources: [{name: first, path: /first}]\n"));
  OnhookdProcess gateway(Options());
  ASSERT_TRUE(gateway.WaitUntilListening(kPatience)) << gateway.log();
  WriteSettings(absl::StrCat(kStored, "sources: [{name: second, path: /second}]\n",
                             "http: {max_body_bytes: 1}\nlog: {leve: debug}\n"));
  ASSERT_TRUE(gateway.WaitForLogLines({"those before stay in use", "onhook.yaml:3:"}, 1, kPatience))
      << gateway.log();
  ASSERT_TRUE(gateway.WaitForLogLines({"those before stay in use", "onhook.yaml:4:"}, 1, kPatience))
      << gateway.log();
  EXPECT_THAT(Metrics(gateway), HasSubstr("\nonhook_config_last_reload_successful 0\n"));
  EXPECT_EQ(Post(gateway, "/first"), 200);
  EXPECT_EQ(Post(gateway, "/second"), 404);
  WriteSettings(absl::StrCat(kStored, "sources: [{name: second, path: /second}]\n"));
  ASSERT_TRUE(gateway.WaitForLog(kTaken, kPatience)) << gateway.log();
  EXPECT_THAT(Metrics(gateway), HasSubstr("\nonhook_config_last_reload_successful 1\n"));
  EXPECT_EQ(Post(gateway, "/second"), 200);
}

// Kubernetes brings a ConfigMap and a Secret each at its own time.
TEST_F(ReloadTest, SettingsWhoseSecretComesLaterAreTakenWhenItHasCome) {
  WriteSettings(kStored);
  OnhookdProcess gateway(Options());
  ASSERT_TRUE(gateway.WaitUntilListening(kPatience)) << gateway.log();
  WriteSettings(absl::StrCat(kStored, "sources:\n  - name: second\n    path: /second\n    ",
                             "authentication: {bearer: {token_files: [", PathOf("later"), "]}}\n"));
  ASSERT_TRUE(gateway.WaitForLog(PathOf("later"), kPatience)) << gateway.log();
  EXPECT_EQ(Post(gateway, "/second"), 404);
  directory_.Write("later", "token-of-second-00000");
  ASSERT_TRUE(gateway.WaitForLog(kTaken, kPatience)) << gateway.log();
  EXPECT_EQ(Post(gateway, "/second"), 401);
}

}  // namespace
}  // namespace onhook
