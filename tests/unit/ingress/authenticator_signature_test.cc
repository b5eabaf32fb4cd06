#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/ingress/authenticator.h"
#include "gtest/gtest.h"
#include "tests/unit/ingress/authenticator_fixture.h"

namespace onhook {
namespace {

// What is asked of a callback's fields.
using AuthenticatorSignatureTest = AuthenticatorFixture;

TEST_F(AuthenticatorSignatureTest, WithoutASharedKeyFieldsProveNothingMore) {
  EXPECT_EQ(ProofOf({}).authentication, v1::AUTHENTICATION_NONE);
  const Proof proof = ProofOf(Signed(Callback(Milliseconds())));
  EXPECT_EQ(proof.authentication, v1::AUTHENTICATION_NONE);
  EXPECT_FALSE(proof.nonce.has_value());
  EXPECT_FALSE(proof.stale);
}

TEST_F(AuthenticatorSignatureTest, AProofNamesTheStrongestThatTheSourceAsksFor) {
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

TEST_F(AuthenticatorSignatureTest, AVerifiedSignatureGivesItsNonceToRemember) {
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

TEST_F(AuthenticatorSignatureTest, WhatIsNotSignedByALiveKeyIsRefused) {
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

TEST_F(AuthenticatorSignatureTest, AKeyThatWentAwayLetsNothingInAnyMore) {
  UseSharedKey();
  ASSERT_EQ(ProofOf(Signed(Callback(Milliseconds()))).authentication, v1::AUTHENTICATION_SIGNATURE);
  Change("current", "a-key-to-come-1234");
  ProofOf(Signed(Callback(Milliseconds()), "a-key-to-come-1234"));
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(DistrustOf(CheckFields(Signed(Callback(Milliseconds())))), Distrust::kSignature);
  ProofOf(Signed(Callback(Milliseconds()), "a-key-to-come-1234"));
  ProofOf(Signed(Callback(Milliseconds()), "previous-key-of-16"));
}

// What a request sees if both files change between its looks at the one and the other.
TEST_F(AuthenticatorSignatureTest, AKeyProvesWhileItMovesToTheOtherFile) {
  UseSharedKey();
  ASSERT_EQ(ProofOf(Signed(Callback(Milliseconds()))).authentication, v1::AUTHENTICATION_SIGNATURE);
  Change("current", "a-key-to-come-1234");
  ProofOf(Signed(Callback(Milliseconds()), "a-key-to-come-1234"));
  EXPECT_EQ(ProofOf(Signed(Callback(Milliseconds()))).authentication, v1::AUTHENTICATION_SIGNATURE);
  Change("previous", kKey);
  ProofOf(Signed(Callback(Milliseconds())));
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(ProofOf(Signed(Callback(Milliseconds()))).authentication, v1::AUTHENTICATION_SIGNATURE);
}

// Signed with the right key, all of them: but for the rule they would be let in.
TEST_F(AuthenticatorSignatureTest, NonceAndTimestampHaveOneSpelling) {
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

TEST_F(AuthenticatorSignatureTest, WithoutAFieldOfTheSignatureItIsUnsigned) {
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

TEST_F(AuthenticatorSignatureTest, ANameThatCouldBeTwoFieldsIsRefusedThoughItVerifies) {
  UseSharedKey();
  for (const std::string name : {"caller=3,recordfile", "call er", "\xEF\xBD\x9E", "a,b"}) {
    Words words = Callback(Milliseconds());
    words.emplace_back(name, "f");
    EXPECT_EQ(DistrustOf(CheckFields(Signed(words))), Distrust::kUnsignableName) << name;
  }
}

TEST_F(AuthenticatorSignatureTest, OutsideItsReplayWindowACallbackIsStale) {
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

TEST_F(AuthenticatorSignatureTest, WithoutAWindowNothingIsStaleOrForgotten) {
  UseSharedKey();
  source_.shared_key->replay_window = absl::ZeroDuration();
  for (const std::string timestamp : {"0", "1645524163326", "9223372036854775807"}) {
    const Proof proof = ProofOf(Signed(Callback(timestamp)));
    EXPECT_FALSE(proof.stale);
    EXPECT_FALSE(proof.nonce->refuse_forgotten);
  }
}

TEST_F(AuthenticatorSignatureTest, WhatIsJudgedAgainIsNeverStaleButHasToVerify) {
  UseSharedKey();
  const Words old = Signed(Callback("1"));
  const Proof proof = ProofOf(old, ReplayWindow::kIgnored);
  EXPECT_EQ(proof.authentication, v1::AUTHENTICATION_SIGNATURE);
  EXPECT_FALSE(proof.stale);
  EXPECT_TRUE(proof.nonce->refuse_forgotten) << "what its nonce came with may be forgotten";
  EXPECT_EQ(
      DistrustOf(CheckFields(Signed(Callback("1"), "another-key-of-16"), ReplayWindow::kIgnored)),
      Distrust::kSignature);
  EXPECT_EQ(DistrustOf(CheckFields({}, ReplayWindow::kIgnored)), Distrust::kUnsigned);
}

TEST_F(AuthenticatorSignatureTest, ASourceThatOnlyReportsLetsInWhatDoesNotVerifyAndSaysWhy) {
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

TEST_F(AuthenticatorSignatureTest, ASourceThatOnlyReportsTakesWhatVerifiesAsVerified) {
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

}  // namespace
}  // namespace onhook
