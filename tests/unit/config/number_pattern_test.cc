#include "gateway/config/number_pattern.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <regex>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

bool Matches(const std::string& pattern, const std::string& text) {
  return std::regex_match(text, std::regex(pattern, std::regex::ECMAScript));
}

TEST(NumberPatternTest, ExactlyTheNumbersWithinTheBoundsMatch) {
  for (int64_t least = 0; least <= 130; least += 7) {
    for (int64_t most = least; most <= 1300; most += 61) {
      const std::regex pattern(NumberPattern(least, most), std::regex::ECMAScript);
      for (int64_t number = 0; number <= 1400; ++number) {
        ASSERT_EQ(std::regex_match(absl::StrCat(number), pattern),
                  number >= least && number <= most)
            << number << " in " << least << " to " << most << ": " << NumberPattern(least, most);
      }
    }
  }
}

TEST(NumberPatternTest, TheEndsOfLargeBoundsMatchAndWhatIsBesideThemDoesNot) {
  const std::pair<int64_t, int64_t> kBounds[] = {
      {1024, 16777216}, {99, 100}, {1, 999999999}, {100, 300000}, {86400, 604800}};
  for (const auto& [least, most] : kBounds) {
    const std::string pattern = NumberPattern(least, most);
    EXPECT_TRUE(Matches(pattern, absl::StrCat(least))) << pattern;
    EXPECT_TRUE(Matches(pattern, absl::StrCat(most))) << pattern;
    EXPECT_FALSE(Matches(pattern, absl::StrCat(least - 1))) << pattern;
    EXPECT_FALSE(Matches(pattern, absl::StrCat(most + 1))) << pattern;
  }
}

TEST(NumberPatternTest, ZerosBeforeANumberAreItsReadersBusiness) {
  EXPECT_TRUE(Matches(NumberPattern(5, 10), "007"));
  EXPECT_FALSE(Matches(NumberPattern(5, 10), ""));
  EXPECT_FALSE(Matches(NumberPattern(5, 10), "7 "));
}

}  // namespace
}  // namespace onhook
