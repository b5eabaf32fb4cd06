#include "gateway/store/spool/spooled_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/unit/store/spool/spool_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// So short that a stalled answer is soon given up.
constexpr absl::Duration kImpatience = absl::Milliseconds(20);

using SpooledLogTest = SpoolTest;

TEST_F(SpooledLogTest, AHealthyMainLogTakesEventsAndTheSpoolNone) {
  Open();
  EXPECT_EQ(Append("a"), "at 1");
  EXPECT_EQ(Append("a"), "at 1 before");
  EXPECT_EQ(store_->Spool().spooled_total, 0);
  EXPECT_THAT(StoredEvents(), ElementsAre("a: content"));
}

TEST_F(SpooledLogTest, WhatTheMainLogCannotTakeNowIsSpooledAndMovedOnce) {
  Open();
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append("a"), "spooled");
  EXPECT_EQ(Append("b"), "spooled");
  EXPECT_EQ(store_->Spool().events, 2);
  EXPECT_THAT(StoredEvents(), IsEmpty());
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), UnorderedElementsAre("a: content", "b: content"));
  EXPECT_EQ(store_->Spool().moved_total, 2);
}

TEST_F(SpooledLogTest, ASpoolThatHoldsAsManyAsItMayTakesNoMoreButKnowsWhatItHas) {
  options_.max_events = 2;
  Open();
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append("a"), "spooled");
  EXPECT_TRUE(store_->CheckRoom().ok());
  EXPECT_EQ(Append("b"), "spooled");
  EXPECT_EQ(Append("c"), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(store_->CheckRoom().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Append("b"), "spooled before");
  MainHeals();
  AwaitEmptySpool();
  EXPECT_EQ(Append("c"), "at 3");
  EXPECT_TRUE(store_->CheckRoom().ok());
}

TEST_F(SpooledLogTest, AFullMainLogIsAnOutageToo) {
  Open();
  faults_.Set(Mode::kRefuse, absl::ResourceExhaustedError("full"));
  EXPECT_EQ(Append("a"), "spooled");
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), ElementsAre("a: content"));
}

TEST_F(SpooledLogTest, WhatTheMainLogWouldNeverTakeIsNotPromised) {
  Open();
  faults_.SetLargestEvent(2000);
  NewEvent large = EventOf("large");
  large.raw_body = std::string(1000, 'b');
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append(large), "OUT_OF_RANGE");
  EXPECT_EQ(Append("small"), "spooled");
  // Nor is what it does not take for being too large an outage.
  MainHeals();
  AwaitEmptySpool();
  faults_.RefuseCall("large", absl::OutOfRangeError("larger than max_payload"));
  EXPECT_EQ(Append(large), "OUT_OF_RANGE");
  EXPECT_EQ(Append("b"), "at 2");
}

TEST_F(SpooledLogTest, WhatWasStoredThoughTheMainLogDeniedItIsOneEvent) {
  Open();
  faults_.Set(Mode::kStoreAndDeny);
  EXPECT_EQ(Append("a"), "spooled");
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), ElementsAre("a: content"));
}

TEST_F(SpooledLogTest, AnAnswerThatIsLateIsNotWaitedForAndDoesNoHarm) {
  options_.patience = kImpatience;
  Open();
  faults_.Set(Mode::kStall);
  EXPECT_EQ(Append("a"), "spooled");
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), ElementsAre("a: content"));
}

TEST_F(SpooledLogTest, AnAnswerWithinThePatienceIsTheMainLogs) {
  Open();
  faults_.Set(Mode::kStoreAndStall);
  const PendingAppend pending = Begin(EventOf("a"));
  EXPECT_FALSE(pending.done());
  MainHeals();
  EXPECT_EQ(WordOf(pending.Await()), "at 1");
  EXPECT_EQ(store_->Spool().spooled_total, 0);
}

TEST_F(SpooledLogTest, OnceTheMainLogHasFailedNoCallbackTriesIt) {
  options_.patience = kImpatience;
  Open();
  faults_.Set(Mode::kStall);
  EXPECT_EQ(Append("a"), "spooled");
  for (const char* call : {"b", "c", "d", "e"}) EXPECT_EQ(Append(call), "spooled");
  EXPECT_TRUE(store_->Spool().circuit_open);
  // The first callback's, and the mover's, which are not answered.
  EXPECT_LE(faults_.appends(), 2);
  MainHeals();
  AwaitEmptySpool();
  EXPECT_EQ(StoredEvents().size(), 5u);
}

TEST_F(SpooledLogTest, WhatMovesAgainLetsCallbacksThroughAgain) {
  Open();
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append("a"), "spooled");
  MainHeals();
  AwaitEmptySpool();
  EXPECT_FALSE(store_->Spool().circuit_open);
  EXPECT_EQ(Append("b"), "at 2");
}

TEST_F(SpooledLogTest, WithNothingToMoveACallbackTriesNowAndThen) {
  options_.callback_interval = absl::ZeroDuration();
  Open();
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append(AsRepeatOnly(EventOf("a"))), "UNAVAILABLE");
  EXPECT_TRUE(store_->Spool().circuit_open);
  MainHeals();
  EXPECT_EQ(Append("b"), "at 1");
  EXPECT_FALSE(store_->Spool().circuit_open);
}

TEST_F(SpooledLogTest, TheMainLogsOtherErrorsAreTheAnswer) {
  Open();
  faults_.RefuseCall("a", absl::PermissionDeniedError("nonce"));
  faults_.RefuseCall("b", absl::NotFoundError("only a repeat"));
  faults_.RefuseCall("c", absl::InvalidArgumentError("too large"));
  EXPECT_EQ(Append("a"), "PERMISSION_DENIED");
  EXPECT_EQ(Append("b"), "NOT_FOUND");
  EXPECT_EQ(Append("c"), "INVALID_ARGUMENT");
  EXPECT_FALSE(store_->Spool().circuit_open);
  EXPECT_EQ(store_->Spool().spooled_total, 0);
}

// ------------------------------------------------------------------------------------ repeats

TEST_F(SpooledLogTest, ARepeatOfWhatIsSpooledIsToldSo) {
  Open();
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append("a"), "spooled");
  EXPECT_EQ(Append("a"), "spooled before");
  EXPECT_EQ(store_->Spool().events, 1);
  MainHeals();
  AwaitEmptySpool();
  EXPECT_EQ(Append("a"), "at 1 before");
  EXPECT_THAT(StoredEvents(), ElementsAre("a: content"));
}

TEST_F(SpooledLogTest, ARepeatInTheNextOutageIsNotSpooledAgain) {
  Open();
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append("a"), "spooled");
  MainHeals();
  AwaitEmptySpool();
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append("a"), "spooled before");
  EXPECT_EQ(store_->Spool().events, 0);
}

TEST_F(SpooledLogTest, WhatMayOnlyBeARepeatIsNeverSpooled) {
  Open();
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append("a"), "spooled");
  EXPECT_EQ(Append(AsRepeatOnly(EventOf("a"))), "spooled before");
  EXPECT_EQ(Append(AsRepeatOnly(EventOf("b"))), "UNAVAILABLE");
  MainHeals();
  AwaitEmptySpool();
  EXPECT_EQ(Append(AsRepeatOnly(EventOf("a"))), "at 1 before");
  EXPECT_EQ(Append(AsRepeatOnly(EventOf("b"))), "NOT_FOUND");
  EXPECT_THAT(StoredEvents(), ElementsAre("a: content"));
}

TEST_F(SpooledLogTest, WhatTheMainLogDoesNotKnowYetTheSpoolDoes) {
  Open();
  faults_.RefuseCall("a", absl::UnavailableError("this one"));
  EXPECT_EQ(Append("a"), "spooled");
  // Another one goes through, so that the main log is asked again.
  EXPECT_EQ(Append("b"), "spooled");
  while (store_->Spool().circuit_open) std::this_thread::yield();
  faults_.RefuseCall("a", absl::NotFoundError("not known"));
  EXPECT_EQ(Append(AsRepeatOnly(EventOf("a"))), "spooled before");
}

// ------------------------------------------------------------------------------------- nonces

TEST_F(SpooledLogTest, TheSpoolKnowsItsNonces) {
  Open();
  faults_.Set(Mode::kRefuse);
  NewEvent first = SignedEventOf("a", "n");
  NewEvent other = EventOf("b", "another content");
  other.nonce = first.nonce;
  EXPECT_EQ(Append(first), "spooled");
  EXPECT_EQ(Append(first), "spooled before");
  EXPECT_EQ(Append(other), "PERMISSION_DENIED");
}

TEST_F(SpooledLogTest, ANonceOfWhatIsSpooledIsKnownWhileTheMainLogTakesEvents) {
  Open();
  NewEvent first = SignedEventOf("a", "n");
  NewEvent other = EventOf("b", "another content");
  other.nonce = first.nonce;
  faults_.RefuseCall("a", absl::UnavailableError("this one"));
  EXPECT_EQ(Append(first), "spooled");
  EXPECT_EQ(Append("c"), "spooled");
  while (store_->Spool().circuit_open) std::this_thread::yield();
  EXPECT_EQ(Append(other), "PERMISSION_DENIED");
  EXPECT_EQ(Append(SignedEventOf("d", "m")), "at 2");
}

TEST_F(SpooledLogTest, WhatByItsNonceMayOnlyBeARepeatIsForTheMainLogToTell) {
  spool_options_.retention.nonce_memory = absl::Minutes(1);
  Open();
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append(SignedEventOf("a", "n")), "spooled");
  clock_.Advance(absl::Hours(1));
  // Once the spool has forgotten that nonce, any other as old may be one it has forgotten.
  std::string answer;
  for (int i = 0; answer != "UNAVAILABLE"; ++i) {
    answer = Append(SignedEventOf(absl::StrCat("b", i), absl::StrCat("m", i), 120));
    EXPECT_THAT(answer, ::testing::AnyOf("spooled", "UNAVAILABLE"));
  }
}

// ------------------------------------------------------------------------------------ the end

TEST_F(SpooledLogTest, WhatTheSpoolCannotTakeIsNotAnsweredWithSuccess) {
  spool_options_.minimum_free_disk = 1000;
  spool_options_.free_disk = [] { return 10; };
  Open();
  EXPECT_EQ(Append("a"), "at 1");
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append("b"), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(store_->Spool().events, 0);
}

TEST_F(SpooledLogTest, ClosingAnswersWhoeverWaits) {
  Open();
  faults_.Set(Mode::kStall);
  const PendingAppend pending = Begin(EventOf("a"));
  EXPECT_EQ(store_->Close(), absl::OkStatus());
  EXPECT_EQ(WordOf(pending.Await()), "spooled");
  store_.reset();
  faults_.Set(Mode::kNone);
  Open();
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), ElementsAre("a: content"));
}

}  // namespace
}  // namespace onhook
