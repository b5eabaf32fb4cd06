#include "gateway/config/settings_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/ascii.h"

namespace onhook {
namespace {

const Setting& Named(absl::string_view name) {
  const auto table = SettingsTable();
  const auto row = std::find_if(table.begin(), table.end(),
                                [&](const Setting& setting) { return setting.name == name; });
  EXPECT_NE(row, table.end()) << name;
  return *row;
}

TEST(SettingsTableTest, ANameMakesItsFlagAndItsVariable) {
  EXPECT_EQ(Named("http.listen").Flag(), "--http-listen");
  EXPECT_EQ(Named("http.listen").Variable(), "ONHOOK_HTTP_LISTEN");
  EXPECT_EQ(Named("shutdown.drain_deadline").Flag(), "--shutdown-drain-deadline");
  EXPECT_EQ(Named("shutdown.drain_deadline").Variable(), "ONHOOK_SHUTDOWN_DRAIN_DEADLINE");
}

TEST(SettingsTableTest, NoTwoRowsShareAFlagOrAVariable) {
  std::set<std::string> names;
  for (const Setting& setting : SettingsTable()) {
    EXPECT_TRUE(names.insert(setting.Flag()).second) << setting.name;
    EXPECT_TRUE(names.insert(setting.Variable()).second) << setting.name;
  }
}

TEST(SettingsTableTest, NamesAreLowerCaseWordsInAGroup) {
  for (const Setting& setting : SettingsTable()) {
    const auto dots = std::count(setting.name.begin(), setting.name.end(), '.');
    EXPECT_TRUE(dots == 1 || dots == 2) << setting.name;
    for (const char c : setting.name) {
      EXPECT_TRUE(absl::ascii_islower(c) || c == '.' || c == '_') << setting.name;
    }
  }
}

TEST(SettingsTableTest, EveryRowIsDescribedInOneShortLine) {
  for (const Setting& setting : SettingsTable()) {
    EXPECT_FALSE(setting.form.empty()) << setting.name;
    EXPECT_FALSE(setting.description.empty()) << setting.name;
    EXPECT_LE(setting.description.size(), 90u) << setting.name;
    EXPECT_EQ(setting.description.find('\n'), absl::string_view::npos) << setting.name;
    EXPECT_NE(setting.description.back(), '.') << setting.name;
  }
}

TEST(SettingsTableTest, EveryDefaultIsReadAsItIsWritten) {
  for (const Setting& setting : SettingsTable()) {
    Settings settings;
    const std::string text = setting.write(settings);
    EXPECT_TRUE(setting.read(text, settings).ok()) << setting.name;
    EXPECT_EQ(setting.write(settings), text) << setting.name;
  }
}

struct ValueCase {
  absl::string_view name;
  absl::string_view other;  // not the default
  absl::string_view wrong;
};

const ValueCase kValues[] = {
    {"http.listen", "0.0.0.0:80", "80"},
    {"http.allow_unauthenticated", "true", "yes"},
    {"http.max_body_bytes", "128KiB", "65536"},
    {"grpc.listen", "[::1]:0", "::1"},
    {"grpc.allow_unauthenticated", "true", ""},
    {"admin.listen", "localhost:1", "localhost"},
    {"store.directory", "/var/lib/onhook", ""},
    {"store.retention.age", "unlimited", "7"},
    {"store.retention.size", "1GiB", "many"},
    {"store.deduplication_window", "2d", "24"},
    {"store.dead_letters.age", "1h", "unlimitedly"},
    {"store.dead_letters.size", "unlimited", "0"},
    {"acknowledge.when", "processed", "settled"},
    {"acknowledge.subscriptions", "crm,billing", "C R M"},
    {"acknowledge.timeout", "300ms", "300"},
    {"log.level", "debug", "verbose"},
    {"shutdown.delay", "5s", "5"},
    {"shutdown.drain_deadline", "20s", "-1s"},
};

TEST(SettingsTableTest, EveryRowSetsItsOwnValueAndNoOther) {
  for (const ValueCase& row : kValues) {
    Settings settings;
    ASSERT_TRUE(Named(row.name).read(row.other, settings).ok()) << row.name;
    for (const Setting& setting : SettingsTable()) {
      EXPECT_EQ(setting.write(settings),
                setting.name == row.name ? std::string(row.other) : setting.write(Settings()))
          << row.name << " and " << setting.name;
    }
  }
}

TEST(SettingsTableTest, AWrongValueIsRefusedAndChangesNothing) {
  for (const ValueCase& row : kValues) {
    Settings settings;
    EXPECT_EQ(Named(row.name).read(row.wrong, settings).code(), absl::StatusCode::kInvalidArgument)
        << row.name;
    EXPECT_EQ(Named(row.name).write(settings), Named(row.name).write(Settings())) << row.name;
  }
}

TEST(SettingsTableTest, TheseTestsKnowEveryRow) {
  EXPECT_EQ(SettingsTable().size(), std::size(kValues));
}

}  // namespace
}  // namespace onhook
