#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/signed_callback.h"
#include "tests/unit/ingress/callback_handler_fixture.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr char kKey[] = "0123456789abcdef";
constexpr char kNotAuthenticated[] = R"({"retCode":"1","retMsg":"not authenticated"})";
constexpr char kNotAllowed[] = R"({"retCode":"1","retMsg":"not allowed"})";

class CallbackAuthenticationTest : public CallbackHandlerFixture {
 protected:
  CallbackAuthenticationTest() {
    source_.shared_key = Settings::Source::SharedKey();
    source_.shared_key->key_files = {SecretFile("key", kKey)};
  }
  void OnlyReport() { source_.shared_key->enforce = Settings::Source::SharedKey::Enforce::kReport; }
  // A callback, signed `ago`.
  std::string Signed(absl::string_view key = kKey, absl::Duration ago = absl::ZeroDuration()) {
    return SignedCallback(key, clock_.Now() - ago, "-7",
                          R"("callSerialNo":"42","called":"88880067")");
  }
};

TEST_F(CallbackAuthenticationTest, ASignedCallbackIsAcceptedWithItsNonce) {
  EXPECT_EQ(Post(Signed()).status, 200);
  EXPECT_EQ(StoredEvent().authentication(), v1::AUTHENTICATION_SIGNATURE);
  const NewEvent& stored = event_log_.appended().at(0);
  ASSERT_TRUE(stored.nonce.has_value());
  EXPECT_EQ(stored.nonce->nonce, "-7");
  EXPECT_EQ(stored.nonce->timestamp_ms, absl::ToUnixMillis(clock_.Now()));
  EXPECT_FALSE(stored.only_if_known);
}

TEST_F(CallbackAuthenticationTest, WhateverIsWrongWithAProofTheAnswerIsTheSame) {
  std::string altered = Signed();
  altered.replace(altered.find("88880067"), 8, "88880068");
  const std::string tampered[] = {
      R"({"callSerialNo":"42","called":"88880067"})", Signed("another key of 16 bytes"), altered,
      Signed().replace(2, 1, " "),  // a name that cannot be signed
  };
  for (const std::string& body : tampered) {
    const HttpResponse response = Post(body);
    EXPECT_EQ(response.status, 401) << body;
    EXPECT_EQ(response.body, kNotAuthenticated) << body;
    EXPECT_THAT(response.headers, Contains(Pair("WWW-Authenticate", "Shared-Key"))) << body;
  }
  EXPECT_THAT(event_log_.appended(), IsEmpty());
  EXPECT_THAT(Kept(), SizeIs(4));
  EXPECT_THAT(lines_, Contains(HasSubstr("nonce, timestamp or signature is missing")));
  EXPECT_THAT(lines_, Contains(HasSubstr("is of no key that is in use")));
  EXPECT_TRUE(Counts(R"(onhook_rejected_callbacks_total{reason="signature",source="default"} 2)"));
}

TEST_F(CallbackAuthenticationTest, WhatIsSignedTooLongAgoCountsAsARepeatOnly) {
  EXPECT_EQ(Post(Signed(kKey, absl::Minutes(16))).status, 200) << "the log knew it";
  EXPECT_TRUE(event_log_.appended().at(0).only_if_known);
}

TEST_F(CallbackAuthenticationTest, ARepeatThatTheLogDoesNotKnowIsNotAuthenticated) {
  event_log_.FailWith(absl::NotFoundError("no such event"));
  const HttpResponse response = Post(Signed(kKey, absl::Minutes(16)));
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.body, kNotAuthenticated);
  EXPECT_EQ(Kept().at(0).callback.reason, v1::RejectedCallback::REASON_REPLAY_WINDOW);
}

TEST_F(CallbackAuthenticationTest, ANonceWithAnotherContentIsNotAllowed) {
  event_log_.FailWith(absl::PermissionDeniedError("the nonce came with another content"));
  const HttpResponse response = Post(Signed());
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, kNotAllowed);
  EXPECT_EQ(Kept().at(0).callback.reason, v1::RejectedCallback::REASON_NONCE_REUSED);
}

TEST_F(CallbackAuthenticationTest, JudgedAgainItIsUnverifiedIfItsNonceMayHaveBeenForgotten) {
  event_log_.FailWith(absl::PermissionDeniedError("the nonce came with another content"));
  Post(Signed());
  event_log_.FailWith(absl::NotFoundError("it may be one that was forgotten"),
                      [](const NewEvent& event) { return event.nonce->refuse_forgotten; });
  const Judgement judgement = JudgeAgain();
  EXPECT_EQ(judgement.event_id, StoredEvent().event_id());
  EXPECT_EQ(StoredEvent().authentication(), v1::AUTHENTICATION_UNVERIFIED);
  EXPECT_TRUE(event_log_.appended().at(0).nonce.has_value()) << "from now on it is known";
}

TEST_F(CallbackAuthenticationTest, JudgedAgainItIsNoEventWhereItsNonceIsKnown) {
  event_log_.FailWith(absl::NotFoundError("what came with its nonce is forgotten"));
  Post(Signed());
  EXPECT_EQ(JudgeAgain().event_id, "");
  EXPECT_EQ(JudgeAgain().reason, v1::RejectedCallback::REASON_REPLAY_WINDOW);
}

TEST_F(CallbackAuthenticationTest, JudgedAgainForASourceThatOnlyReportsEvenAReusedNonceIsTaken) {
  event_log_.FailWith(absl::PermissionDeniedError("the nonce came with another content"),
                      [](const NewEvent& event) { return event.nonce.has_value(); });
  Post(Signed());
  OnlyReport();
  Restart();
  const Judgement judgement = JudgeAgain();
  EXPECT_EQ(judgement.event_id, StoredEvent().event_id());
  EXPECT_EQ(StoredEvent().authentication(), v1::AUTHENTICATION_UNVERIFIED);
}

TEST_F(CallbackAuthenticationTest, ASourceThatOnlyReportsAcceptsAndMarksWhatDoesNotVerify) {
  OnlyReport();
  EXPECT_EQ(Post(Signed("another key of 16 bytes")).status, 200);
  EXPECT_EQ(StoredEvent().authentication(), v1::AUTHENTICATION_UNVERIFIED);
  EXPECT_FALSE(event_log_.appended().at(0).nonce.has_value());
  EXPECT_TRUE(Counts(R"(onhook_unverified_callbacks_total{source="default"} 1)"));
  EXPECT_THAT(lines_, Contains(AllOf(HasSubstr("accepted that do not verify"),
                                     HasSubstr("is of no key that is in use"))));
}

TEST_F(CallbackAuthenticationTest, ASourceThatOnlyReportsLogsEachReasonOnItsOwn) {
  OnlyReport();
  Post(Signed("another key of 16 bytes"));
  Post(R"({"callSerialNo":"43","called":"88880067"})");
  EXPECT_THAT(lines_, Contains(AllOf(HasSubstr("accepted that do not verify"),
                                     HasSubstr("is of no key that is in use"),
                                     HasSubstr(R"("callbacks":1)"))));
  EXPECT_THAT(lines_, Contains(AllOf(HasSubstr("accepted that do not verify"),
                                     HasSubstr("nonce, timestamp or signature is missing"),
                                     HasSubstr(R"("callbacks":1)"))));
}

TEST_F(CallbackAuthenticationTest, AWrongNetworkIsNotAllowedWhateverElseIsRight) {
  source_.allowed_networks = {*IpNetwork::Parse("198.51.100.0/24")};
  const HttpResponse response = Post(Signed());
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, kNotAllowed);
}

TEST_F(CallbackAuthenticationTest, ASenderThatReadsRetCodeOnlyGetsStatus200WithEveryAnswer) {
  source_.always_200 = true;
  const HttpResponse refused = Post("{");
  EXPECT_EQ(refused.status, 200);
  EXPECT_THAT(refused.body, HasSubstr(R"("retCode":"1")"));
  EXPECT_THAT(refused.headers, IsEmpty());
  event_log_.FailWith(absl::UnavailableError("the disk is away"));
  const HttpResponse later = Post(Signed());
  EXPECT_EQ(later.status, 200);
  EXPECT_THAT(later.body, HasSubstr(R"("retCode":"3")"));
  EXPECT_EQ(Send("POST", "/elsewhere", Signed()).status, 404) << "that is no source's";
}

}  // namespace
}  // namespace onhook
