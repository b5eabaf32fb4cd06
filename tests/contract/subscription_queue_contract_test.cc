// The promises of gateway/store/subscription_queue.h, kept by every engine.
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/subscription_queue_contract.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_P(SubscriptionQueueContract, Q1_ANewSubscriptionBeginsWithTheOldestEvent) {
  AppendNumbered(1, 3);
  TestConsumer consumer(Queue());
  EXPECT_THAT(Sequences(consumer.Take(3)), ElementsAre(1, 2, 3));
}

TEST_P(SubscriptionQueueContract, Q1_OneThatBeginsWithTheLatestOwesOnlyWhatComes) {
  AppendNumbered(1, 3);
  v1::SubscriptionSpec spec;
  spec.set_start_position(v1::START_POSITION_LATEST);
  const auto queue = engine_->store().FindOrCreateQueue("late", spec);
  ASSERT_TRUE(queue.ok()) << queue.status();
  AppendNumbered(4, 4);
  TestConsumer consumer(*queue);
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(4));
}

TEST_P(SubscriptionQueueContract, Q1_AWaitingConsumerIsToldOfANewEvent) {
  TestConsumer consumer(Queue());
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
  AppendNumbered(1, 1);
  consumer.WaitUntilReady();
  EXPECT_THAT(Sequences(consumer.PullOnce().leases), ElementsAre(1));
}

TEST_P(SubscriptionQueueContract, Q1_WhatIsNotSettledComesAgainAfterACrash) {
  AppendNumbered(1, 4);
  {
    const QueuePtr queue = Queue();
    TestConsumer consumer(queue);
    const std::vector<Lease> leases = consumer.Take(4);
    EXPECT_THAT(Ack(queue, {leases[1].delivery_id, leases[3].delivery_id}), IsEmpty());
  }
  engine_->Crash();
  TestConsumer consumer(Queue());
  const std::vector<Sequence> again = Sequences(consumer.Take(2));
  EXPECT_THAT(again, UnorderedElementsAre(1, 3));
  if (engine_->keeps_order_over_crashes()) {
    EXPECT_THAT(again, ElementsAre(1, 3));
  }
  EXPECT_TRUE(consumer.ReachesTail());
}

TEST_P(SubscriptionQueueContract, Q2_WhatIsSettledNeverComesAgain) {
  AppendNumbered(1, 600);
  std::set<Sequence> settled;
  for (int round = 0; round < 6; ++round) {
    const QueuePtr queue = Queue();
    TestConsumer consumer(queue);
    const std::vector<Lease> leases = consumer.Take(100);
    if (engine_->keeps_order_over_crashes()) {
      ASSERT_EQ(leases.front().event->sequence, round * 100 + 1);
    }
    // One by one, so that the journal grows.
    for (const Lease& lease : leases) {
      ASSERT_TRUE(settled.insert(lease.event->sequence).second) << lease.event->sequence;
      ASSERT_THAT(Ack(queue, {lease.delivery_id}), IsEmpty());
    }
    consumer.Leave();
    if (round % 2 == 0) {
      engine_->Crash();
    } else {
      engine_->Restart();
    }
  }
  EXPECT_EQ(Queue()->Stats().backlog_events, 0);
}

TEST_P(SubscriptionQueueContract, WhatIsSettledIsKnownToBeProcessedAfterACrash) {
  AppendNumbered(1, 2);
  v1::SubscriptionSpec spec;
  spec.set_start_position(v1::START_POSITION_LATEST);
  const QueuePtr queue = Queue("late", spec);
  AppendNumbered(3, 6);
  TestConsumer consumer(queue);
  const std::vector<Lease> leases = consumer.Take(4);
  EXPECT_THAT(Ack(queue, {leases[0].delivery_id, leases[3].delivery_id}), IsEmpty());
  consumer.Leave();
  engine_->Crash();
  // Not what lies before its start, nor what it was handed and did not settle.
  std::vector<Sequence> processed;
  for (Sequence sequence = 1; sequence <= 6; ++sequence) {
    const bool is =
        Await<bool>([&](auto done) { engine_->store().FindProcessed(sequence, std::move(done)); });
    if (is) processed.push_back(sequence);
  }
  EXPECT_THAT(processed, ElementsAre(3, 6));
}

TEST_P(SubscriptionQueueContract, Q2_SettlingTwiceDoesNoHarm) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(1));
  EXPECT_THAT(Ack(queue, {ids[0], ids[0]}), IsEmpty());
  EXPECT_THAT(Ack(queue, ids), IsEmpty());
  EXPECT_EQ(queue->Stats().outstanding_events, 0);
}

TEST_P(SubscriptionQueueContract, Q3_AnEventIsWithOneConsumerAtATime) {
  const QueuePtr queue = Queue();
  TestConsumer a(queue);
  TestConsumer b(queue);
  AppendNumbered(1, 10);
  std::vector<Sequence> all = Sequences(a.Take(4));
  for (const Sequence sequence : Sequences(b.Take(6))) all.push_back(sequence);
  EXPECT_EQ(std::set<Sequence>(all.begin(), all.end()).size(), 10);
  EXPECT_THAT(a.PullOnce().leases, IsEmpty());
}

TEST_P(SubscriptionQueueContract, Q4_WhatAConsumerHeldGoesToAnother) {
  AppendNumbered(1, 3);
  const QueuePtr queue = Queue();
  TestConsumer first(queue);
  first.Take(3);
  TestConsumer second(queue);
  EXPECT_THAT(second.PullOnce().leases, IsEmpty());
  first.Leave();
  second.WaitUntilReady();
  const std::vector<Lease> again = second.PullOnce().leases;
  EXPECT_THAT(Sequences(again), ElementsAre(1, 2, 3));
  EXPECT_EQ(again[0].reason, v1::Delivery::REDELIVERY_REASON_STREAM_LOST);
}

TEST_P(SubscriptionQueueContract, Q5_WhatComesAgainComesBeforeWhatIsNew) {
  AppendNumbered(1, 4);
  const QueuePtr queue = Queue();
  TestConsumer first(queue);
  first.Take(2);
  first.Leave();
  TestConsumer second(queue);
  EXPECT_THAT(Sequences(second.Take(4)), ElementsAre(1, 2, 3, 4));
}

TEST_P(SubscriptionQueueContract, Q6_AConsumerHoldsNoMoreThanItsLimit) {
  AppendNumbered(1, 5);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue, {2, 1 << 20});
  const std::vector<Lease> leases = consumer.Take(2);
  const PullResult full = consumer.PullOnce();
  EXPECT_THAT(full.leases, IsEmpty());
  EXPECT_FALSE(full.has_credit);
  EXPECT_THAT(Ack(queue, {leases[0].delivery_id}), IsEmpty());
  consumer.WaitUntilReady();
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(3));
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
}

TEST_P(SubscriptionQueueContract, Q6_OneEventIsLetThroughWhateverItsSize) {
  AppendNumbered(1, 2);
  TestConsumer consumer(Queue(), {10, 1});
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(1));
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
}

TEST_P(SubscriptionQueueContract, Q6_ALimitThatIsRaisedTakesEffectAtOnce) {
  AppendNumbered(1, 3);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue, {1, 1 << 20});
  consumer.Take(1);
  EXPECT_THAT(consumer.PullOnce().leases, IsEmpty());
  queue->SetLimits(consumer.id(), {3, 1 << 20});
  consumer.WaitUntilReady();
  EXPECT_THAT(Sequences(consumer.Take(2)), ElementsAre(2, 3));
}

TEST_P(SubscriptionQueueContract, Q8_ADeliveryIdSettlesFromAnotherConsumer) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer first(queue);
  const std::vector<std::string> ids = Ids(first.Take(1));
  first.Leave();
  TestConsumer second(queue);
  second.Take(1);
  EXPECT_THAT(Ack(queue, ids), IsEmpty());
  EXPECT_EQ(queue->Stats().backlog_events, 0);
}

TEST_P(SubscriptionQueueContract, Q8_ADeliveryIdSettlesAfterARestart) {
  AppendNumbered(1, 3);
  std::vector<std::string> ids;
  {
    TestConsumer consumer(Queue());
    ids = Ids(consumer.Take(3));
  }
  engine_->Crash();
  const QueuePtr queue = Queue();
  EXPECT_THAT(Ack(queue, {ids[0], ids[2]}), IsEmpty());
  TestConsumer consumer(queue);
  EXPECT_THAT(Sequences(consumer.Take(1)), ElementsAre(2));
  EXPECT_TRUE(consumer.ReachesTail());
}

TEST_P(SubscriptionQueueContract, IdsOfOtherSubscriptionsAndForgedOnesAreUnknown) {
  AppendNumbered(1, 2);
  const QueuePtr crm = Queue("crm");
  const QueuePtr billing = Queue("billing");
  TestConsumer consumer(crm);
  const std::vector<std::string> ids = Ids(consumer.Take(2));
  const std::vector<SettleException> exceptions =
      Ack(billing, {ids[0], "", "nonsense", ids[1] + "x", std::string(5000, '1')});
  EXPECT_EQ(exceptions.size(), 5);
  for (const SettleException& exception : exceptions) {
    EXPECT_EQ(exception.error, SettleError::kUnknown);
  }
  EXPECT_EQ(billing->Stats().backlog_events, 2);
  const std::string beyond = ids[1].substr(0, 17) + "99-1";
  EXPECT_EQ(Ack(crm, {ids[0], beyond}).size(), 1);
  EXPECT_EQ(crm->Stats().backlog_events, 1);
}

TEST_P(SubscriptionQueueContract, SubscriptionsDoNotTouchOneAnother) {
  AppendNumbered(1, 2);
  const QueuePtr crm = Queue("crm");
  TestConsumer a(crm);
  TestConsumer b(Queue("billing"));
  EXPECT_THAT(Ack(crm, Ids(a.Take(2))), IsEmpty());
  EXPECT_THAT(Sequences(b.Take(2)), ElementsAre(1, 2));
}

TEST_P(SubscriptionQueueContract, ASubscriptionExistsAfterACrash) {
  Queue("crm");
  engine_->Crash();
  EXPECT_TRUE(engine_->store().FindQueue("crm").ok());
  EXPECT_EQ(engine_->store().FindQueue("billing").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(SubscriptionQueueContract, CreatingAgainWithAnotherSpecificationIsRefused) {
  const QueuePtr queue = Queue("crm");
  v1::SubscriptionSpec spec;
  EXPECT_EQ(*engine_->store().FindOrCreateQueue("crm", spec), queue);
  spec.set_max_unacked_events(5);
  EXPECT_EQ(engine_->store().FindOrCreateQueue("crm", spec).status().code(),
            absl::StatusCode::kFailedPrecondition);
  spec.set_max_unacked_events(0);
  EXPECT_EQ(engine_->store().FindOrCreateQueue("new", spec).status().code(),
            absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Engines, SubscriptionQueueContract, ::testing::ValuesIn(AllEngines()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace onhook
