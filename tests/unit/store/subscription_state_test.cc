#include "gateway/store/subscription_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Settling = SubscriptionState::Settling;

constexpr ConsumerId kAnna = 1;
constexpr ConsumerId kBert = 2;

// A subscription that begins with event 1, its two consumers, and a log that holds ten events of
// ten bytes.
class SubscriptionStateTest : public ::testing::Test {
 protected:
  static constexpr Sequence kLast = 10;

  SubscriptionStateTest() { Start(0, ""); }

  void Start(Sequence floor, const char* settled, int64_t max_unsettled_span = 1000) {
    state_.emplace(floor, *SequenceSet::FromText(settled), max_unsettled_span);
    state_->Attach(kAnna, ConsumerLimits());
    state_->Attach(kBert, ConsumerLimits());
  }

  // Hands out up to `count` events, as long as there is credit, and says which.
  std::vector<Sequence> Lease(ConsumerId consumer, int count, int64_t bytes = 10) {
    std::vector<Sequence> leased;
    while (count-- > 0 && state_->HasCredit(consumer, bytes)) {
      const std::optional<SubscriptionState::Next> next = state_->PeekNext(kLast);
      if (!next.has_value()) break;
      state_->LeaseNext(*next, consumer, bytes);
      leased.push_back(next->sequence);
    }
    return leased;
  }
  ConsumerId Settle(Sequence sequence) {
    EXPECT_EQ(state_->BeginSettling(sequence), Settling::kStarted) << sequence;
    return state_->Settled(sequence);
  }
  void FailToSettle(Sequence sequence) {
    EXPECT_EQ(state_->BeginSettling(sequence), Settling::kStarted) << sequence;
    state_->SettlingFailed(sequence);
  }

  std::optional<SubscriptionState> state_;
};

TEST_F(SubscriptionStateTest, FreshEventsComeInOrder) {
  EXPECT_THAT(Lease(kAnna, 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(Lease(kBert, 2), ElementsAre(4, 5));
  EXPECT_EQ(state_->outstanding(), 5);
}

TEST_F(SubscriptionStateTest, NothingBehindTheNewestEventIsHandedOut) {
  EXPECT_EQ(Lease(kAnna, 100).size(), 10U);
  EXPECT_FALSE(state_->PeekNext(kLast).has_value());
  EXPECT_EQ(state_->PeekNext(kLast + 1)->sequence, 11);
}

TEST_F(SubscriptionStateTest, WhatWasSettledBeforeIsSkipped) {
  Start(2, "4-5,7");
  EXPECT_THAT(Lease(kAnna, 4), ElementsAre(3, 6, 8, 9));
}

TEST_F(SubscriptionStateTest, AStateThatIsNotReducedIsReducedAtTheStart) {
  Start(2, "1,3-5,7");
  EXPECT_EQ(state_->floor(), 5);
  EXPECT_EQ(state_->settled().ToText(), "7");
  EXPECT_EQ(state_->Backlog(kLast), 4);
}

TEST_F(SubscriptionStateTest, SettlingTheLowestRaisesTheFloorOverWhatIsBehindIt) {
  Lease(kAnna, 4);
  Settle(2);
  Settle(3);
  EXPECT_EQ(state_->floor(), 0);
  EXPECT_EQ(state_->settled().ToText(), "2-3");
  Settle(1);
  EXPECT_EQ(state_->floor(), 3);
  EXPECT_TRUE(state_->settled().empty());
}

TEST_F(SubscriptionStateTest, SettlingSaysWhoHeldIt) {
  Lease(kAnna, 1);
  Lease(kBert, 1);
  EXPECT_EQ(Settle(2), kBert);
  EXPECT_EQ(Settle(1), kAnna);
  EXPECT_EQ(Settle(3), 0U) << "nobody held it";
}

TEST_F(SubscriptionStateTest, WhatIsSettledIsNotSettledAgain) {
  Lease(kAnna, 3);
  Settle(1);
  Settle(3);
  EXPECT_EQ(state_->BeginSettling(1), Settling::kAlready);
  EXPECT_EQ(state_->BeginSettling(3), Settling::kAlready);
}

TEST_F(SubscriptionStateTest, WhatAConsumerHeldIsReturnedWhenItGoes) {
  Lease(kAnna, 2);
  Lease(kBert, 2);
  EXPECT_EQ(state_->Detach(kAnna), 2U);
  EXPECT_FALSE(state_->attached(kAnna));
  EXPECT_EQ(state_->outstanding(), 2);
  const std::optional<SubscriptionState::Next> next = state_->PeekNext(kLast);
  EXPECT_EQ(next->sequence, 1);
  EXPECT_TRUE(next->returned);
}

TEST_F(SubscriptionStateTest, ReturnedEventsComeBeforeFreshOnes) {
  Lease(kAnna, 3);
  state_->Detach(kAnna);
  EXPECT_THAT(Lease(kBert, 5), ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(SubscriptionStateTest, AConsumerThatGoesKeepsNobodyFromSettlingWhatItHeld) {
  Lease(kAnna, 1);
  state_->BeginSettling(1);
  EXPECT_EQ(state_->Detach(kAnna), 0U) << "it is being settled";
  EXPECT_EQ(state_->PeekNext(kLast)->sequence, 2);
  EXPECT_EQ(state_->Settled(1), 0U);
  EXPECT_EQ(state_->floor(), 1);
}

TEST_F(SubscriptionStateTest, WhatCannotBeSettledStaysWithItsConsumer) {
  Lease(kAnna, 1);
  FailToSettle(1);
  EXPECT_EQ(state_->outstanding(), 1);
  EXPECT_EQ(state_->PeekNext(kLast)->sequence, 2);
}

TEST_F(SubscriptionStateTest, WhatCannotBeSettledIsReturnedIfItsConsumerWent) {
  Lease(kAnna, 1);
  state_->BeginSettling(1);
  state_->Detach(kAnna);
  state_->SettlingFailed(1);
  EXPECT_THAT(Lease(kBert, 2), ElementsAre(1, 2));
}

TEST_F(SubscriptionStateTest, WhatIsSettledBeforeItIsHandedOutIsSkipped) {
  Settle(1);
  Settle(3);
  EXPECT_THAT(Lease(kAnna, 3), ElementsAre(2, 4, 5));
}

TEST_F(SubscriptionStateTest, WhatIsBeingSettledIsNotHandedOut) {
  state_->BeginSettling(1);
  EXPECT_THAT(Lease(kAnna, 1), ElementsAre(2));
  state_->SettlingFailed(1);
  EXPECT_THAT(Lease(kAnna, 2), ElementsAre(1, 3));
}

TEST_F(SubscriptionStateTest, OfTwoRequestsForOneEventTheFirstThatSucceedsCounts) {
  Lease(kAnna, 1);
  state_->BeginSettling(1);
  state_->BeginSettling(1);
  EXPECT_EQ(state_->Settled(1), kAnna);
  EXPECT_EQ(state_->Settled(1), 0U);
  EXPECT_EQ(state_->floor(), 1);
}

TEST_F(SubscriptionStateTest, ASecondRequestThatFailsBringsNothingBack) {
  Lease(kAnna, 3);
  for (const Sequence sequence : {1, 3}) {
    state_->BeginSettling(sequence);
    state_->BeginSettling(sequence);
    state_->Settled(sequence);
    state_->SettlingFailed(sequence);
  }
  EXPECT_THAT(Lease(kBert, 1), ElementsAre(4));
}

TEST_F(SubscriptionStateTest, AFirstRequestThatFailsLeavesTheSecondAlone) {
  Lease(kAnna, 1);
  state_->BeginSettling(1);
  state_->BeginSettling(1);
  state_->Detach(kAnna);
  state_->SettlingFailed(1);
  EXPECT_EQ(state_->PeekNext(kLast)->sequence, 2) << "the second is under way";
  state_->Settled(1);
  EXPECT_EQ(state_->floor(), 1);
}

// An event may be returned that lies ahead of the lowest fresh one, if a request to settle it fails
// before it was ever handed out.
TEST_F(SubscriptionStateTest, AnEventReturnedAheadOfTheFreshOnesIsHandedOutOnce) {
  FailToSettle(3);
  Settle(1);
  Settle(2);
  EXPECT_THAT(Lease(kAnna, 1), ElementsAre(3));
  EXPECT_THAT(Lease(kBert, 2), ElementsAre(4, 5));
  EXPECT_EQ(Settle(3), kAnna);
}

TEST_F(SubscriptionStateTest, AConsumerHoldsNoMoreEventsThanItsLimit) {
  state_->SetLimits(kAnna, {2, 1000});
  EXPECT_THAT(Lease(kAnna, 5), ElementsAre(1, 2));
  Settle(1);
  EXPECT_THAT(Lease(kAnna, 5), ElementsAre(3));
}

TEST_F(SubscriptionStateTest, AConsumerHoldsNoMoreBytesThanItsLimit) {
  state_->SetLimits(kAnna, {100, 25});
  EXPECT_THAT(Lease(kAnna, 5, /*bytes=*/10), ElementsAre(1, 2));
  Settle(1);
  EXPECT_THAT(Lease(kAnna, 5, /*bytes=*/16), IsEmpty());
  EXPECT_THAT(Lease(kAnna, 5, /*bytes=*/15), ElementsAre(3));
}

TEST_F(SubscriptionStateTest, OneEventIsLetThroughWhateverItsSize) {
  state_->SetLimits(kAnna, {100, 25});
  EXPECT_THAT(Lease(kAnna, 5, /*bytes=*/1000), ElementsAre(1));
}

TEST_F(SubscriptionStateTest, LoweringTheLimitsTakesNothingBack) {
  Lease(kAnna, 3);
  state_->SetLimits(kAnna, {1, 1000});
  EXPECT_EQ(state_->outstanding(), 3);
  EXPECT_FALSE(state_->HasCredit(kAnna));
}

TEST_F(SubscriptionStateTest, AStrangerHasNoCredit) { EXPECT_FALSE(state_->HasCredit(77)); }

TEST_F(SubscriptionStateTest, NothingIsHandedOutFurtherAboveTheFloorThanTheSpan) {
  Start(0, "", /*max_unsettled_span=*/3);
  EXPECT_THAT(Lease(kAnna, 100), ElementsAre(1, 2, 3));
  Settle(2);
  EXPECT_THAT(Lease(kAnna, 100), IsEmpty());
  Settle(1);
  EXPECT_THAT(Lease(kAnna, 100), ElementsAre(4, 5));
}

TEST_F(SubscriptionStateTest, AtTheSpanReturnedEventsStillCome) {
  Start(0, "", /*max_unsettled_span=*/3);
  Lease(kAnna, 100);
  state_->Detach(kAnna);
  EXPECT_THAT(Lease(kBert, 100), ElementsAre(1, 2, 3));
}

TEST_F(SubscriptionStateTest, WhatIsSetAsideIsOwedAndHandedOutToNobody) {
  state_->SetAside(*state_->PeekNext(kLast));
  EXPECT_THAT(Lease(kAnna, 2), ElementsAre(2, 3));
  EXPECT_EQ(state_->Backlog(kLast), 10);
  Settle(2);
  EXPECT_EQ(state_->floor(), 0);
  EXPECT_EQ(Settle(1), 0U) << "somebody who knows its delivery id may settle it";
  EXPECT_EQ(state_->floor(), 2);
}

TEST_F(SubscriptionStateTest, TheBacklogCountsWhatIsUnsettled) {
  Lease(kAnna, 4);
  EXPECT_EQ(state_->Backlog(kLast), 10);
  Settle(1);
  Settle(3);
  EXPECT_EQ(state_->Backlog(kLast), 8);
}

}  // namespace
}  // namespace onhook
