#include "gateway/store/subscription_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Action = SettleRequest::Action;
using Decision = SubscriptionState::Decision;
using Outcome = SubscriptionState::Outcome;
using Delivery = v1::Delivery;
using Entry = v1::TimelineEntry;

constexpr ConsumerId kAnna = 1;
constexpr ConsumerId kBen = 2;
constexpr LeaseNumber kFirstLease = 1000;

class SubscriptionStateTest : public ::testing::Test {
 protected:
  SubscriptionStateTest() {
    beginning_.first_lease = kFirstLease;
    Restart();
  }

  void Restart() {
    state_.emplace(beginning_, rules_, /*seed=*/7, now_);
    state_->Attach(kAnna, ConsumerLimits(), std::nullopt);
    state_->Attach(kBen, ConsumerLimits(), std::nullopt);
  }
  void Wait(absl::Duration time) {
    now_.elapsed += time;
    now_.wall += time;
    for (const Decision& decision : state_->Advance(now_)) Finish(decision);
  }
  // Handed out, but not yet on its way.
  std::optional<SubscriptionState::Handed> Pull(ConsumerId consumer) {
    const auto next = state_->ChooseNext(last_, consumer, now_);
    if (!next.has_value()) return std::nullopt;
    taken_ = next->sequence;
    return state_->Lease(*next, consumer, 100, now_);
  }
  std::optional<SubscriptionState::Handed> Take(ConsumerId consumer) {
    const auto handed = Pull(consumer);
    if (handed.has_value()) state_->MarkWritten(taken_, consumer, now_);
    return handed;
  }
  std::vector<Sequence> TakeAll(ConsumerId consumer) {
    std::vector<Sequence> sequences;
    while (Take(consumer).has_value()) sequences.push_back(taken_);
    return sequences;
  }
  void Finish(const Decision& decision, bool committed = true) {
    finished_.push_back(decision);
    state_->Finish(decision, committed, now_);
  }
  bool Ack(Sequence sequence, bool committed = true) {
    const auto decision = state_->BeginAck(sequence);
    if (decision.has_value()) Finish(*decision, committed);
    return decision.has_value();
  }
  std::optional<Outcome> Nack(Sequence sequence, LeaseNumber lease, Action action = Action::kRetry,
                              std::optional<absl::Duration> delay = std::nullopt) {
    const auto decision = state_->BeginNack(sequence, lease, action, delay, now_);
    if (!decision.has_value()) return std::nullopt;
    Finish(*decision);
    return decision->outcome;
  }
  void Lose(ConsumerId consumer) {
    for (const Decision& decision : state_->Detach(consumer, Departure::kLost, now_).decisions) {
      Finish(decision);
    }
    state_->Attach(consumer, ConsumerLimits(), std::nullopt);
  }

  SubscriptionState::Beginning beginning_;
  SubscriptionRules rules_;
  Moment now_{absl::Hours(1), absl::FromUnixSeconds(1'700'000'000)};
  Sequence last_ = 3;
  Sequence taken_ = 0;
  std::vector<Decision> finished_;
  std::optional<SubscriptionState> state_;
};

TEST_F(SubscriptionStateTest, EventsAreHandedOutInOrderAndOnce) {
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(1, 2, 3));
  EXPECT_THAT(TakeAll(kBen), IsEmpty());
  EXPECT_EQ(state_->outstanding(), 3);
}

TEST_F(SubscriptionStateTest, TheFloorMovesOverWhatIsSettled) {
  TakeAll(kAnna);
  Ack(2);
  EXPECT_EQ(state_->floor(), 0);
  Ack(1);
  EXPECT_EQ(state_->floor(), 2);
  EXPECT_EQ(state_->Backlog(last_), 1);
  EXPECT_EQ(state_->OldestUnsettled(last_), 3);
}

TEST_F(SubscriptionStateTest, AnAckThatFailedLeavesTheEventWithItsConsumer) {
  TakeAll(kAnna);
  Ack(1, /*committed=*/false);
  EXPECT_EQ(state_->HolderOf(1), kAnna);
  EXPECT_FALSE(state_->IsSettled(1));
}

TEST_F(SubscriptionStateTest, AnExpiredEventComesAgainAfterABackoffWithItsAttemptCounted) {
  last_ = 1;
  EXPECT_EQ(Take(kAnna)->attempt, 1);
  Wait(absl::Seconds(30));
  EXPECT_EQ(finished_.at(0).kind, Entry::KIND_DEADLINE_EXPIRED);
  EXPECT_FALSE(Take(kBen).has_value()) << "it rests";
  Wait(absl::Seconds(2));
  const auto again = Take(kBen);
  EXPECT_EQ(again->attempt, 2);
  EXPECT_EQ(again->reason, Delivery::REDELIVERY_REASON_DEADLINE_EXPIRED);
}

TEST_F(SubscriptionStateTest, AnExtensionNeedsTheLatestLease) {
  last_ = 1;
  const LeaseNumber first = Take(kAnna)->lease;
  EXPECT_TRUE(state_->Extend(1, first, absl::Minutes(10), now_));
  Wait(absl::Minutes(9));
  EXPECT_EQ(state_->HolderOf(1), kAnna);
  Lose(kAnna);
  const LeaseNumber second = Take(kBen)->lease;
  EXPECT_FALSE(state_->Extend(1, first, absl::Minutes(10), now_));
  EXPECT_TRUE(state_->Extend(1, second, absl::Minutes(10), now_));
}

TEST_F(SubscriptionStateTest, ANackWithADelayComesAgainThenAndOnlyOnce) {
  last_ = 1;
  const LeaseNumber lease = Take(kAnna)->lease;
  EXPECT_EQ(Nack(1, lease, Action::kRetry, absl::Minutes(2)), Outcome::kRetry);
  EXPECT_EQ(Nack(1, lease), std::nullopt) << "stale";
  Wait(absl::Seconds(119));
  EXPECT_FALSE(Take(kAnna).has_value());
  Wait(absl::Seconds(1));
  EXPECT_EQ(Take(kAnna)->reason, Delivery::REDELIVERY_REASON_NACKED);
}

TEST_F(SubscriptionStateTest, ANackThatIsCommittedWhileTheClockIsPutBackComesAgainInTime) {
  last_ = 1;
  const LeaseNumber lease = Take(kAnna)->lease;
  const auto nack = state_->BeginNack(1, lease, Action::kRetry, absl::Minutes(2), now_);
  now_.wall -= absl::Hours(24 * 365);
  Finish(*nack);
  Wait(absl::Seconds(119));
  EXPECT_FALSE(Take(kAnna).has_value());
  Wait(absl::Seconds(1));
  EXPECT_TRUE(Take(kAnna).has_value());
}

TEST_F(SubscriptionStateTest, ParkingNeedsBothTheAttemptsAndTheTime) {
  last_ = 1;
  rules_.max_delivery_attempts = 2;
  rules_.minimum_retry_time = absl::Hours(1);
  Restart();
  for (int attempt = 1; attempt <= 2; ++attempt) {
    EXPECT_EQ(Nack(1, Take(kAnna)->lease, Action::kRetry, absl::ZeroDuration()), Outcome::kRetry);
  }
  Wait(absl::Hours(1));
  EXPECT_EQ(Nack(1, Take(kAnna)->lease), Outcome::kPark);
  EXPECT_TRUE(state_->HasDeadLetter(1));
  EXPECT_TRUE(state_->IsSettled(1));
}

TEST_F(SubscriptionStateTest, AReleasedEventGoesToAnotherConsumerAndCountsNothing) {
  last_ = 1;
  const LeaseNumber lease = Take(kAnna)->lease;
  EXPECT_EQ(state_->ReleaseLease(1, lease, now_), kAnna);
  EXPECT_FALSE(Take(kAnna).has_value()) << "Ben is there";
  EXPECT_EQ(Take(kBen)->attempt, 1);
  EXPECT_EQ(state_->ReleaseLease(1, lease, now_), std::nullopt);
}

TEST_F(SubscriptionStateTest, AfterThreeLossesAnEventGoesAloneAndFurtherLossesCount) {
  last_ = 2;
  for (int loss = 0; loss < 3; ++loss) {
    EXPECT_THAT(TakeAll(kAnna), ElementsAre(1, 2));
    Lose(kAnna);
  }
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(1)) << "alone";
  EXPECT_THAT(TakeAll(kBen), IsEmpty()) << "one suspect at a time";
  Lose(kAnna);
  EXPECT_EQ(finished_.at(0).kind, Entry::KIND_STREAM_LOST);
  EXPECT_EQ(finished_.at(0).attempt, 1);
  EXPECT_THAT(TakeAll(kBen), ElementsAre(2));
}

TEST_F(SubscriptionStateTest, AConsumerReservedForASuspectIsFreeAgainWhenThatIsSettled) {
  last_ = 1;
  for (int loss = 0; loss < 3; ++loss) {
    Take(kAnna);
    Lose(kAnna);
  }
  last_ = 3;
  state_->Detach(kAnna, Departure::kInOrder, now_);
  Ack(1);  // by a late id
  EXPECT_THAT(TakeAll(kBen), ElementsAre(2, 3));
}

TEST_F(SubscriptionStateTest, AnEventParkedOrDroppedIsNotHandedOutAgain) {
  last_ = 5;
  EXPECT_EQ(Nack(1, Take(kAnna)->lease, Action::kPark), Outcome::kPark);
  Take(kAnna);
  EXPECT_EQ(state_->Drop(4).ToText(), "3-4") << "what is with a consumer stays";
  EXPECT_THAT(TakeAll(kBen), ElementsAre(5));
}

TEST_F(SubscriptionStateTest, ARedrivenEventIsOwedAgainFromItsFirstAttempt) {
  last_ = 1;
  Nack(1, Take(kAnna)->lease, Action::kPark);
  state_->Redrive(1);
  EXPECT_EQ(state_->Backlog(last_), 1);
  const auto again = Take(kBen);
  EXPECT_EQ(again->attempt, 1);
  EXPECT_EQ(again->reason, Delivery::REDELIVERY_REASON_REDRIVEN);
  const auto decision = state_->BeginAck(1);
  EXPECT_TRUE(decision->ends_dead_letter);
  EXPECT_TRUE(decision->redriven);
  Finish(*decision);
  EXPECT_EQ(state_->Backlog(last_), 0);
}

TEST_F(SubscriptionStateTest, ASeekBackOwesAgainAndKeepsDeadLetters) {
  TakeAll(kAnna);
  Nack(2, kFirstLease + 1, Action::kPark);
  Ack(1);
  const auto late = state_->BeginAck(3);
  state_->Seek(0);
  Finish(*late);
  EXPECT_EQ(state_->outstanding(), 0);
  EXPECT_THAT(TakeAll(kBen), ElementsAre(1, 2, 3));
  EXPECT_TRUE(state_->HasDeadLetter(2));
  Ack(2);
  EXPECT_FALSE(state_->HasDeadLetter(2)) << "its replayed copy was settled";
}

TEST_F(SubscriptionStateTest, WhatTheFilterExcludesIsSettledAtOnce) {
  state_->Exclude(1);
  EXPECT_EQ(state_->floor(), 1);
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(2, 3));
}

TEST_F(SubscriptionStateTest, AttemptsAndBackoffOutliveARestart) {
  beginning_.tried[2] = {3, now_.wall - absl::Hours(1), now_.wall + absl::Minutes(1), 5};
  beginning_.settled.Add(3);
  Restart();
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(1));
  Wait(absl::Minutes(1));
  EXPECT_EQ(Take(kBen)->attempt, 4);
}

TEST_F(SubscriptionStateTest, AClockThatWasPutBackByAYearMakesNothingRestForAYear) {
  beginning_.tried[1] = {1, now_.wall, now_.wall + absl::Minutes(1), 5};
  last_ = 2;
  now_.wall -= absl::Hours(365 * 24);
  Restart();
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(2));
  const auto decision = state_->BeginNack(2, kFirstLease, Action::kRetry, absl::Seconds(1), now_);
  now_.wall -= absl::Hours(365 * 24);  // while that is being written
  Finish(*decision);
  Wait(absl::Hours(1));
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(1, 2));
}

TEST_F(SubscriptionStateTest, ANackFromBeforeARestartCountsUnlessThatAttemptWasOver) {
  beginning_.tried[2] = {1, now_.wall, now_.wall, /*last_ended=*/500};
  Restart();
  EXPECT_EQ(Nack(1, kFirstLease - 1), Outcome::kRetry);
  EXPECT_EQ(Nack(2, 500), std::nullopt);
  EXPECT_EQ(Nack(2, 501), Outcome::kRetry);
  EXPECT_EQ(Nack(3, kFirstLease), std::nullopt) << "never given";
}

TEST_F(SubscriptionStateTest, AnAckThatComesWhileItsEventIsBeingParkedEndsTheDeadLetter) {
  const LeaseNumber lease = Take(kAnna)->lease;
  const auto park = state_->BeginNack(1, lease, Action::kPark, std::nullopt, now_);
  const auto ack = state_->BeginAck(1);
  EXPECT_TRUE(ack->ends_dead_letter);
  Finish(*park);
  Finish(*ack);
  EXPECT_FALSE(state_->HasDeadLetter(1));
  EXPECT_TRUE(state_->IsSettled(1));
}

TEST_F(SubscriptionStateTest, WhatWasNeverWrittenHasNotFailedWhenItsTimeIsOver) {
  last_ = 1;
  Pull(kAnna);
  Wait(absl::Seconds(30));
  EXPECT_THAT(finished_, IsEmpty());
  const auto again = Take(kBen);
  EXPECT_EQ(again->attempt, 1);
  EXPECT_EQ(again->reason, Delivery::REDELIVERY_REASON_RELEASED);
}

TEST_F(SubscriptionStateTest, AnExpiredEventGoesRatherToAnotherConsumer) {
  last_ = 1;
  Take(kAnna);
  Wait(absl::Seconds(30));
  Wait(absl::Seconds(2));
  EXPECT_FALSE(Take(kAnna).has_value()) << "Ben is there";
  EXPECT_EQ(Take(kBen)->attempt, 2);
}

TEST_F(SubscriptionStateTest, AnExpiredEventGoesToTheSameConsumerIfThereIsNoOther) {
  last_ = 1;
  state_->Detach(kBen, Departure::kInOrder, now_);
  Take(kAnna);
  Wait(absl::Seconds(30));
  Wait(absl::Seconds(2));
  EXPECT_EQ(Take(kAnna)->attempt, 2);
}

TEST_F(SubscriptionStateTest, ADeadlineCountsFromTheWriting) {
  last_ = 1;
  Pull(kAnna);
  Wait(absl::Seconds(20));
  state_->MarkWritten(1, kAnna, now_);
  Wait(absl::Seconds(29));
  EXPECT_EQ(state_->HolderOf(1), kAnna);
  Wait(absl::Seconds(1));
  EXPECT_EQ(finished_.at(0).kind, Entry::KIND_DEADLINE_EXPIRED);
}

TEST_F(SubscriptionStateTest, AStreamLostBeforeItWasWrittenToArousesNoSuspicion) {
  last_ = 2;
  for (int loss = 0; loss < 4; ++loss) {
    Pull(kAnna);
    Pull(kAnna);
    Lose(kAnna);
  }
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(1, 2));
}

TEST_F(SubscriptionStateTest, ASkipNeedsTheLatestLease) {
  last_ = 1;
  const LeaseNumber first = Take(kAnna)->lease;
  Lose(kAnna);
  const LeaseNumber second = Take(kBen)->lease;
  EXPECT_FALSE(state_->BeginSkip(1, first).has_value());
  Finish(*state_->BeginSkip(1, second));
  EXPECT_TRUE(state_->IsSettled(1));
  EXPECT_FALSE(state_->BeginSkip(1, second).has_value()) << "settled already";
}

TEST_F(SubscriptionStateTest, OneUnsettledEventLeavesRoomForAllButOneOfTheLimit) {
  rules_.max_unacked_events = 3;
  last_ = 100;
  Restart();
  Take(kAnna);
  for (Sequence sequence = 2; sequence <= last_; ++sequence) {
    ASSERT_TRUE(Take(kBen).has_value()) << sequence;
    Ack(sequence);
  }
  EXPECT_TRUE(state_->AtTail(last_));
  last_ = 103;
  EXPECT_THAT(TakeAll(kBen), ElementsAre(101, 102));
  EXPECT_FALSE(state_->OwesSomething(last_));
  EXPECT_FALSE(state_->AtTail(102)) << "the next one would have to wait";
  Ack(102);
  EXPECT_THAT(TakeAll(kBen), ElementsAre(103));
}

TEST_F(SubscriptionStateTest, ALimitThatWasLoweredShutsNothingOutThatLiesBetweenSettledRuns) {
  rules_.max_unacked_events = 2;
  for (const Sequence sequence : {2, 4, 6, 8}) beginning_.settled.Add(sequence);
  last_ = 10;
  Restart();
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(1, 3));
  Ack(1);
  Ack(3);
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(5, 7));
}

TEST_F(SubscriptionStateTest, BetweenTwoSuspectsOthersHaveTheirTurn) {
  state_->Detach(kBen, Departure::kInOrder, now_);
  for (int loss = 0; loss < 3; ++loss) {
    TakeAll(kAnna);
    Lose(kAnna);
  }
  last_ = 5;
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(1)) << "alone";
  Ack(1);
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(4, 5));
  Ack(4);
  EXPECT_THAT(TakeAll(kAnna), IsEmpty()) << "kept for the next suspect";
  Ack(5);
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(2)) << "alone";
}

TEST_F(SubscriptionStateTest, AReplayedEventThatIsRedrivenOutlivesTheBacklogLimit) {
  Nack(1, Take(kAnna)->lease, Action::kPark);
  state_->Seek(0);
  state_->Redrive(1);
  EXPECT_EQ(state_->Drop(3).ToText(), "2-3");
  EXPECT_FALSE(state_->AtTail(last_));
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(1));
  Ack(1);
  EXPECT_EQ(state_->floor(), 3);
}

TEST_F(SubscriptionStateTest, AFilterLeavesDeadLettersAlone) {
  Nack(1, Take(kAnna)->lease, Action::kPark);
  state_->Seek(0);
  state_->Exclude(1);
  EXPECT_TRUE(state_->IsSettled(1));
  EXPECT_TRUE(state_->HasDeadLetter(1));
}

TEST_F(SubscriptionStateTest, AnAckAfterItsEventWasParkedTakesTheDeadLetterAway) {
  EXPECT_EQ(Nack(1, Take(kAnna)->lease, Action::kPark), Outcome::kPark);
  EXPECT_TRUE(Ack(1));
  EXPECT_FALSE(state_->HasDeadLetter(1));
  EXPECT_TRUE(state_->IsSettled(1));
  EXPECT_FALSE(Ack(1)) << "nothing is left to be done";
  EXPECT_EQ(state_->record_count(), 0U);
}

TEST_F(SubscriptionStateTest, AnEventIsRedrivenWhileALateAckOfItIsUnderWay) {
  const LeaseNumber lease = Take(kAnna)->lease;
  const auto park = state_->BeginNack(1, lease, Action::kPark, std::nullopt, now_);
  const auto ack = state_->BeginAck(1);
  Finish(*park);
  state_->Redrive(1);
  EXPECT_EQ(state_->Backlog(last_), 3);
  Finish(*ack);
  EXPECT_TRUE(state_->IsSettled(1)) << "an ack by any attempt settles";
  EXPECT_THAT(TakeAll(kBen), ElementsAre(2, 3));
}

TEST_F(SubscriptionStateTest, ALateAckThatFailsLeavesARedrivenEventOwed) {
  const LeaseNumber lease = Take(kAnna)->lease;
  const auto park = state_->BeginNack(1, lease, Action::kPark, std::nullopt, now_);
  const auto ack = state_->BeginAck(1);
  Finish(*park);
  state_->Redrive(1);
  Finish(*ack, /*committed=*/false);
  EXPECT_THAT(TakeAll(kBen), ElementsAre(1, 2, 3));
}

TEST_F(SubscriptionStateTest, AnAckFromBeforeASeekStillEndsADeadLetter) {
  Nack(1, Take(kAnna)->lease, Action::kPark);
  state_->Seek(0);
  Take(kAnna);
  const auto ack = state_->BeginAck(1);
  EXPECT_TRUE(ack->ends_dead_letter);
  state_->Seek(0);
  Finish(*ack);
  EXPECT_FALSE(state_->HasDeadLetter(1));
  EXPECT_FALSE(state_->IsSettled(1));
}

// Otherwise one event that nobody can process would in the end hold up all that come after it.
TEST_F(SubscriptionStateTest, AnEventThatRestsTakesOnePlaceAmongTheUnsettledHoweverManyFollow) {
  rules_.max_unacked_events = 3;
  Restart();
  last_ = 10;
  const auto failed = Take(kAnna);
  Nack(1, failed->lease, Action::kRetry, absl::Hours(1));
  for (Sequence next = 2; next <= 10; ++next) {
    ASSERT_TRUE(Take(kAnna).has_value()) << next;
    EXPECT_EQ(taken_, next);
    Ack(next);
  }
  EXPECT_EQ(state_->floor(), 0);
}

TEST_F(SubscriptionStateTest, AtTheLimitOfUnsettledEventsDeliveryWaitsForAnyToBeSettled) {
  rules_.max_unacked_events = 3;
  Restart();
  last_ = 10;
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(1, 2, 3));
  EXPECT_FALSE(state_->OwesSomething(last_));
  Ack(2);
  EXPECT_TRUE(state_->OwesSomething(last_));
  EXPECT_THAT(TakeAll(kAnna), ElementsAre(4));
}

}  // namespace
}  // namespace onhook
