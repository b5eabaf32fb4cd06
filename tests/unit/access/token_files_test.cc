#include "gateway/access/token_files.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kFirst[] = "first-token-0000000";
constexpr char kSecond[] = "second-token-000000";
constexpr char kThird[] = "third-token-0000000";

// Identities that have their tokens in files; a file is called what it is given as.
class TokenFilesTest : public ::testing::Test {
 protected:
  void Identity(const std::string& name, const std::vector<std::string>& files) {
    Settings::Identity identity;
    identity.name = name;
    for (const std::string& file : files) identity.token_files.push_back(Path(file));
    identities_.push_back(identity);
  }
  std::string Path(const std::string& file) const {
    return absl::StrCat(directory_.path(), "/", file);
  }
  void Write(const std::string& file, const std::string& content) {
    directory_.Write(file, content);
  }
  void Open() {
    auto opened = TokenFiles::Open(identities_, tokens_.get(), &clock_, &log_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    tokens_ = *std::move(opened);
  }
  std::string RefusalToOpen() {
    const auto opened = TokenFiles::Open(identities_, tokens_.get(), &clock_, &log_);
    EXPECT_EQ(opened.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(opened.status().message());
  }
  // The next second's look.
  bool Look(absl::Duration later = absl::Seconds(1)) {
    clock_.Advance(later);
    return tokens_->Look();
  }
  std::string OwnerOf(absl::string_view token) const {
    const std::optional<size_t> owner = tokens_->OwnerOf(token);
    return owner.has_value() ? identities_[*owner].name : "";
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  std::string logged_;
  Log log_{&clock_, LogLevel::kInfo, Log::Format::kText,
           [this](absl::string_view line) { absl::StrAppend(&logged_, line, "\n"); }};
  std::vector<Settings::Identity> identities_;
  std::unique_ptr<TokenFiles> tokens_;
};

TEST_F(TokenFilesTest, ATokenIsOfTheIdentityThatNamesItsFile) {
  Write("crm", absl::StrCat(kFirst, "\n"));
  Write("old", kSecond);
  Write("billing", kThird);
  Identity("crm", {"crm", "old"});
  Identity("nobody", {});
  Identity("billing", {"billing"});
  Open();
  EXPECT_EQ(OwnerOf(kFirst), "crm");
  EXPECT_EQ(OwnerOf(kSecond), "crm");
  EXPECT_EQ(OwnerOf(kThird), "billing");
}

TEST_F(TokenFilesTest, NoOtherTextIsAToken) {
  Write("crm", kFirst);
  Identity("crm", {"crm"});
  Open();
  const std::string token = kFirst;
  for (const std::string& text :
       {std::string(), token + "0", token.substr(1), token.substr(0, token.size() - 1),
        token + "\n", token + std::string(1, '\0'), " " + token, token + token}) {
    EXPECT_EQ(OwnerOf(text), "") << text;
  }
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] ^= 1;
    EXPECT_EQ(OwnerOf(changed), "") << changed;
  }
}

TEST_F(TokenFilesTest, AFileThatCannotBeUsedIsNamedWithItsIdentity) {
  Identity("crm", {"absent"});
  EXPECT_THAT(RefusalToOpen(), AllOf(HasSubstr("identity \"crm\": the secret in "),
                                     HasSubstr("absent cannot be read")));
  Write("absent", "tooshort");
  EXPECT_THAT(RefusalToOpen(), AllOf(HasSubstr("at least 16"), Not(HasSubstr("tooshort"))));
}

TEST_F(TokenFilesTest, TwoIdentitiesCannotBeginWithOneToken) {
  Write("crm", kFirst);
  Write("billing", absl::StrCat(kFirst, "\n"));
  Identity("crm", {"crm"});
  Identity("billing", {"billing"});
  EXPECT_THAT(RefusalToOpen(), AllOf(HasSubstr("the identities \"crm\" and \"billing\""),
                                     HasSubstr("same token"), Not(HasSubstr(kFirst))));
}

TEST_F(TokenFilesTest, TheTwoFilesOfOneIdentityMayHoldOneToken) {
  Write("current", kFirst);
  Write("previous", kFirst);
  Identity("crm", {"current", "previous"});
  Open();
  EXPECT_EQ(OwnerOf(kFirst), "crm");
}

TEST_F(TokenFilesTest, ALookTellsWhetherAnythingChanged) {
  Write("crm", kFirst);
  Identity("crm", {"crm"});
  Open();
  EXPECT_FALSE(Look());
  Write("crm", kSecond);
  EXPECT_EQ(OwnerOf(kSecond), "") << "nobody has looked";
  EXPECT_TRUE(Look());
  EXPECT_EQ(OwnerOf(kSecond), "crm");
  EXPECT_FALSE(Look()) << "nothing more";
}

TEST_F(TokenFilesTest, AReplacedTokenIsRevokedTwoSecondsAfterItWasNoticed) {
  Write("crm", kFirst);
  Identity("crm", {"crm"});
  Open();
  Write("crm", kSecond);
  EXPECT_TRUE(Look());
  EXPECT_EQ(OwnerOf(kFirst), "crm") << "the other file of a rotation may not be read yet";
  EXPECT_FALSE(Look());
  EXPECT_TRUE(Look()) << "what was replaced is gone";
  EXPECT_EQ(OwnerOf(kFirst), "");
  EXPECT_EQ(OwnerOf(kSecond), "crm");
}

TEST_F(TokenFilesTest, ARotationOverBothFilesRefusesNeitherTokenAtAnyTime) {
  Write("current", kFirst);
  Write("previous", kThird);
  Identity("crm", {"current", "previous"});
  Open();
  Write("current", kSecond);
  Write("previous", kFirst);
  for (int second = 0; second < 5; ++second) {
    Look();
    EXPECT_EQ(OwnerOf(kFirst), "crm") << second;
    EXPECT_EQ(OwnerOf(kSecond), "crm") << second;
  }
  EXPECT_EQ(OwnerOf(kThird), "");
}

TEST_F(TokenFilesTest, ATokenThatTwoComeToHaveLetsNeitherInUntilOneHasAnother) {
  Write("crm", kFirst);
  Write("billing", kSecond);
  Identity("crm", {"crm"});
  Identity("billing", {"billing"});
  Open();
  Write("billing", kFirst);
  EXPECT_TRUE(Look());
  EXPECT_EQ(OwnerOf(kFirst), "");
  EXPECT_THAT(logged_, AllOf(HasSubstr(R"(\"crm\" and \"billing\")"), Not(HasSubstr(kFirst))));
  Write("billing", kThird);
  for (int second = 0; second < 3; ++second) Look();
  EXPECT_EQ(OwnerOf(kFirst), "crm");
  EXPECT_EQ(OwnerOf(kThird), "billing");
}

TEST_F(TokenFilesTest, AFileThatBecameNoGoodLeavesItsTokenInUse) {
  Write("crm", kFirst);
  Identity("crm", {"crm"});
  Open();
  Write("crm", "no good");
  EXPECT_FALSE(Look());
  EXPECT_EQ(OwnerOf(kFirst), "crm");
  EXPECT_THAT(logged_, AllOf(HasSubstr("stays in use"), Not(HasSubstr("no good\""))));
}

TEST_F(TokenFilesTest, AListThatChangesInTheMiddleOfARotationForgetsNoToken) {
  Write("crm", kFirst);
  Identity("crm", {"crm"});
  Open();
  Write("crm", kSecond);
  Look();
  Identity("billing", {});
  Open();
  EXPECT_EQ(OwnerOf(kFirst), "crm");
  EXPECT_EQ(OwnerOf(kSecond), "crm");
}

TEST_F(TokenFilesTest, HundredsOfIdentitiesAreToldApart) {
  for (int i = 0; i < 500; ++i) {
    Write(absl::StrCat("token", i), absl::StrCat("token-of-number-", i, "-----"));
    Identity(absl::StrCat("identity", i), {absl::StrCat("token", i)});
  }
  Open();
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(OwnerOf(absl::StrCat("token-of-number-", i, "-----")), absl::StrCat("identity", i));
  }
  EXPECT_EQ(OwnerOf("token-of-number-500-----"), "");
  EXPECT_THAT(logged_, IsEmpty());
}

}  // namespace
}  // namespace onhook
