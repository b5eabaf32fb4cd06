#include "gateway/ingress/authenticator.h"

#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/ingress/signature.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Enforce = Settings::Source::SharedKey::Enforce;
using Headers = std::vector<HttpHeader>;
using Words = std::vector<std::pair<std::string, std::string>>;

constexpr absl::string_view kToken = "Secret_path-token.1";
constexpr absl::string_view kKey = "0123456789abcdef";

// One source, whose secrets lie in files named after what they are.
class AuthenticatorTest : public ::testing::Test {
 protected:
  AuthenticatorTest() { source_.path = "/release-events/sales"; }

  std::string File(absl::string_view name, absl::string_view content) {
    const std::string path = absl::StrCat(directory_.path(), "/", name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  // Writes the file anew and lets the time pass in which nobody looks.
  void Change(absl::string_view name, absl::string_view content) {
    File(name, content);
    clock_.Advance(absl::Seconds(1));
  }

  void UsePathToken() { source_.path_token_file = File("path", absl::StrCat(kToken, "\n")); }
  void UseBearer() {
    source_.bearer.emplace();
    source_.bearer->token_files = {File("current", "current-token-1=="),
                                   File("previous", "previous+token/1")};
  }
  void UseBasic() {
    source_.basic.emplace();
    source_.basic->username = "vendor";
    source_.basic->password_files = {File("current", "pass:word \xC3\xBC"),
                                     File("previous", "password-2")};
  }
  void UseSharedKey(Enforce enforce = Enforce::kReject) {
    source_.shared_key.emplace();
    source_.shared_key->key_files = {File("current", kKey), File("previous", "previous-key-of-16")};
    source_.shared_key->enforce = enforce;
  }

  // The source as it has been set up.
  Authenticator& Opened() {
    if (opened_ == nullptr) {
      auto opened = Authenticator::Open(source_, &clock_, &log_);
      EXPECT_TRUE(opened.ok()) << opened.status();
      opened_ = *std::move(opened);
    }
    return *opened_;
  }
  std::string RefusalToOpen() {
    const absl::Status status = Authenticator::Open(source_, &clock_, &log_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }

  absl::optional<Distrust> CheckRequest(const Headers& headers,
                                        absl::string_view peer = "192.0.2.1") {
    HttpRequest request;
    request.peer = peer;
    request.headers = headers;
    return Opened().CheckRequest(request);
  }
  bool LetsIn(const std::string& authorization) {
    const auto distrust = CheckRequest({{"Host", "x"}, {"Authorization", authorization}});
    EXPECT_TRUE(!distrust.has_value() || *distrust == Distrust::kCredentials) << authorization;
    return !distrust.has_value();
  }
  bool LetsInBasic(absl::string_view credentials) {
    return LetsIn(absl::StrCat("Basic ", absl::Base64Escape(credentials)));
  }

  absl::variant<Proof, Distrust> CheckFields(const Words& words,
                                             Window window = Window::kEnforced) {
    return Opened().CheckFields(FieldsOf(words), clock_.Now(), window);
  }
  // Of fields that are let in.
  Proof ProofOf(const Words& words, Window window = Window::kEnforced) {
    const auto checked = CheckFields(words, window);
    EXPECT_TRUE(absl::holds_alternative<Proof>(checked)) << DistrustName(DistrustOf(checked));
    return absl::holds_alternative<Proof>(checked) ? absl::get<Proof>(checked) : Proof();
  }
  static Distrust DistrustOf(const absl::variant<Proof, Distrust>& checked) {
    const auto* distrust = absl::get_if<Distrust>(&checked);
    EXPECT_NE(distrust, nullptr) << "was let in";
    return distrust == nullptr ? Distrust::kNetwork : *distrust;
  }

  // An empty value stands for null: no signature field of these tests is empty.
  static VendorFields FieldsOf(const Words& words) {
    VendorFields fields;
    for (const auto& [name, value] : words) {
      VendorFields::Value text;
      if (!value.empty()) text = value;
      EXPECT_TRUE(fields.Add(name, text)) << name;
    }
    return fields;
  }
  static Words Signed(Words words, absl::string_view key = kKey) {
    words.emplace_back("signature", Sign(key, FieldsOf(words), AbsentFields::kLeftOut));
    return words;
  }
  std::string Milliseconds(absl::Duration from_now = absl::ZeroDuration()) const {
    return absl::StrCat(absl::ToUnixMillis(clock_.Now() + from_now));
  }
  Words Callback(const std::string& timestamp, const std::string& nonce = "-42") const {
    return {{"callSerialNo", "1197765398201387012"},
            {"called", "88880067"},
            {"callData", "order 42"},
            {"timestamp", timestamp},
            {"nonce", nonce}};
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  Settings::Source source_;
  std::unique_ptr<Authenticator> opened_;
};

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
  EXPECT_FALSE(Opened().IsAt(absl::StrCat(source_.path, "/", kToken)));
  EXPECT_TRUE(Opened().IsAt(source_.path + "/another-token-of-the-path"));
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
  EXPECT_TRUE(Authenticator::Open(source_, &clock_, &log_).ok());
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
  EXPECT_TRUE(Authenticator::Open(source_, &clock_, &log_).ok());
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
  EXPECT_TRUE(Authenticator::Open(source_, &clock_, &log_).ok());
}

TEST_F(AuthenticatorTest, AKeyHasSixteenCharactersOfOneLine) {
  UseSharedKey();
  for (const char* key : {"0123456789abcde", "\xE9\x92\xA5\xE9\x92\xA5-0123456789ab",
                          "0123456789abcdef\n0", "0123456789abcdef\xFF",
                          "\xEF\xBB\xBF"
                          "0123456789abcdef"}) {
    File("current", key);
    EXPECT_THAT(RefusalToOpen(), AllOf(HasSubstr("shared_key.key_files: the secret in "),
                                       HasSubstr("current must"), Not(HasSubstr(key))))
        << key;
  }
  File("current", "\xE9\x92\xA5\xE9\x92\xA5-0123456789abcd");
  EXPECT_TRUE(Authenticator::Open(source_, &clock_, &log_).ok());
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

TEST_F(AuthenticatorTest, WithoutASharedKeyFieldsProveNothingMore) {
  EXPECT_EQ(ProofOf({}).authentication, v1::AUTHENTICATION_NONE);
  const Proof proof = ProofOf(Signed(Callback(Milliseconds())));
  EXPECT_EQ(proof.authentication, v1::AUTHENTICATION_NONE);
  EXPECT_FALSE(proof.nonce.has_value());
  EXPECT_FALSE(proof.stale);
}

TEST_F(AuthenticatorTest, AProofNamesTheStrongestThatTheSourceAsksFor) {
  UsePathToken();
  EXPECT_EQ(ProofOf({}).authentication, v1::AUTHENTICATION_PATH);
  opened_.reset();
  UseBasic();
  EXPECT_EQ(ProofOf({}).authentication, v1::AUTHENTICATION_BASIC);
  opened_.reset();
  source_.basic.reset();
  UseBearer();
  EXPECT_EQ(ProofOf({}).authentication, v1::AUTHENTICATION_BEARER);
  opened_.reset();
  source_.bearer.reset();
  UseSharedKey();
  EXPECT_EQ(ProofOf(Signed(Callback(Milliseconds()))).authentication, v1::AUTHENTICATION_SIGNATURE);
}

TEST_F(AuthenticatorTest, AVerifiedSignatureGivesItsNonceToRemember) {
  UseSharedKey();
  for (const absl::string_view key : {kKey, absl::string_view("previous-key-of-16")}) {
    const Proof proof = ProofOf(Signed(Callback(Milliseconds(), "-1482421808053124529"), key));
    EXPECT_EQ(proof.authentication, v1::AUTHENTICATION_SIGNATURE);
    ASSERT_TRUE(proof.nonce.has_value());
    EXPECT_EQ(proof.nonce->nonce, "-1482421808053124529");
    EXPECT_EQ(proof.nonce->timestamp_ms, absl::ToUnixMillis(clock_.Now()));
    EXPECT_TRUE(proof.nonce->refuse_forgotten);
    EXPECT_FALSE(proof.stale);
    EXPECT_FALSE(proof.tolerated.has_value());
  }
}

TEST_F(AuthenticatorTest, WhatIsNotSignedByALiveKeyIsRefused) {
  UseSharedKey();
  const Words good = Signed(Callback(Milliseconds()));
  EXPECT_EQ(DistrustOf(CheckFields(Signed(Callback(Milliseconds()), "another-key-of-16"))),
            Distrust::kSignature);
  for (size_t i = 0; i + 1 < good.size(); ++i) {
    Words words = good;
    words[i].second.back() = words[i].second.back() == '1' ? '3' : '1';
    EXPECT_EQ(DistrustOf(CheckFields(words)), Distrust::kSignature) << words[i].first;
  }
  Words more = good;
  more.emplace_back("extra", "1");
  EXPECT_EQ(DistrustOf(CheckFields(more)), Distrust::kSignature);
}

TEST_F(AuthenticatorTest, AKeyThatWentAwayLetsNothingInAnyMore) {
  UseSharedKey();
  ASSERT_EQ(ProofOf(Signed(Callback(Milliseconds()))).authentication, v1::AUTHENTICATION_SIGNATURE);
  Change("current", "a-key-to-come-1234");
  EXPECT_EQ(DistrustOf(CheckFields(Signed(Callback(Milliseconds())))), Distrust::kSignature);
  ProofOf(Signed(Callback(Milliseconds()), "a-key-to-come-1234"));
  ProofOf(Signed(Callback(Milliseconds()), "previous-key-of-16"));
}

// Signed with the right key, all of them: but for the rule they would be let in.
TEST_F(AuthenticatorTest, NonceAndTimestampHaveOneSpelling) {
  UseSharedKey();
  const std::string now = Milliseconds();
  for (const std::string nonce : {"0", "1", "-1", "9223372036854775807", "-9223372036854775808"}) {
    EXPECT_EQ(ProofOf(Signed(Callback(now, nonce))).nonce->nonce, nonce);
  }
  for (const std::string nonce :
       {"", "x", "-", "--1", "+1", "01", "-0", " 1", "1 ", "1.0", "1e3", "0x1", "1_2", "1\n",
        "9223372036854775808", "-9223372036854775809", "\xD9\xA1"}) {
    EXPECT_EQ(DistrustOf(CheckFields(Signed(Callback(now, nonce)))), Distrust::kUnsigned) << nonce;
  }
  for (const std::string& timestamp :
       {std::string(), std::string("x"), "+" + now, "-" + now, "0" + now, now + " ", now + ".0",
        std::string("9223372036854775808"), std::string("2022-02-22T10:04:40Z")}) {
    EXPECT_EQ(DistrustOf(CheckFields(Signed(Callback(timestamp)))), Distrust::kUnsigned)
        << timestamp;
  }
}

TEST_F(AuthenticatorTest, WithoutAFieldOfTheSignatureItIsUnsigned) {
  UseSharedKey();
  const Words good = Signed(Callback(Milliseconds()));
  for (size_t i = 3; i < good.size(); ++i) {
    Words without = good;
    without.erase(without.begin() + static_cast<Words::difference_type>(i));
    EXPECT_EQ(DistrustOf(CheckFields(without)), Distrust::kUnsigned) << good[i].first;
    Words null = good;
    null[i].second.clear();
    EXPECT_EQ(DistrustOf(CheckFields(null)), Distrust::kUnsigned) << good[i].first;
  }
  Words spelled = good;
  spelled.back().second.pop_back();
  EXPECT_EQ(DistrustOf(CheckFields(spelled)), Distrust::kUnsigned);
  EXPECT_EQ(DistrustOf(CheckFields({})), Distrust::kUnsigned);
}

TEST_F(AuthenticatorTest, ANameThatCouldBeTwoFieldsIsRefusedThoughItVerifies) {
  UseSharedKey();
  for (const std::string name : {"caller=3,recordfile", "call er", "\xEF\xBD\x9E", "a,b"}) {
    Words words = Callback(Milliseconds());
    words.emplace_back(name, "f");
    EXPECT_EQ(DistrustOf(CheckFields(Signed(words))), Distrust::kUnsignableName) << name;
  }
}

TEST_F(AuthenticatorTest, OutsideItsReplayWindowACallbackIsStale) {
  UseSharedKey();
  source_.shared_key->replay_window = absl::Minutes(15);
  struct {
    absl::Duration from_now;
    bool stale;
    const char* why;
  } const rows[] = {
      {absl::ZeroDuration(), false, "now"},
      {absl::Minutes(-15), false, "at the window's edge"},
      {absl::Minutes(15), false, "at its other edge"},
      {absl::Minutes(-15) - absl::Milliseconds(1), true, "just too old"},
      {absl::Minutes(15) + absl::Milliseconds(1), true, "just too new"},
      {absl::Hours(-24 * 365), true, "a year old"},
      {absl::Hours(24 * 365 * 200), true, "far too new"},
  };
  for (const auto& row : rows) {
    const Proof proof = ProofOf(Signed(Callback(Milliseconds(row.from_now))));
    EXPECT_EQ(proof.stale, row.stale) << row.why;
    EXPECT_TRUE(proof.nonce.has_value()) << row.why;
    EXPECT_TRUE(proof.nonce->refuse_forgotten) << row.why;
  }
  EXPECT_TRUE(ProofOf(Signed(Callback("0"))).stale);
  EXPECT_TRUE(ProofOf(Signed(Callback("9223372036854775807"))).stale);
  EXPECT_EQ(DistrustOf(CheckFields(Signed(Callback("0"), "another-key-of-16"))),
            Distrust::kSignature)
      << "what did not verify is not even stale";
}

TEST_F(AuthenticatorTest, WithoutAWindowNothingIsStaleOrForgotten) {
  UseSharedKey();
  source_.shared_key->replay_window = absl::ZeroDuration();
  for (const std::string timestamp : {"0", "1645524163326", "9223372036854775807"}) {
    const Proof proof = ProofOf(Signed(Callback(timestamp)));
    EXPECT_FALSE(proof.stale);
    EXPECT_FALSE(proof.nonce->refuse_forgotten);
  }
}

TEST_F(AuthenticatorTest, WhatIsJudgedAgainIsNeverStaleButHasToVerify) {
  UseSharedKey();
  const Words old = Signed(Callback("1"));
  const Proof proof = ProofOf(old, Window::kIgnored);
  EXPECT_EQ(proof.authentication, v1::AUTHENTICATION_SIGNATURE);
  EXPECT_FALSE(proof.stale);
  EXPECT_FALSE(proof.nonce->refuse_forgotten);
  EXPECT_EQ(DistrustOf(CheckFields(Signed(Callback("1"), "another-key-of-16"), Window::kIgnored)),
            Distrust::kSignature);
  EXPECT_EQ(DistrustOf(CheckFields({}, Window::kIgnored)), Distrust::kUnsigned);
}

TEST_F(AuthenticatorTest, ASourceThatOnlyReportsLetsInWhatDoesNotVerifyAndSaysWhy) {
  UseSharedKey(Enforce::kReport);
  Words unsignable = Callback(Milliseconds());
  unsignable.emplace_back("a,b", "c");
  struct {
    Words words;
    Distrust why;
  } const rows[] = {
      {{}, Distrust::kUnsigned},
      {Callback(Milliseconds()), Distrust::kUnsigned},
      {Signed(unsignable), Distrust::kUnsignableName},
      {Signed(Callback(Milliseconds()), "another-key-of-16"), Distrust::kSignature},
      {Signed(Callback("0"), "another-key-of-16"), Distrust::kSignature},
  };
  for (const auto& row : rows) {
    const Proof proof = ProofOf(row.words);
    EXPECT_EQ(proof.authentication, v1::AUTHENTICATION_UNVERIFIED);
    EXPECT_EQ(proof.tolerated, row.why) << DistrustName(row.why);
    EXPECT_FALSE(proof.nonce.has_value()) << DistrustName(row.why);
    EXPECT_FALSE(proof.stale) << DistrustName(row.why);
  }
}

TEST_F(AuthenticatorTest, ASourceThatOnlyReportsTakesWhatVerifiesAsVerified) {
  UseSharedKey(Enforce::kReport);
  const Proof fresh = ProofOf(Signed(Callback(Milliseconds())));
  EXPECT_EQ(fresh.authentication, v1::AUTHENTICATION_SIGNATURE);
  EXPECT_FALSE(fresh.tolerated.has_value());
  EXPECT_TRUE(fresh.nonce.has_value());
  const Proof old = ProofOf(Signed(Callback("1")));
  EXPECT_EQ(old.authentication, v1::AUTHENTICATION_SIGNATURE);
  EXPECT_EQ(old.tolerated, Distrust::kReplayWindow);
  EXPECT_FALSE(old.stale);
  ASSERT_TRUE(old.nonce.has_value());
  EXPECT_FALSE(old.nonce->refuse_forgotten) << "or the store would refuse it after all";
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
