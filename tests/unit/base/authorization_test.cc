#include "gateway/base/authorization.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(AuthorizationTest, CredentialsAreWhatFollowsTheScheme) {
  EXPECT_EQ(CredentialsOf("Bearer abc", "Bearer"), "abc");
  EXPECT_EQ(CredentialsOf("bEARER   abc", "Bearer"), "abc");
  EXPECT_EQ(CredentialsOf("Bearer a b ", "Bearer"), "a b ");
  EXPECT_EQ(CredentialsOf("Bearer ", "Bearer"), "");
}

TEST(AuthorizationTest, AnotherSchemeHasNone) {
  for (const char* value : {"", "Bearer", "Basic abc", "Bearerabc", "Bearer\tabc", " Bearer abc"}) {
    EXPECT_EQ(CredentialsOf(value, "Bearer"), std::nullopt) << value;
  }
}

TEST(AuthorizationTest, ATokenIsOfTheCharactersThatAHeaderCanCarry) {
  for (const char* token : {"0123456789abcdef", "ABC-._~+/ghijklmnop", "0123456789abcd=="}) {
    EXPECT_TRUE(CheckBearerToken(token).ok()) << token;
  }
  for (const char* token : {"0123456789 abcdef", "0123456789,abcdef", "=0123456789abcdef",
                            "01234567=89abcdef", "================", "0123456789abcd\xC3\xBC"}) {
    EXPECT_THAT(std::string(CheckBearerToken(token).message()), HasSubstr("must consist of"))
        << token;
  }
}

TEST(AuthorizationTest, ATokenThatCouldBeGuessedIsRefusedWithoutBeingRepeated) {
  const absl::Status status = CheckBearerToken("0123456789abcde");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("at least 16 characters"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("abcde")));
}

}  // namespace
}  // namespace onhook
