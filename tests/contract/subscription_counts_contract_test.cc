// What every engine counts of a subscription's deliveries, and of what limits remove.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/contract/subscription_queue_contract.h"

namespace onhook {
namespace {

using ::testing::IsEmpty;

using Action = SettleRequest::Action;

class SubscriptionCountsContract : public SubscriptionQueueContract {
 protected:
  static int64_t Of(const QueuePtr& queue, SettleResult result) {
    return queue->Counts().results[static_cast<size_t>(result)];
  }
  // Every result but these is 0.
  static void ExpectOnly(const QueuePtr& queue,
                         const std::vector<std::pair<SettleResult, int64_t>>& expected) {
    std::array<int64_t, kSettleResults> results = {};
    for (const auto& [result, count] : expected) results[static_cast<size_t>(result)] = count;
    EXPECT_EQ(queue->Counts().results, results);
  }
};

TEST_P(SubscriptionCountsContract, NothingIsCountedAtFirst) {
  const QueueCounts counts = Queue()->Counts();
  EXPECT_EQ(counts.first_deliveries, 0);
  EXPECT_EQ(counts.redeliveries, 0);
  EXPECT_EQ(counts.first_delivery_latency.total(), 0u);
  EXPECT_EQ(counts.parked, 0);
  ExpectOnly(Queue(), {});
}

TEST_P(SubscriptionCountsContract, AFirstDeliveryIsTimedFromTheReceiptOfItsEvent) {
  NewEvent event = MakeEvent("call-1", "event 1");
  event.received_at = engine_->clock().Now();
  AppendOne(engine_->log(), event);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  engine_->clock().Advance(absl::Seconds(7));
  consumer.Take(1);
  const QueueCounts counts = queue->Counts();
  EXPECT_EQ(counts.first_deliveries, 1);
  EXPECT_EQ(counts.first_delivery_latency.total(), 1u);
  EXPECT_GE(counts.first_delivery_latency.sum, 7);
}

TEST_P(SubscriptionCountsContract, AnEventFromTheFutureTookNoTime) {
  NewEvent event = MakeEvent("call-1", "event 1");
  event.received_at = engine_->clock().Now() + absl::Hours(1);
  AppendOne(engine_->log(), event);
  const QueuePtr queue = Queue();
  TestConsumer(queue).Take(1);
  EXPECT_EQ(queue->Counts().first_delivery_latency.counts[0], 1u);
  EXPECT_EQ(queue->Counts().first_delivery_latency.sum, 0);
}

TEST_P(SubscriptionCountsContract, WhatComesAgainIsCountedApartAndNotTimed) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(1));
  EXPECT_THAT(Nack(queue, ids, Action::kRetry, "", absl::ZeroDuration()), IsEmpty());
  consumer.Take(1);
  const QueueCounts counts = queue->Counts();
  EXPECT_EQ(counts.first_deliveries, 1);
  EXPECT_EQ(counts.redeliveries, 1);
  EXPECT_EQ(counts.first_delivery_latency.total(), 1u);
}

TEST_P(SubscriptionCountsContract, WhatWasHandedOutAndNotWrittenIsNotCounted) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  const ConsumerId consumer = queue->Attach({"consumer", {}, {}}, {[] {}, [] {}});
  Until([&] { return !queue->Pull(consumer, ReadLimits()).leases.empty(); });
  EXPECT_EQ(queue->Counts().first_deliveries, 0);
}

TEST_P(SubscriptionCountsContract, EachAskedForIsCountedByWhatItWasTold) {
  AppendNumbered(1, 6);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(6));
  Ack(queue, {ids[0], ids[1], "nonsense"});
  Nack(queue, {ids[2]}, Action::kRetry, "", absl::Hours(1));
  Nack(queue, {ids[3]}, Action::kPark);
  Nack(queue, {ids[4]}, Action::kSkip);
  Nack(queue, {ids[5]}, Action::kRelease);
  Nack(queue, {ids[0], ids[3]}, Action::kRetry);
  ExpectOnly(queue, {{SettleResult::kAcked, 2},
                     {SettleResult::kUnknown, 1},
                     {SettleResult::kRetry, 1},
                     {SettleResult::kPark, 1},
                     {SettleResult::kSkip, 1},
                     {SettleResult::kRelease, 1},
                     {SettleResult::kStale, 2}});
  EXPECT_EQ(queue->Counts().parked, 1);
}

TEST_P(SubscriptionCountsContract, ADeadlineThatPassesIsCountedOnce) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  consumer.Take(1);
  engine_->clock().Advance(absl::Seconds(31));
  Until([&] { return Of(queue, SettleResult::kExpired) > 0; });
  engine_->clock().Advance(absl::Seconds(3));
  consumer.Take(1);
  ExpectOnly(queue, {{SettleResult::kExpired, 1}});
}

TEST_P(SubscriptionCountsContract, AnEventThatIsParkedByExhaustionWasARetryForItsConsumer) {
  v1::SubscriptionSpec spec;
  spec.set_max_delivery_attempts(1);
  spec.mutable_minimum_retry_time()->set_seconds(0);
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue("poisoned", spec);
  TestConsumer consumer(queue);
  Nack(queue, Ids(consumer.Take(1)), Action::kRetry);
  ExpectOnly(queue, {{SettleResult::kRetry, 1}});
  EXPECT_EQ(queue->Counts().parked, 1);
  EXPECT_EQ(queue->Stats().dead_letters, 1);
}

TEST_P(SubscriptionCountsContract, AfterItsDeletionASubscriptionCountsWhatItIsAskedAsUnknown) {
  AppendNumbered(1, 1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<std::string> ids = Ids(consumer.Take(1));
  ASSERT_TRUE(engine_->store().DeleteSubscription("crm").ok());
  Ack(queue, ids);
  ExpectOnly(queue, {{SettleResult::kUnknown, 1}});
  EXPECT_THAT(engine_->store().ListQueues(), IsEmpty());
}

TEST_P(SubscriptionCountsContract, APausedSubscriptionSaysSo) {
  const QueuePtr queue = Queue();
  EXPECT_FALSE(queue->Stats().paused);
  ASSERT_TRUE(engine_->store().SetPaused("crm", true).ok());
  EXPECT_TRUE(queue->Stats().paused);
}

TEST_P(SubscriptionCountsContract, QueuesAreListedByName) {
  for (const char* name : {"crm", "billing"}) Queue(name);
  std::vector<std::string> names;
  for (const QueuePtr& queue : engine_->store().ListQueues()) names.push_back(queue->name());
  EXPECT_THAT(names, ::testing::ElementsAre("billing", "crm"));
}

TEST_P(SubscriptionCountsContract, TheStoreCountsTheEventsThatItKeeps) {
  EXPECT_EQ(engine_->store().Stats().events, 0);
  AppendNumbered(1, 3);
  EXPECT_EQ(engine_->store().Stats().events, 3);
  Until([this] { return engine_->store().Stats().bytes > 0; });  // servers are asked now and then
}

INSTANTIATE_TEST_SUITE_P(Engines, SubscriptionCountsContract, ::testing::ValuesIn(AllEngines()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace onhook
