#include "gateway/config/settings_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_table.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

TEST(HelpTextTest, NamesEverySettingWithItsFlagDefaultAndMeaning) {
  const std::string help = HelpText();
  for (const Setting& setting : SettingsTable()) {
    const std::string fallback = setting.write(Settings());
    EXPECT_THAT(help, HasSubstr(absl::StrCat(setting.Flag(), "=", setting.form, "   (",
                                             fallback.empty() ? "none" : fallback, ")\n      ",
                                             setting.description, "\n")));
  }
}

TEST(HelpTextTest, FitsATerminalOfAHundredColumns) {
  for (const absl::string_view line : absl::StrSplit(HelpText(), '\n')) {
    EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST(HelpTextTest, SaysWhereTheDefaultsListen) {
  const Settings defaults;
  for (const std::string& listen : {defaults.http.server.listen, defaults.grpc.server.listen,
                                    defaults.admin.server.listen, defaults.store.directory}) {
    EXPECT_THAT(HelpText().substr(0, HelpText().find("Options:")), HasSubstr(listen));
  }
}

TEST(HelpTextTest, GivesEachGroupATitle) {
  const std::string help = HelpText();
  for (const SettingGroup& group : SettingGroups()) {
    EXPECT_THAT(help, HasSubstr(absl::StrCat("\n\n", group.name, ": ", group.title, "\n  --",
                                             group.name, "-")));
  }
}

}  // namespace
}  // namespace onhook
