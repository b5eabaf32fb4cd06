#include "gateway/ingress/authenticator.h"

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/ingress/authenticator_fixture.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// What is asked of a request, and of the secrets themselves.
using AuthenticatorTest = AuthenticatorFixture;

TEST_F(AuthenticatorTest, WithoutATokenThePathIsTheSources) {
  EXPECT_TRUE(Opened().IsAt("/release-events/sales"));
  for (const char* path : {"", "/", "/release-events", "/release-events/sales/",
                           "/release-events/sale", "/release-events/Sales", "release-events/sales",
                           "/release-events/sales/x", "//release-events/sales"}) {
    EXPECT_FALSE(Opened().IsAt(path)) << path;
  }
}

TEST_F(AuthenticatorTest, ATokenIsTheLastSegmentOfThePath) {
  UsePathToken();
  const std::string path = absl::StrCat(source_.path, "/", kToken);
  EXPECT_TRUE(Opened().IsAt(path));
  for (size_t i = 0; i < path.size(); ++i) {
    std::string other = path;
    other[i] ^= 1;
    EXPECT_FALSE(Opened().IsAt(other)) << other;
    EXPECT_FALSE(Opened().IsAt(path.substr(0, i))) << i;
  }
  for (const std::string& other :
       {path + "/", path + "x", path + "\n", absl::StrCat("/", kToken), source_.path + "//x",
        absl::StrCat(source_.path, kToken), absl::StrCat(source_.path, "/%53ecret_path-token.1"),
        absl::StrCat(source_.path, "//", kToken), source_.path + "/"}) {
    EXPECT_FALSE(Opened().IsAt(other)) << other;
  }
}

TEST_F(AuthenticatorTest, ATokenOfThePathMayChange) {
  UsePathToken();
  ASSERT_TRUE(Opened().IsAt(absl::StrCat(source_.path, "/", kToken)));
  Change("path", "another-token-of-the-path");
  EXPECT_TRUE(Opened().IsAt(source_.path + "/another-token-of-the-path"));
  EXPECT_TRUE(Opened().IsAt(absl::StrCat(source_.path, "/", kToken))) << "on its way";
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(Opened().IsAt(source_.path + "/another-token-of-the-path"));
  EXPECT_FALSE(Opened().IsAt(absl::StrCat(source_.path, "/", kToken)));
}

TEST_F(AuthenticatorTest, ASecretThatWillNotDoIsNamedWithItsSettingAndNotRepeated) {
  struct {
    const char* secret;
    const char* why;
  } const path_tokens[] = {
      {"", "is empty"},
      {"fifteen-letters", "at least 16 characters"},
      {"a segment and a space", "letters, digits"},
      {"two/segments/of/a/path", "letters, digits"},
      {"percent%20percent%20", "letters, digits"},
      {"query?of=an&address", "letters, digits"},
      {"tilde~is~not~the~vendors", "letters, digits"},
      {"line-end-within\nthe-token", "letters, digits"},
  };
  for (const auto& row : path_tokens) {
    source_.path_token_file = File("secret", row.secret);
    EXPECT_THAT(RefusalToOpen(), AllOf(HasSubstr("path_token_file: the secret in "),
                                       HasSubstr(source_.path_token_file), HasSubstr(row.why)))
        << row.secret;
    EXPECT_TRUE(*row.secret == '\0' || !absl::StrContains(RefusalToOpen(), row.secret));
  }
  source_.path_token_file = File("secret", std::string(129, 'x'));
  EXPECT_THAT(RefusalToOpen(), HasSubstr("at most 128 characters"));
  source_.path_token_file = File("secret", std::string(128, 'x'));
  EXPECT_TRUE(Authenticator::Open(source_, secrets_).ok());
}

TEST_F(AuthenticatorTest, ABearerTokenHasSixteenCharactersOfItsAlphabet) {
  UseBearer();
  for (const char* token :
       {"fifteen-letters", "sixteen letters!", "=sixteen-letters", "sixteen==letters",
        "================", "sixteen-l\xC3\xBCtters", "two-lines-of-it\nand-more"}) {
    File("previous", token);
    EXPECT_THAT(RefusalToOpen(), AllOf(HasSubstr("bearer.token_files: the secret in "),
                                       HasSubstr("previous must"), Not(HasSubstr(token))))
        << token;
  }
  File("previous", "sixteen._~+/-abc");
  EXPECT_TRUE(Authenticator::Open(source_, secrets_).ok());
}

TEST_F(AuthenticatorTest, APasswordHasEightCharactersOfOneLine) {
  UseBasic();
  for (const char* password : {"1234567", "1234\xC3\xBC\xC3\xBC\xC3\xBC", "two\nlines",
                               "tab\tbed-1", "latin-1-\xFC", "\xEF\xBB\xBFmarked-1"}) {
    File("current", password);
    EXPECT_THAT(RefusalToOpen(), AllOf(HasSubstr("basic.password_files: the secret in "),
                                       HasSubstr("current must"), Not(HasSubstr(password))))
        << password;
  }
  File("current", "12345678");
  EXPECT_TRUE(Authenticator::Open(source_, secrets_).ok());
}

TEST_F(AuthenticatorTest, AKeyHasSixteenCharactersOfOneLine) {
  UseSharedKey();
  for (const char* key :
       {"0123456789abcde", "\xE9\x92\xA5\xE9\x92\xA5-0123456789ab", "0123456789abcdef\n0",
        "0123456789abcdef\xFF", "\xEF\xBB\xBFkey-of-16-letters", "0123456789abcdef ",
        " 0123456789abcdef"}) {
    File("current", key);
    EXPECT_THAT(RefusalToOpen(), AllOf(HasSubstr("shared_key.key_files: the secret in "),
                                       HasSubstr("current must"), Not(HasSubstr(key))))
        << key;
  }
  File("current", "\xE9\x92\xA5\xE9\x92\xA5-0123456789abcd");
  EXPECT_TRUE(Authenticator::Open(source_, secrets_).ok());
}

TEST_F(AuthenticatorTest, AuthenticationWithoutASecretIsNotOpened) {
  source_.bearer.emplace();
  EXPECT_THAT(RefusalToOpen(), HasSubstr("bearer.token_files: names no file"));
  source_.bearer->token_files = {directory_.path() + "/absent"};
  EXPECT_THAT(RefusalToOpen(), HasSubstr("absent cannot be read: No such file"));
}

TEST_F(AuthenticatorTest, WithoutNetworksAnybodyMayCome) {
  EXPECT_EQ(CheckRequest({}), absl::nullopt);
  EXPECT_EQ(CheckRequest({}, "2001:db8::1"), absl::nullopt);
  EXPECT_EQ(CheckRequest({{"Authorization", "Bearer whatever"}}), absl::nullopt);
}

TEST_F(AuthenticatorTest, OnlyTheNetworksOfTheSourceAreLetIn) {
  source_.allowed_networks = {IpNetwork::Parse("198.51.100.0/24").value()};
  source_.trusted_proxies = {IpNetwork::Parse("10.0.0.1").value()};
  const Headers vendor = {{"X-Forwarded-For", "198.51.100.7"}};
  EXPECT_EQ(CheckRequest({}, "198.51.100.7"), absl::nullopt);
  EXPECT_EQ(CheckRequest(vendor, "10.0.0.1"), absl::nullopt);
  EXPECT_EQ(CheckRequest({}, "192.0.2.1"), Distrust::kNetwork);
  EXPECT_EQ(CheckRequest(vendor, "192.0.2.1"), Distrust::kNetwork) << "spoofed";
  EXPECT_EQ(CheckRequest({}, "10.0.0.1"), Distrust::kNetwork) << "the proxy itself";
  EXPECT_EQ(CheckRequest({{"X-Forwarded-For", "198.51.100.7, 192.0.2.1"}}, "10.0.0.1"),
            Distrust::kNetwork);
  EXPECT_EQ(CheckRequest({{"X-Forwarded-For", "198.51.100.7, junk"}}, "10.0.0.1"),
            Distrust::kNetwork);
  EXPECT_EQ(CheckRequest({}, ""), Distrust::kNetwork) << "no address at all";
}

TEST_F(AuthenticatorTest, TheNetworkIsAskedForBeforeCredentials) {
  UseBearer();
  source_.allowed_networks = {IpNetwork::Parse("198.51.100.0/24").value()};
  EXPECT_EQ(CheckRequest({{"Authorization", "Bearer current-token-1=="}}), Distrust::kNetwork);
  EXPECT_EQ(CheckRequest({}, "198.51.100.7"), Distrust::kCredentials);
}

TEST_F(AuthenticatorTest, ABearerTokenOfEitherFileIsLetIn) {
  UseBearer();
  EXPECT_TRUE(LetsIn("Bearer current-token-1=="));
  EXPECT_TRUE(LetsIn("Bearer previous+token/1"));
  EXPECT_TRUE(LetsIn("bEARER   current-token-1=="));
  for (const char* value :
       {"", "Bearer", "Bearer ", "Bearer x", "Bearer current-token-1=", "Bearer current-token-1===",
        "Bearer current-token-1", "Bearer Current-token-1==", "Bearercurrent-token-1==",
        "Bearer\tcurrent-token-1==", "Bearer:current-token-1==", "current-token-1==",
        "Basic current-token-1==", "Bearer \"current-token-1==\"", "Bearer current-token-1== x",
        "Bearer current-token-1==,Bearer current-token-1==", "Bearer previous+token/2",
        "Bearer current-token-1==previous+token/1"}) {
    EXPECT_FALSE(LetsIn(value)) << value;
  }
}

TEST_F(AuthenticatorTest, NoByteOfABearerTokenCanBeChanged) {
  UseBearer();
  const std::string good = "Bearer current-token-1==";
  ASSERT_TRUE(LetsIn(good));
  for (size_t at = 7; at < good.size(); ++at) {
    for (int mask = 1; mask < 256; ++mask) {
      std::string value = good;
      value[at] = static_cast<char>(value[at] ^ mask);
      ASSERT_FALSE(LetsIn(value)) << value;
    }
  }
}

TEST_F(AuthenticatorTest, TwoHeadersOfAuthorizationAreNone) {
  UseBearer();
  const HttpHeader good = {"Authorization", "Bearer current-token-1=="};
  EXPECT_EQ(CheckRequest({good}), absl::nullopt);
  EXPECT_EQ(CheckRequest({{"authorization", good.value}}), absl::nullopt);
  EXPECT_EQ(CheckRequest({good, good}), Distrust::kCredentials);
  EXPECT_EQ(CheckRequest({good, {"AUTHORIZATION", ""}}), Distrust::kCredentials);
  EXPECT_EQ(CheckRequest({{"authorization", "Basic x"}, good}), Distrust::kCredentials);
  EXPECT_EQ(CheckRequest({{"Proxy-Authorization", good.value}}), Distrust::kCredentials);
  EXPECT_EQ(CheckRequest({}), Distrust::kCredentials);
}

TEST_F(AuthenticatorTest, APasswordOfEitherFileIsLetInWithItsUser) {
  UseBasic();
  EXPECT_TRUE(LetsInBasic("vendor:pass:word \xC3\xBC"));
  EXPECT_TRUE(LetsInBasic("vendor:password-2"));
  EXPECT_TRUE(LetsIn("basic  dmVuZG9yOnBhc3N3b3JkLTI="));
  for (const char* credentials :
       {"", ":", "vendor", "vendor:", ":password-2", "vendor:password-3", "vendor:password-2 ",
        "vendor:password-", "Vendor:password-2", "vendo:password-2", "vendor :password-2",
        "vendor:vendor:password-2", "password-2:vendor", "vendorpassword-2", "vendor:pass"}) {
    EXPECT_FALSE(LetsInBasic(credentials)) << credentials;
  }
  for (const char* value :
       {"", "Basic", "Basic ", "Basic vendor:password-2", "Basic !!!!",
        "Basic =", "Bearer dmVuZG9yOnBhc3N3b3JkLTI=", "BasicdmVuZG9yOnBhc3N3b3JkLTI="}) {
    EXPECT_FALSE(LetsIn(value)) << value;
  }
}

TEST_F(AuthenticatorTest, CredentialsMayChangeWithoutARefusal) {
  UseBearer();
  ASSERT_TRUE(LetsIn("Bearer current-token-1=="));
  Change("previous", "current-token-1==");
  Change("current", "a-token-to-come-1");
  EXPECT_TRUE(LetsIn("Bearer current-token-1=="));
  EXPECT_TRUE(LetsIn("Bearer a-token-to-come-1"));
  EXPECT_FALSE(LetsIn("Bearer previous+token/1"));
  Change("current", "short");
  EXPECT_FALSE(LetsIn("Bearer short"));
  EXPECT_TRUE(LetsIn("Bearer a-token-to-come-1"));
}

// What a request sees if both files change between its looks at the one and the other.
TEST_F(AuthenticatorTest, ABearerTokenIsLetInWhileItMovesToTheOtherFile) {
  UseBearer();
  ASSERT_TRUE(LetsIn("Bearer current-token-1=="));
  Change("current", "a-token-to-come-1");
  EXPECT_TRUE(LetsIn("Bearer a-token-to-come-1"));
  EXPECT_TRUE(LetsIn("Bearer current-token-1==")) << "in neither file";
  Change("previous", "current-token-1==");
  EXPECT_TRUE(LetsIn("Bearer current-token-1=="));
  EXPECT_TRUE(LetsIn("Bearer previous+token/1"));
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(LetsIn("Bearer current-token-1=="));
  EXPECT_FALSE(LetsIn("Bearer previous+token/1"));
}

TEST_F(AuthenticatorTest, APasswordIsLetInWhileItMovesToTheOtherFile) {
  UseBasic();
  ASSERT_TRUE(LetsInBasic("vendor:password-2"));
  Change("previous", "password-3");
  EXPECT_TRUE(LetsInBasic("vendor:password-3"));
  EXPECT_TRUE(LetsInBasic("vendor:password-2"));
  EXPECT_FALSE(LetsInBasic("other:password-2"));
  clock_.Advance(absl::Seconds(2));
  EXPECT_TRUE(LetsInBasic("vendor:password-3"));
  EXPECT_FALSE(LetsInBasic("vendor:password-2"));
}

TEST_F(AuthenticatorTest, WhatWasRevokedWhileNobodyCameIsNotLetIn) {
  UseBearer();
  ASSERT_TRUE(LetsIn("Bearer current-token-1=="));
  Change("current", "a-token-to-come-1");
  clock_.Advance(absl::Hours(1));
  EXPECT_FALSE(LetsIn("Bearer current-token-1=="));
}

TEST(DistrustNameTest, EachHasItsOwn) {
  std::set<absl::string_view> names;
  for (int i = 0; i <= static_cast<int>(Distrust::kNonceReused); ++i) {
    names.insert(DistrustName(static_cast<Distrust>(i)));
  }
  EXPECT_THAT(names, testing::ElementsAre("credentials", "network", "nonce_reused", "replay_window",
                                          "signature", "unsignable_name", "unsigned"));
}

}  // namespace
}  // namespace onhook
