// Every setting there is: what a running gateway takes of it, and what it says.
#include <initializer_list>

#include "absl/strings/str_join.h"
#include "gateway/config/settings_check.h"
#include "gateway/config/settings_difference.h"
#include "gateway/config/settings_table.h"
#include "tests/component/reload_fixture.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Of these, one is another good value for any setting.
constexpr absl::string_view kValues[] = {"true",         "false",
                                         "debug",        "stored",
                                         "crm",          "5",
                                         "21",           "100",
                                         "300",          "2000",
                                         "0600",         "6s",
                                         "20m",          "48h",
                                         "32KiB",        "64KiB",
                                         "3MiB",         "96MiB",
                                         "300MiB",       "127.0.0.2:0",
                                         "10.0.0.0/8",   "optional",
                                         "jetstream",    "nats://127.0.0.2:4222",
                                         "another-path", "/tmp/another-path"};

class ReloadSettingsTest : public ReloadFixture {
 protected:
  ReloadSettingsTest() { settings_.subscriptions = {{"crm", {}}}; }

  // The settings with another value of one of them; nothing if there is no other.
  std::optional<Settings> With(const Setting& setting) const {
    for (const absl::string_view value : kValues) {
      Settings changed = settings_;
      if (!setting.read(value, changed).ok()) continue;
      if (setting.write(changed) == setting.write(settings_)) continue;
      if (CheckSettings(ChangeTo(changed, settings_).settings).empty()) return changed;
    }
    return std::nullopt;
  }
};

TEST_F(ReloadSettingsTest, EachSettingIsTakenOrNamedAsWaitingForARestartAsItsRowSays) {
  StartGateway();
  for (const Setting& setting : SettingsTable()) {
    SCOPED_TRACE(setting.name);
    const std::optional<Settings> changed = With(setting);
    ASSERT_TRUE(changed.has_value()) << "kValues lacks one for it";
    const std::vector<std::string> lines = LinesOf(*changed);
    const auto about = [&](absl::string_view words) {
      return Contains(
          AllOf(HasSubstr(words), HasSubstr(absl::StrCat(R"("settings":")", setting.name, "\""))));
    };
    if (setting.reloads) {
      EXPECT_THAT(lines, about("what changed here is in use"));
      EXPECT_THAT(lines, Not(Contains(HasSubstr("takes a restart"))));
    } else {
      EXPECT_THAT(lines, about("takes a restart"));
      EXPECT_THAT(lines, Not(Contains(HasSubstr("is in use"))));
    }
    Reload();
  }
  EXPECT_TRUE(ReloadWasSuccessful());
}

TEST_F(ReloadSettingsTest, SubscriptionsTakeARestart) {
  StartGateway();
  settings_.subscriptions.push_back({"billing", {}});
  EXPECT_THAT(LinesOf(settings_), Contains(AllOf(HasSubstr("takes a restart"),
                                                 HasSubstr(R"("settings":"subscriptions")"))));
}

TEST_F(ReloadSettingsTest, AChangeThatTakesARestartIsPendingUntilItIsTakenBack) {
  StartGateway();
  const auto pending = [&](int value) {
    return absl::StrContains(AskAdmin("/metrics").body,
                             absl::StrCat("\nonhook_config_restart_pending ", value, "\n"));
  };
  EXPECT_TRUE(pending(0));
  Settings changed = settings_;
  changed.subscriptions.push_back({"billing", {}});
  Reload(changed);
  EXPECT_TRUE(ReloadWasSuccessful() && pending(1));
  changed.http.server.max_headers = 50;
  Reload(changed);
  EXPECT_TRUE(pending(1)) << "although this one takes none";
  Reload(absl::InvalidArgumentError("f:1:1: a: no such key"));
  EXPECT_TRUE(pending(1)) << "what could not be used says nothing of it";
  Reload();
  EXPECT_TRUE(pending(0));
}

TEST_F(ReloadSettingsTest, TheLevelOfTheLogChangesOnlyWithItsSetting) {
  StartGateway();
  log_.set_level(LogLevel::kDebug);  // by hand
  settings_.http.server.max_headers = 50;
  Reload();
  EXPECT_TRUE(log_.enabled(LogLevel::kDebug));
  settings_.log.level = LogLevel::kWarning;
  Reload();
  EXPECT_FALSE(log_.enabled(LogLevel::kInfo));
  EXPECT_TRUE(log_.enabled(LogLevel::kWarning));
}

TEST_F(ReloadSettingsTest, ASuccessIsDatedAndAFailureLeavesItsDate) {
  const absl::Time before = clock_.Now();
  StartGateway();
  const auto date = [&] {
    const std::string text = AskAdmin("/metrics").body;
    const absl::string_view name = "\nonhook_config_last_reload_success_timestamp_seconds ";
    const size_t at = text.find(std::string(name));
    EXPECT_NE(at, std::string::npos) << text;
    return absl::UnixEpoch() + absl::Seconds(std::stod(text.substr(at + name.size())));
  };
  const absl::Time started = date();
  EXPECT_GE(started, before - absl::Seconds(1));
  Reload(absl::InvalidArgumentError("f:1:1: a: no such key"));
  EXPECT_FALSE(ReloadWasSuccessful());
  EXPECT_EQ(date(), started);
  Reload();
  EXPECT_TRUE(ReloadWasSuccessful());
  EXPECT_GT(date(), started);
}

// 127.0.0.1 is what is listened on; that the new file says otherwise opens nothing.
TEST_F(ReloadSettingsTest, WhatIsGoodOnlyBesideAnotherPortIsNotTakenAndNorIsAnythingElse) {
  settings_.http.server.listen = "0x7f000001:0";  // loopback, which the rules cannot know
  settings_.http.allow_unauthenticated = true;
  StartGateway();
  settings_.http.server.listen = "127.0.0.1:0";
  settings_.http.allow_unauthenticated = false;
  settings_.http.server.max_body_bytes = 1024;
  EXPECT_THAT(LinesOf(settings_),
              Contains(AllOf(HasSubstr("http.listen: 0x7f000001:0 can be reached from other"),
                             HasSubstr("beside what takes a restart, and is as it was"))));
  EXPECT_FALSE(ReloadWasSuccessful());
  EXPECT_EQ(Post(std::string(2000, 'x')).status, 400);
}

TEST_F(ReloadSettingsTest, OneBadSecretKeepsAllOldSettings) {
  StartGateway();
  settings_.http.server.max_body_bytes = 1024;
  settings_.log.level = LogLevel::kError;
  settings_.sources.push_back(Storing("second"));
  settings_.sources[1].bearer.emplace().token_files = {directory_.path() + "/absent"};
  EXPECT_THAT(LinesOf(settings_), Contains(AllOf(HasSubstr("source second"), HasSubstr("absent"))));
  EXPECT_FALSE(ReloadWasSuccessful());
  EXPECT_EQ(Post(std::string(2000, 'x')).status, 400);
  EXPECT_TRUE(log_.enabled(LogLevel::kDebug));
  EXPECT_EQ(PostTo("/second", "1").status, 404);
}

TEST_F(ReloadSettingsTest, AFileThatSaysNothingAnyMoreTakesNothingBack) {
  settings_.store.dead_letters_age = absl::Hours(24 * 365);
  StartGateway();
  for (const char* const text : {"", "# store: {dead_letters: {age: 365d}}\n", "---\n", "{}\n"}) {
    SCOPED_TRACE(text);
    const std::string file = directory_.Write("onhook.yaml", text);
    const size_t before = LogLines().size();
    Reload(ReadInvocation({"--config", file}, {}));
    EXPECT_FALSE(ReloadWasSuccessful());
    std::vector<std::string> lines = LogLines();
    EXPECT_THAT(
        std::vector<std::string>(lines.begin() + static_cast<std::ptrdiff_t>(before), lines.end()),
        ElementsAre(HasSubstr(file + ": says nothing any more")));
  }
}

TEST_F(ReloadSettingsTest, AFileThatNeverSaidAnythingMayStayAsItIs) {
  const std::vector<std::string> arguments = {
      "--config=" + directory_.Write("onhook.yaml", "# nothing yet\n"), "--http-listen=127.0.0.1:0",
      "--grpc-listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0",
      "--store-directory=" + settings_.store.directory};
  settings_ = ReadInvocation(arguments, {})->settings;
  StartGateway();
  Reload(ReadInvocation(arguments, {}));
  EXPECT_TRUE(ReloadWasSuccessful());
}

TEST_F(ReloadSettingsTest, ShutdownTakesItsTimesFromTheLatestSettings) {
  StartGateway();
  const absl::Duration before = gateway_->LongestStop();
  settings_.shutdown.drain_deadline += absl::Seconds(7);
  settings_.shutdown.delay = absl::Milliseconds(1);
  Reload();
  EXPECT_EQ(gateway_->LongestStop(), before + absl::Seconds(7) + absl::Milliseconds(1));
}

}  // namespace
}  // namespace onhook
