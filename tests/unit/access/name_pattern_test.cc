#include "gateway/access/name_pattern.h"

#include <string>

#include "gtest/gtest.h"

namespace onhook {
namespace {

struct PatternCase {
  const char* pattern;
  const char* name;
  bool matches;
  const char* reason;
};

class NamePatternsTest : public ::testing::TestWithParam<PatternCase> {};

TEST_P(NamePatternsTest, StandsForTheNamesItIsMeantFor) {
  const PatternCase& row = GetParam();
  EXPECT_EQ(MatchesName(row.pattern, row.name), row.matches)
      << "\"" << row.pattern << "\" and \"" << row.name << "\": " << row.reason;
}

INSTANTIATE_TEST_SUITE_P(
    Patterns, NamePatternsTest,
    ::testing::Values(PatternCase{"crm", "crm", true, "a name stands for itself"},
                      PatternCase{"crm", "crm2", false, "not for one that begins like it"},
                      PatternCase{"crm", "acrm", false, "not for one that ends like it"},
                      PatternCase{"crm", "CRM", false, "case counts"},
                      PatternCase{"crm", "", false, "not for nothing"},
                      PatternCase{"", "", true, "nothing is nothing"},
                      PatternCase{"", "crm", false, "and no more"},
                      PatternCase{"*", "crm", true, "a star is anything"},
                      PatternCase{"*", "", true, "also nothing"},
                      PatternCase{"**", "crm", true, "two are as one"},
                      PatternCase{"crm-*", "crm-berlin", true, "a prefix"},
                      PatternCase{"crm-*", "crm-", true, "and no more"},
                      PatternCase{"crm-*", "crm", false, "the whole prefix"},
                      PatternCase{"*-crm", "berlin-crm", true, "a suffix"},
                      PatternCase{"*-crm", "berlin-crm2", false, "at the end"},
                      PatternCase{"a*a", "a", false, "one character is not both ends"},
                      PatternCase{"a*a", "aa", true, "two are"},
                      PatternCase{"a*b*c", "a-b-c", true, "parts in their order"},
                      PatternCase{"a*b*c", "a-c-b-c", true, "wherever they are"},
                      PatternCase{"a*b*c", "acb", false, "not in another order"},
                      PatternCase{"a*bc*c", "abc", false, "no character is used twice"},
                      PatternCase{"a*ab*b", "aabb", true,
                                  "the first place that fits is good enough"},
                      PatternCase{"c.m", "crm", false, "a full stop is one"},
                      PatternCase{"c?m", "crm", false, "a question mark is nothing special"},
                      PatternCase{"[a-z]*", "crm", false, "nor is a bracket"}));

TEST(NamePatternTest, ManyStarsCostNoMoreThanTheirNumber) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "a*";
  const std::string name(1000000, 'a');
  EXPECT_TRUE(MatchesName(pattern, name));
  EXPECT_FALSE(MatchesName(pattern + "b", name));
  EXPECT_FALSE(MatchesName(pattern + "b*", name));
}

}  // namespace
}  // namespace onhook
