#include "gateway/config/settings_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/config/reference_text.h"
#include "gateway/config/settings_table.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(SettingsDifferenceTest, EqualSettingsDifferInNothing) {
  Settings settings;
  settings.subscriptions = {{"crm", {}}};
  settings.access.resize(2);
  EXPECT_THAT(DifferentSettings(settings, settings), IsEmpty());
}

TEST(SettingsDifferenceTest, WhatDiffersIsNamedInTheOrderOfTheTable) {
  Settings settings;
  settings.log.level = LogLevel::kDebug;
  settings.grpc.server.max_streams = 7;
  settings.http.tls.key_file = "other";
  EXPECT_THAT(DifferentSettings(Settings(), settings),
              ElementsAre("http.tls.key_file", "grpc.max_streams", "log.level"));
  EXPECT_THAT(DifferentSettings(settings, Settings()),
              ElementsAre("http.tls.key_file", "grpc.max_streams", "log.level"));
}

TEST(SettingsDifferenceTest, ListsDifferByAnythingInThem) {
  const Settings before;
  Settings settings;
  settings.sources[0].always_200 = true;
  EXPECT_THAT(DifferentSettings(before, settings), ElementsAre("sources"));
  settings = before;
  settings.subscriptions = {{"crm", {}}};
  EXPECT_THAT(DifferentSettings(before, settings), ElementsAre("subscriptions"));
  Settings more = settings;
  more.subscriptions[0].spec.set_max_delivery_attempts(3);
  EXPECT_THAT(DifferentSettings(settings, more), ElementsAre("subscriptions"));
}

TEST(SettingsDifferenceTest, EveryMemberOfAnIdentityCounts) {
  Settings before;
  before.access.resize(1);
  const std::vector<void (*)(Settings::Identity & identity)> changes = {
      [](Settings::Identity& identity) { identity.name = "other"; },
      [](Settings::Identity& identity) { identity.certificate = "other"; },
      [](Settings::Identity& identity) { identity.token_files = {"other"}; },
      [](Settings::Identity& identity) { identity.unix_socket = true; },
      [](Settings::Identity& identity) { identity.subscribe = {"*"}; },
      [](Settings::Identity& identity) { identity.create = {"*"}; },
      [](Settings::Identity& identity) { identity.administer = {"*"}; },
      [](Settings::Identity& identity) { identity.watch = true; },
      [](Settings::Identity& identity) { identity.read_events = true; },
      [](Settings::Identity& identity) { identity.rejected_callbacks = true; },
      [](Settings::Identity& identity) { identity.see_numbers = true; },
      [](Settings::Identity& identity) { identity.monitor = true; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Settings settings = before;
    changes[i](settings.access[0]);
    EXPECT_THAT(DifferentSettings(before, settings), ElementsAre("access")) << i;
  }
  EXPECT_THAT(DifferentSettings(before, Settings()), ElementsAre("access"));
}

TEST(SettingsDifferenceTest, OfSettingsThatAreReadTheOnesThatReloadAreTakenAndTheOthersWait) {
  Settings in_use;
  in_use.http.server.cap_loopback = true;  // which no file can say
  Settings read;
  read.http.server.listen = "127.0.0.1:1";
  read.http.server.max_headers = 50;
  read.log.level = LogLevel::kDebug;
  read.sources[0].always_200 = true;
  read.subscriptions = {{"crm", {}}};
  read.access.resize(1);
  const SettingsChange change = ChangeTo(read, in_use);
  EXPECT_THAT(change.taken, ElementsAre("http.max_headers", "log.level", "sources", "access"));
  EXPECT_THAT(change.waiting, ElementsAre("http.listen", "subscriptions"));
  EXPECT_THAT(DifferentSettings(in_use, change.settings),
              ElementsAre("http.max_headers", "log.level", "sources", "access"));
  EXPECT_THAT(DifferentSettings(read, change.settings),
              ElementsAre("http.listen", "subscriptions"));
  EXPECT_TRUE(change.settings.http.server.cap_loopback);
}

TEST(SettingsDifferenceTest, EveryRowCopiesItsOwnSettingAndNoOther) {
  for (const Setting& setting : SettingsTable()) {
    Settings from;
    for (const char* value : {"7", "true", "stored", "debug", "7s", "3MiB", "127.0.0.2:0", "0600",
                              "10.0.0.0/8", "optional", "/other", "200"}) {
      if (setting.read(value, from).ok() && setting.write(from) != setting.write(Settings())) break;
    }
    if (setting.write(from) == setting.write(Settings())) continue;
    Settings to;
    setting.copy(from, to);
    EXPECT_THAT(DifferentSettings(Settings(), to), ElementsAre(std::string(setting.name)));
    EXPECT_THAT(DifferentSettings(from, to), IsEmpty());
  }
}

TEST(SettingsDifferenceTest, TheReferenceSaysOfEveryListWhetherAChangeIsTakenAtOnce) {
  Settings changed;
  changed.sources[0].path = "/elsewhere";
  changed.subscriptions = {{"crm", {}}};
  changed.access.resize(1);
  const SettingsChange change = ChangeTo(changed, Settings());
  EXPECT_THAT(change.taken, ElementsAre("sources", "access"));
  EXPECT_THAT(change.waiting, ElementsAre("subscriptions"));
  const std::string text = ReferenceText();
  const auto section_of = [&](const std::string& list) {
    const size_t begin = text.find(absl::StrCat("\n## ", list, "\n"));
    return text.substr(begin, text.find("\n## ", begin + 1) - begin);
  };
  for (const std::string& list : change.taken) {
    EXPECT_THAT(section_of(list), HasSubstr("A change is taken at once, whatever member"));
  }
  for (const std::string& list : change.waiting) {
    EXPECT_THAT(section_of(list), HasSubstr("A change takes a restart, whatever member"));
  }
}

}  // namespace
}  // namespace onhook
