// What becomes of deliveries and subscriptions in time, on every engine: deadlines, dead letters,
// filters, seeks, administration, retention.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/subscription_queue_contract.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class SubscriptionLifeContract : public SubscriptionQueueContract {};

// ------------------------------------------------------------- deadlines, nacks, dead letters

TEST_P(SubscriptionLifeContract, Q9_WhatIsNotSettledInTimeComesAgain) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  EXPECT_EQ(consumer.Take(1)[0].ack_deadline, absl::Seconds(30));
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
  engine_->clock().Advance(absl::Seconds(31));
  Until([&] { return queue->Stats().outstanding_events == 0; });
  engine_->clock().Advance(absl::Seconds(3));
  const std::vector<Lease> again = consumer.Take(1);
  EXPECT_EQ(again[0].attempt, 2);
  EXPECT_EQ(again[0].reason, v1::Delivery::REDELIVERY_REASON_DEADLINE_EXPIRED);
}

TEST_P(SubscriptionLifeContract, Q9_AnExtensionMovesTheDeadline) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(1));
  EXPECT_THAT(queue->Extend(ids, absl::Minutes(10)), IsEmpty());
  engine_->clock().Advance(absl::Minutes(9));
  EXPECT_THAT(Ack(queue, ids), IsEmpty());
  EXPECT_EQ(queue->Extend(ids, absl::Minutes(1))[0].error, SettleError::kStale);
  EXPECT_EQ(queue->Stats().redeliveries, 0);
}

TEST_P(SubscriptionLifeContract, ANackedEventComesAgainWithItsAttemptsCountedAlsoAfterACrash) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(1));
  EXPECT_THAT(Nack(queue, ids, SettleRequest::Action::kRetry, "busy", absl::Minutes(5)), IsEmpty());
  EXPECT_EQ(Nack(queue, ids, SettleRequest::Action::kRetry)[0].error, SettleError::kStale);
  consumer.Leave();
  engine_->Crash();
  TestConsumer later(Queue());
  EXPECT_THAT(later.PullOnce().leases, IsEmpty());
  engine_->clock().Advance(absl::Minutes(6));
  EXPECT_EQ(later.Take(1)[0].attempt, 2);
}

TEST_P(SubscriptionLifeContract, AReleasedEventCountsNothing) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  EXPECT_THAT(Nack(queue, Ids(consumer.Take(1)), SettleRequest::Action::kRelease), IsEmpty());
  const std::vector<Lease> again = consumer.Take(1);
  EXPECT_EQ(again[0].attempt, 1);
  EXPECT_EQ(again[0].reason, v1::Delivery::REDELIVERY_REASON_RELEASED);
}

TEST_P(SubscriptionLifeContract, WhatWasReleasedAndWhatWasLostIsToldAsLongAsMemoryKnows) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  Nack(queue, Ids(consumer.Take(1)), SettleRequest::Action::kRelease, "too busy");
  consumer.Take(1);
  consumer.Leave(Departure::kLost);
  const v1::SubscriptionTimeline timeline = Timeline(queue, 1);
  using Entry = v1::TimelineEntry;
  EXPECT_THAT(Kinds(timeline), ElementsAre(Entry::KIND_DELIVERED, Entry::KIND_NACKED,
                                           Entry::KIND_DELIVERED, Entry::KIND_STREAM_LOST));
  EXPECT_EQ(timeline.entries(1).reason(), "too busy");
}

TEST_P(SubscriptionLifeContract, AConsumerWithoutCreditIsWokenByItsOwnRelease) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue, {1, 1 << 20});
  const std::vector<std::string> ids = Ids(consumer.Take(1));
  EXPECT_FALSE(consumer.PullOnce().has_credit);
  EXPECT_THAT(Nack(queue, ids, SettleRequest::Action::kRelease), IsEmpty());
  consumer.WaitUntilReady();
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(1));
}

TEST_P(SubscriptionLifeContract, WhatIsBeingRedrivenIsNotDiscarded) {
  AppendNumbered(1, 3);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  EXPECT_THAT(Nack(queue, Ids(consumer.Take(3)), SettleRequest::Action::kPark), IsEmpty());
  absl::Notification redriven;
  absl::Notification discarded;
  queue->Redrive({true, {}}, [&](const absl::StatusOr<DeadLetterOutcome>& outcome) {
    EXPECT_EQ(outcome->done, 3);
    redriven.Notify();
  });
  queue->Discard({true, {}}, [&](const absl::StatusOr<DeadLetterOutcome>& outcome) {
    EXPECT_EQ(outcome->done, 0);
    discarded.Notify();
  });
  redriven.WaitForNotification();
  discarded.WaitForNotification();
  EXPECT_THAT(Ack(queue, Ids(consumer.Take(3))), IsEmpty());
  EXPECT_THAT(DeadLetters(queue), IsEmpty());
  EXPECT_EQ(queue->Stats().backlog_events, 0);
}

TEST_P(SubscriptionLifeContract, Q10_AnEventIsParkedWhenAttemptsAndRetryTimeAreUsedUp) {
  v1::SubscriptionSpec spec;
  spec.set_max_delivery_attempts(2);
  spec.mutable_minimum_retry_time()->set_seconds(60);
  AppendNumbered(1, 2);
  QueuePtr queue = Queue("poisoned", spec);
  TestConsumer consumer(queue, {1, 1 << 20});
  const auto fail = [&] {
    const std::vector<Lease> leases = consumer.Take(1);
    EXPECT_EQ(leases[0].event->sequence, 1);
    Nack(queue, {leases[0].delivery_id}, SettleRequest::Action::kRetry, "cannot", absl::Seconds(0));
  };
  fail();
  fail();  // attempts are used up, but not the time
  engine_->clock().Advance(absl::Seconds(61));
  fail();
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(2));
  const std::vector<DeadLetter> letters = DeadLetters(queue);
  ASSERT_EQ(letters.size(), 1);
  EXPECT_EQ(letters[0].event->event, "event 1");
  EXPECT_EQ(letters[0].detail, "cannot");
  EXPECT_EQ(letters[0].attempts, 3);
  EXPECT_EQ(letters[0].reason, v1::DeadLetter::REASON_ATTEMPTS_EXHAUSTED);
  EXPECT_EQ(queue->Stats().backlog_events, 1);
}

TEST_P(SubscriptionLifeContract, Q10_AParkedEventIsRedrivenAndItsDeadLetterGoesWithItsAck) {
  AppendNumbered(1, 3);
  QueuePtr queue = Queue();
  {
    TestConsumer consumer(queue);
    const std::vector<std::string> ids = Ids(consumer.Take(3));
    EXPECT_THAT(Nack(queue, {ids[1]}, SettleRequest::Action::kPark, "no such customer"), IsEmpty());
    EXPECT_THAT(Ack(queue, {ids[0], ids[2]}), IsEmpty());
  }
  engine_->Crash();
  queue = Queue();
  EXPECT_EQ(queue->Stats().dead_letters, 1);
  EXPECT_EQ(queue->Stats().backlog_events, 0);
  EXPECT_EQ(RedriveAll(queue).done, 1);
  engine_->Crash();
  queue = Queue();
  EXPECT_EQ(queue->Stats().backlog_events, 1);
  TestConsumer consumer(queue);
  const std::vector<Lease> again = consumer.Take(1);
  EXPECT_EQ(again[0].event->event, "event 2");
  EXPECT_EQ(again[0].attempt, 1);
  EXPECT_THAT(Ack(queue, Ids(again)), IsEmpty());
  EXPECT_THAT(DeadLetters(queue), IsEmpty());
  using Entry = v1::TimelineEntry;
  const v1::SubscriptionTimeline timeline = Timeline(queue, 2);
  EXPECT_EQ(timeline.state(), v1::SubscriptionTimeline::STATE_ACKED);
  EXPECT_THAT(Kinds(timeline),
              ElementsAre(Entry::KIND_NACKED, Entry::KIND_PARKED, Entry::KIND_REDRIVEN,
                          Entry::KIND_DELIVERED, Entry::KIND_ACKED));
  consumer.Leave();
  engine_->Crash();
  EXPECT_EQ(Queue()->Stats().backlog_events, 0);
}

// As one is that was cut to its limit.
TEST_P(SubscriptionLifeContract, Q10_WordsThatAreNoTextAreKeptAsTheyAre) {
  const std::string half = "\xe4\xb8";
  AppendNumbered(1, 3);
  QueuePtr queue = Queue();
  {
    TestConsumer consumer(queue, {}, half);
    const std::vector<std::string> ids = Ids(consumer.Take(3));
    EXPECT_THAT(Nack(queue, {ids[0]}, SettleRequest::Action::kRetry, half), IsEmpty());
    EXPECT_THAT(Nack(queue, {ids[1]}, SettleRequest::Action::kPark, half), IsEmpty());
    EXPECT_THAT(Nack(queue, {ids[2]}, SettleRequest::Action::kSkip, half), IsEmpty());
  }
  engine_->Crash();
  queue = Queue();
  EXPECT_EQ(queue->Stats().backlog_events, 1);
  const std::vector<DeadLetter> letters = DeadLetters(queue);
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].detail, half);
  TestConsumer consumer(queue);
  EXPECT_EQ(consumer.Take(1)[0].attempt, 2);
}

TEST_P(SubscriptionLifeContract, DeadLettersThatAreDiscardedAreGone) {
  AppendNumbered(1, 2);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  Nack(queue, Ids(consumer.Take(2)), SettleRequest::Action::kPark);
  const std::vector<DeadLetter> letters = DeadLetters(queue);
  ASSERT_EQ(letters.size(), 2);
  const auto outcome = Await<DeadLetterOutcome>([&](auto done) {
    queue->Discard({false, {letters[0].id, 999}}, std::move(done));
  });
  EXPECT_EQ(outcome.done, 1);
  EXPECT_THAT(outcome.unknown, ElementsAre(999));
  EXPECT_EQ(DeadLetters(queue).size(), 1);
  EXPECT_EQ(queue->Stats().dead_letters, 1);
  EXPECT_EQ(Timeline(queue, letters[0].event->sequence).state(),
            v1::SubscriptionTimeline::STATE_DISCARDED);
}

TEST_P(SubscriptionLifeContract, Q4_AnEventWhoseConsumersAreLostGoesAloneAndCountsInTheEnd) {
  v1::SubscriptionSpec spec;
  spec.set_max_delivery_attempts(2);
  spec.mutable_minimum_retry_time()->set_seconds(0);
  AppendNumbered(1, 2);
  const QueuePtr queue = Queue("deadly", spec);
  for (int lost = 0; lost < 3; ++lost) {
    TestConsumer victim(queue);
    EXPECT_EQ(victim.Take(2)[0].attempt, 1);
  }
  // From here on each event goes alone, and the first kills whoever gets it.
  for (int attempt = 1; attempt <= 2; ++attempt) {
    TestConsumer victim(queue);
    EXPECT_EQ(victim.Take(1)[0].attempt, attempt);
    EXPECT_THAT(victim.PullOnce().leases, IsEmpty());
    victim.Leave();
    TestConsumer other(queue);
    if (attempt == 1) {
      EXPECT_THAT(Ack(queue, Ids(other.Take(1))), IsEmpty());
    }
    engine_->clock().Advance(absl::Seconds(3));
  }
  Until([&] { return queue->Stats().dead_letters == 1; });
  EXPECT_EQ(queue->Stats().backlog_events, 0);
}

// ---------------------------------------------------------- filters, seeks, administration, time

v1::SubscriptionSpec WantsServiceNo(const std::string& service_no) {
  v1::SubscriptionSpec spec;
  spec.mutable_filter()->add_service_nos(service_no);
  return spec;
}

NewEvent EventOfService(const std::string& call, const std::string& service_no) {
  v1::ReleaseEvent event;
  event.set_call_serial_no(call);
  event.set_service_no(service_no);
  NewEvent made = MakeEvent(call);
  made.event = event.SerializeAsString();
  return made;
}

TEST_P(SubscriptionLifeContract, WhatTheFilterExcludesIsSettledAlsoWithoutConsumers) {
  const QueuePtr queue = Queue("sales", WantsServiceNo("1"));
  AppendOne(engine_->log(), EventOfService("a", "2"));
  AppendOne(engine_->log(), EventOfService("b", "1"));
  AppendOne(engine_->log(), EventOfService("c", "2"));
  Until([&] { return queue->Stats().floor == 1; });
  TestConsumer consumer(queue);
  EXPECT_THAT(Ack(queue, Ids(consumer.Take(1))), IsEmpty());
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
  Until([&] { return queue->Stats().backlog_events == 0; });
  EXPECT_TRUE(queue->IsSettled(3));
  EXPECT_EQ(Timeline(queue, 1).state(), v1::SubscriptionTimeline::STATE_FILTERED);
}

TEST_P(SubscriptionLifeContract, ASeekBackDeliversAgainAndMakesOldIdsUnknown) {
  AppendNumbered(1, 3);
  QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(3));
  EXPECT_THAT(Ack(queue, {ids[0], ids[1]}), IsEmpty());
  ASSERT_TRUE(engine_->store().Seek("crm", 1).ok());
  EXPECT_EQ(Ack(queue, {ids[2]})[0].error, SettleError::kUnknown);
  const std::vector<Lease> again = consumer.Take(2);
  EXPECT_THAT(Sequences(again), ElementsAre(2, 3));
  EXPECT_EQ(again[0].reason, v1::Delivery::REDELIVERY_REASON_SEEK);
  EXPECT_THAT(Ack(queue, {again[0].delivery_id}), IsEmpty());
  consumer.Leave();
  engine_->Crash();
  TestConsumer later(Queue());
  EXPECT_THAT(Sequences(later.Take(1)), ElementsAre(3));
}

TEST_P(SubscriptionLifeContract, ASeekForwardPassesOverWhatLiesBetween) {
  AppendNumbered(1, 5);
  ASSERT_EQ(Queue()->Stats().backlog_events, 5);
  ASSERT_TRUE(engine_->store().Seek("crm", 4).ok());
  engine_->Crash();
  TestConsumer consumer(Queue());
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(5));
  EXPECT_EQ(Timeline(Queue(), 2).state(), v1::SubscriptionTimeline::STATE_SKIPPED);
  EXPECT_EQ(engine_->store().Seek("crm", 6).code(), absl::StatusCode::kOutOfRange);
}

// What the vendor may be told of it hangs on this: it is done with an event, and never had it.
TEST_P(SubscriptionLifeContract, WhatASubscriptionWasSparedItHasNotProcessed) {
  AppendNumbered(1, 2);
  v1::SubscriptionSpec latest;
  latest.set_start_position(v1::START_POSITION_LATEST);
  Queue("late", latest);
  Queue("sought");
  ASSERT_TRUE(engine_->store().Seek("sought", 2).ok());
  const QueuePtr queue = Queue("crm");
  TestConsumer consumer(queue);
  EXPECT_THAT(Ack(queue, {consumer.Take(1)[0].delivery_id}), IsEmpty());
  consumer.Leave();
  engine_->Crash();
  const std::vector<std::string> all = {"crm", "late", "sought", "of nobody"};
  const auto processed_by = [&](Sequence sequence) {
    return Await<std::vector<std::string>>(
        [&](auto done) { engine_->store().FindProcessedBy(sequence, all, std::move(done)); });
  };
  EXPECT_THAT(processed_by(1), ElementsAre("crm"));
  EXPECT_THAT(processed_by(2), IsEmpty());
  // Also when it is owed again, it was processed once.
  ASSERT_TRUE(engine_->store().Seek("crm", 0).ok());
  EXPECT_THAT(processed_by(1), ElementsAre("crm"));
}

TEST_P(SubscriptionLifeContract, APausedSubscriptionDeliversNothingUntilItIsResumed) {
  AppendNumbered(1, 1);
  Queue();
  ASSERT_TRUE(engine_->store().SetPaused("crm", true).ok());
  engine_->Crash();
  TestConsumer consumer(Queue());
  const PullResult pulled = consumer.PullOnce();
  EXPECT_THAT(pulled.leases, IsEmpty());
  EXPECT_FALSE(pulled.at_tail);
  ASSERT_TRUE(engine_->store().SetPaused("crm", false).ok());
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(1));
}

TEST_P(SubscriptionLifeContract, AnUpdateKeepsThePositionAndADeletionTellsTheConsumers) {
  AppendNumbered(1, 3);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(2));
  EXPECT_THAT(Ack(queue, {ids[0]}), IsEmpty());
  v1::SubscriptionSpec spec;
  spec.mutable_ack_deadline()->set_seconds(7);
  ASSERT_TRUE(engine_->store().UpdateSubscription("crm", spec).ok());
  EXPECT_EQ(consumer.Take(1)[0].ack_deadline, absl::Seconds(7));
  EXPECT_EQ(queue->Stats().backlog_events, 2);
  ASSERT_TRUE(engine_->store().DeleteSubscription("crm").ok());
  consumer.AwaitDeletion();
  EXPECT_EQ(Ack(queue, {ids[1]})[0].error, SettleError::kUnknown);
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
  engine_->Crash();
  EXPECT_FALSE(engine_->store().FindQueue("crm").ok());
}

TEST_P(SubscriptionLifeContract, DeclaredSubscriptionsBelongToTheSettings) {
  ASSERT_TRUE(engine_->store().Declare({{"crm", {}}, {"billing", {}}}).ok());
  EXPECT_EQ(engine_->store().DeleteSubscription("crm").code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(engine_->store().UpdateSubscription("crm", {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  engine_->Crash();
  ASSERT_TRUE(engine_->store().Declare({{"crm", {}}}).ok());
  EXPECT_TRUE(engine_->store().GetSubscription("crm")->declared);
  EXPECT_FALSE(engine_->store().GetSubscription("billing")->declared);
}

TEST_P(SubscriptionLifeContract, AnUnusedSubscriptionExpires) {
  Queue();
  engine_->clock().Advance(absl::Hours(30 * 24));
  EXPECT_TRUE(engine_->store().FindQueue("crm").ok());
  engine_->clock().Advance(absl::Hours(2 * 24));
  Until([&] { return !engine_->store().FindQueue("crm").ok(); });
}

TEST_P(SubscriptionLifeContract, AMonthWithoutTheGatewayIsNoMonthWithoutUse) {
  Queue();
  ASSERT_TRUE(engine_->store().Close().ok());
  engine_->clock().Advance(absl::Hours(40 * 24));
  engine_->Crash();
  engine_->clock().Advance(absl::Minutes(50));  // its consumers have an hour to come back
  AppendNumbered(1, 1);
  EXPECT_TRUE(engine_->store().FindQueue("crm").ok());
  engine_->clock().Advance(absl::Minutes(20));
  Until([&] { return !engine_->store().FindQueue("crm").ok(); });
}

TEST_P(SubscriptionLifeContract, TheBacklogLimitGivesUpTheOldestAndCountsThem) {
  v1::SubscriptionSpec spec;
  spec.mutable_backlog_limit()->set_bytes(3 * 7);  // three events of "event N"
  AppendNumbered(1, 9);
  if (!engine_->limits_backlog_by_bytes()) {
    EXPECT_EQ(engine_->store().FindOrCreateQueue("limited", spec).status().code(),
              absl::StatusCode::kUnimplemented);
    return;
  }
  QueuePtr queue = Queue("limited", spec);
  Until([&] { return queue->Stats().dropped_by_limit == 6; });
  EXPECT_EQ(queue->Stats().backlog_events, 3);
  Until([&] {
    return Timeline(queue, 1).state() == v1::SubscriptionTimeline::STATE_DROPPED_BY_LIMIT;
  });
  engine_->Restart();
  EXPECT_EQ(Queue("limited", spec)->Stats().dropped_by_limit, 6);
}

TEST_P(SubscriptionLifeContract, P8_RetentionRemovesWhatNobodyIsOwedAndKnowsRepeatsOfIt) {
  engine_->retention_age = absl::Hours(1);
  engine_->Restart();
  AppendNumbered(1, 5);  // of long ago
  QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(5));
  EXPECT_THAT(Ack(queue, {ids[0], ids[1], ids[3]}), IsEmpty());
  engine_->clock().Advance(engine_->youngest_removed());
  Until([&] { return engine_->log().first() == 3; });
  EXPECT_THAT(Contents(ReadPage(engine_->log(), 2).events),
              ElementsAre("event 3", "event 4", "event 5"));
  const AppendResult repeat = AppendOne(engine_->log(), MakeEvent("call-1", "event 1"));
  EXPECT_TRUE(repeat.duplicate);
  EXPECT_EQ(repeat.sequence, 1);
  consumer.Leave();
  engine_->Crash();
  EXPECT_EQ(engine_->log().first(), 3);
  EXPECT_EQ(engine_->log().last(), 5);
  TestConsumer later(Queue());
  const std::vector<Sequence> owed = Sequences(later.Take(2));
  EXPECT_THAT(owed, UnorderedElementsAre(3, 5));
  if (engine_->keeps_order_over_crashes()) {
    EXPECT_THAT(owed, ElementsAre(3, 5));
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, SubscriptionLifeContract, ::testing::ValuesIn(AllEngines()),
                         [](const auto& info) { return info.param.name; });

TEST_P(SubscriptionLifeContract, P8_LimitsThatAreSetLaterHoldAsIfTheStoreHadBeenOpenedWithThem) {
  AppendNumbered(1, 5);  // of long ago
  StoreLimits limits;
  limits.retention.age = absl::Hours(1);
  engine_->store().SetLimits(limits);
  engine_->clock().Advance(engine_->youngest_removed());
  Until([&] { return engine_->log().first() == 5; });
  EXPECT_TRUE(AppendOne(engine_->log(), MakeEvent("call-1", "event 1")).duplicate);
  limits.retention.deduplication_window = absl::Seconds(1);
  engine_->store().SetLimits(limits);
  Until([&] {
    engine_->clock().Advance(absl::Minutes(1));
    return !AppendOne(engine_->log(), MakeEvent("call-1", "event 1")).duplicate;
  });
}

}  // namespace
}  // namespace onhook
