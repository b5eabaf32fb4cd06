#include "gateway/config/schema_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/config/json_object.h"
#include "gateway/config/settings_members.h"
#include "gateway/config/settings_table.h"
#include "gateway/config/value_schema.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// That the schema takes what the reader takes is shown by tests/interop/settings_schema_test.py.

TEST(SchemaTextTest, TheFileOfTheSchemaIsWhatTheCodeSays) {
  std::ifstream file(ONHOOK_SETTINGS_SCHEMA);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(text, SchemaText())
      << "write it again: onhookd --print-schema > gateway/config/onhook.schema.json";
}

TEST(SchemaTextTest, EverySettingIsDescribedWithItsFlagAndVariable) {
  const std::string text = SchemaText();
  for (const Setting& setting : SettingsTable()) {
    EXPECT_THAT(text,
                HasSubstr(absl::StrCat("Flag ", setting.Flag(), ", variable ", setting.Variable(),
                                       setting.reloads ? ". A running gateway takes a change."
                                                       : ". A change takes a restart.")));
  }
}

TEST(SchemaTextTest, EveryFormOfTheTablesIsKnown) {
  for (const Setting& setting : SettingsTable()) {
    const JsonObject schema = SchemaOfForm(setting.form, setting.bounds, MayBeEmpty::kNo);
    EXPECT_FALSE(schema.empty()) << setting.name;
    EXPECT_THAT(schema.Text(), Not(HasSubstr("{}"))) << setting.name;
  }
  for (const auto members : {SourceMembers(), SubscriptionMembers(), IdentityMembers()}) {
    for (const SettingMember& member : members) {
      if (member.name == "authentication") continue;  // a mapping of those that follow
      std::pair<absl::string_view, absl::string_view> form = {member.form, ""};
      if (member.form[0] != '[') form = absl::StrSplit(member.form, absl::MaxSplits(", ", 1));
      const JsonObject schema = SchemaOfForm(form.first, form.second, MayBeEmpty::kNo);
      EXPECT_FALSE(schema.empty()) << member.name;
      EXPECT_THAT(schema.Text(), Not(HasSubstr("{}"))) << member.name;
    }
  }
}

TEST(SchemaTextTest, AFormThatIsNotKnownGivesNothing) {
  EXPECT_TRUE(SchemaOfForm("COLOUR", "", MayBeEmpty::kNo).empty());
}

}  // namespace
}  // namespace onhook
