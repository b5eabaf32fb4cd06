#include "gateway/config/settings_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

TEST(HelpTextTest, NamesEverySettingWithItsFlagVariableDefaultAndMeaning) {
  const std::string help = HelpText();
  for (const Setting& setting : SettingsTable()) {
    EXPECT_THAT(help, HasSubstr(setting.Flag() + "="));
    EXPECT_THAT(help, HasSubstr(setting.Variable() + ", default " + setting.write(Settings())));
    EXPECT_THAT(help, HasSubstr(std::string(setting.description)));
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

TEST(ConfigTextTest, GivesEachValueALineWithItsOrigin) {
  const std::vector<EffectiveSetting> values = {
      {&SettingsTable()[0], "127.0.0.1:0", "flag --http-listen"},
      {&SettingsTable()[1], "false", "default"}};
  EXPECT_EQ(ConfigText(values),
            "http.listen = 127.0.0.1:0           # flag --http-listen\n"
            "http.allow_unauthenticated = false  # default\n");
}

}  // namespace
}  // namespace onhook
