#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/ingress/callback_handler_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Reason = v1::RejectedCallback;

constexpr char kKey[] = "0123456789abcdef";
// Without a signature: what a source with a shared key does not take.
constexpr char kCall[] = R"({"callSerialNo":"42","called":"88880067"})";
constexpr char kTruncated[] = R"({"callSerialNo":"42","called":"888800)";

class CallbackQuarantineTest : public CallbackHandlerFixture {
 protected:
  void DemandSignature() {
    source_.shared_key = Settings::Source::SharedKey();
    source_.shared_key->key_files = {SecretFile("key", kKey)};
  }
};

TEST_F(CallbackQuarantineTest, WhatCannotBeReadIsKeptByteForByte) {
  headers_ = {{"Content-Type", "text/plain\xFF"}};
  EXPECT_EQ(Post(kTruncated).status, 400);
  const RejectedCallback kept = Whole();
  EXPECT_EQ(kept.callback.source, "default");
  EXPECT_EQ(kept.callback.reason, Reason::REASON_MALFORMED);
  EXPECT_EQ(kept.callback.raw_body, kTruncated);
  EXPECT_EQ(kept.callback.content_type, "text/plain?");
  EXPECT_EQ(kept.callback.received_at, clock_.Now());
  EXPECT_THAT(kept.callback.detail, HasSubstr("malformed JSON"));
}

TEST_F(CallbackQuarantineTest, SoIsWhatLacksAMandatoryField) {
  EXPECT_EQ(Post(R"({"callSerialNo":"42"})").status, 400);
  EXPECT_EQ(Whole().callback.reason, Reason::REASON_INVALID_FIELD);
  EXPECT_THAT(Whole().callback.detail, HasSubstr("called"));
}

TEST_F(CallbackQuarantineTest, SoIsWhatDoesNotVerify) {
  DemandSignature();
  EXPECT_EQ(Post(kCall).status, 401);
  EXPECT_EQ(Whole().callback.reason, Reason::REASON_SIGNATURE);
}

TEST_F(CallbackQuarantineTest, WhatFailsByPathNetworkOrCredentialsIsOnlyCounted) {
  source_.bearer = Settings::Source::Bearer();
  source_.bearer->token_files = {SecretFile("token", "0123456789abcdef")};
  source_.allowed_networks = {*IpNetwork::Parse("192.0.2.0/24")};
  EXPECT_EQ(Send("POST", "/elsewhere", kCall).status, 404);
  EXPECT_EQ(Post(kCall).status, 401);
  peer_ = "198.51.100.1";
  EXPECT_EQ(Post(kCall).status, 403);
  EXPECT_THAT(Kept(), IsEmpty());
  EXPECT_TRUE(Counts(R"(onhook_rejected_callbacks_total{reason="path",source=""} 1)"));
  EXPECT_TRUE(
      Counts(R"(onhook_rejected_callbacks_total{reason="credentials",source="default"} 1)"));
  EXPECT_TRUE(Counts(R"(onhook_rejected_callbacks_total{reason="network",source="default"} 1)"));
}

TEST_F(CallbackQuarantineTest, WhoIsRejectedComesAgainIfNoCopyCouldBeKept) {
  store_.FailQuarantineWith(absl::ResourceExhaustedError("the disk is full"));
  const HttpResponse response = Post(kTruncated);
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr(R"("retCode":"3")"));
  EXPECT_TRUE(
      Counts(R"(onhook_rejected_callbacks_not_kept_total{reason="disk",source="default"} 1)"));
}

TEST_F(CallbackQuarantineTest, WhatIsTooLargeToBeKeptIsCountedAsThat) {
  store_.FailQuarantineWith(absl::OutOfRangeError("larger than max_payload"));
  EXPECT_EQ(Post(kTruncated).status, 503);
  EXPECT_TRUE(
      Counts(R"(onhook_rejected_callbacks_not_kept_total{reason="size",source="default"} 1)"));
  EXPECT_TRUE(
      Counts(R"(onhook_rejected_callbacks_not_kept_total{reason="disk",source="default"} 0)"));
}

TEST_F(CallbackQuarantineTest, OfTooManyAtOnceTheRestIsToldToComeAgain) {
  settings_.quarantine.rate = 1;
  settings_.quarantine.burst = 2;
  for (const char* body : {"{a", "{b"}) EXPECT_EQ(Post(body).status, 400);
  const HttpResponse response = Post("{c");
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr(R"("retCode":"3")"));
  EXPECT_THAT(Kept(), SizeIs(2));
  EXPECT_TRUE(
      Counts(R"(onhook_rejected_callbacks_not_kept_total{reason="rate",source="default"} 1)"));
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Post("{d").status, 400);
  EXPECT_THAT(Kept(), SizeIs(3));
}

TEST_F(CallbackQuarantineTest, ARepeatOfWhatIsKeptIsNotKeptAgain) {
  Post(kTruncated);
  Post(kTruncated);
  EXPECT_THAT(Kept(), SizeIs(1));
}

TEST_F(CallbackQuarantineTest, JudgedAgainByOtherSettingsItBecomesAnEvent) {
  DemandSignature();
  Post(kCall);
  source_.shared_key.reset();
  Restart();
  clock_.Advance(absl::Hours(24));
  const Judgement judgement = JudgeAgain();
  EXPECT_EQ(judgement.event_id, StoredEvent().event_id());
  EXPECT_EQ(StoredEvent().call_serial_no(), "42");
  EXPECT_EQ(event_log_.appended().at(0).received_at, clock_.Now())
      << "the log is in the order of receipts";
}

TEST_F(CallbackQuarantineTest, WhatProvedItselfByHeaderOnlyIsUnverifiedWhenJudgedAgain) {
  source_.bearer = Settings::Source::Bearer();
  source_.bearer->token_files = {SecretFile("token", "0123456789abcdef")};
  headers_ = {{"Authorization", "Bearer 0123456789abcdef"}};
  Post(R"({"callSerialNo":"42","called":""})");
  RejectedCallback mended = Whole();
  mended.callback.raw_body = kCall;
  ASSERT_TRUE(Handler().Judge(mended).ok());
  EXPECT_EQ(StoredEvent().authentication(), v1::AUTHENTICATION_UNVERIFIED);
}

TEST_F(CallbackQuarantineTest, JudgedAgainByTheSameSettingsItIsRejectedAgain) {
  DemandSignature();
  Post(kCall);
  const Judgement judgement = JudgeAgain();
  EXPECT_EQ(judgement.event_id, "");
  EXPECT_EQ(judgement.reason, Reason::REASON_SIGNATURE);
  EXPECT_THAT(judgement.detail, HasSubstr("signature"));
  EXPECT_THAT(event_log_.appended(), IsEmpty());
  EXPECT_THAT(Kept(), SizeIs(1)) << "that it is judged removes nothing";
}

TEST_F(CallbackQuarantineTest, OfASourceThatIsGoneNothingBecomesAnEvent) {
  Post(kTruncated);
  RejectedCallback other = Whole();
  other.callback.source = "former";
  const absl::StatusOr<Judgement> judgement = Handler().Judge(other);
  ASSERT_TRUE(judgement.ok());
  EXPECT_EQ(judgement->event_id, "");
  EXPECT_EQ(judgement->reason, Reason::REASON_MALFORMED);
  EXPECT_THAT(judgement->detail, HasSubstr("no longer in the settings"));
}

TEST_F(CallbackQuarantineTest, WhileNothingCanBeStoredThereIsNoJudgement) {
  DemandSignature();
  Post(kCall);
  source_.shared_key.reset();
  Restart();
  event_log_.FailWith(absl::UnavailableError("the disk is away"));
  EXPECT_EQ(Handler().Judge(Whole()).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace onhook
