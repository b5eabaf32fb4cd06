#include "gateway/store/embedded/embedded_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "gateway/store/delivery_id.h"
#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ConsumerLimits kOneEvent = {1, 1 << 20};

class EmbeddedQueueTest : public EmbeddedStoreFixture {
 protected:
  EmbeddedQueueTest() { Open(); }

  // Where nothing but the newest event is kept in memory.
  void OpenWithTinyTail() {
    options_.tail_bytes = 1;
    Open();
  }
  // Another id of the same subscription.
  static std::string Sibling(const std::string& delivery_id, Sequence sequence,
                             uint64_t epoch_distance = 0) {
    DeliveryId id = *DeliveryId::FromText(delivery_id);
    id.sequence = sequence;
    id.epoch += epoch_distance;
    return id.ToText();
  }
};

// --- settling

TEST_F(EmbeddedQueueTest, AnAckThatCannotBeStoredIsToBeRepeatedAndTheEventStays) {
  QueuePtr queue = Queue();
  AppendMany(1);
  TestConsumer consumer(queue);
  const std::string id = consumer.Pull().leases.at(0).delivery_id;
  faults_.Fail(Call::kCommit, absl::ResourceExhaustedError("disk full"));
  EXPECT_THAT(Ack(queue, {id}), ElementsAre("0:retry"));
  EXPECT_EQ(queue->Stats().outstanding_events, 1);
  EXPECT_THAT(Ack(queue, {id}), IsEmpty());
  EXPECT_EQ(queue->Stats().backlog_events, 0);
}

// By the clock of these tests a lingering commit's time never comes.
TEST_F(EmbeddedQueueTest, AnAckDoesNotLingerWhileItsConsumerWaitsForCredit) {
  options_.commits.linger = absl::Hours(1);
  Open();
  QueuePtr queue = Queue();
  AppendMany(3);
  TestConsumer consumer(queue, kOneEvent);
  const std::string first = consumer.Pull().leases.at(0).delivery_id;
  EXPECT_THAT(SequencesOf(consumer.Pull()), IsEmpty()) << "it has no credit";
  queue->Settle(AckOf({first}), [](const auto&) {});
  const PullResult second = consumer.PullWhenReady();
  EXPECT_THAT(SequencesOf(second), ElementsAre(2));
  queue->Settle(AckOf({second.leases.at(0).delivery_id}), [](const auto&) {});
  EXPECT_EQ(queue->Stats().outstanding_events, 1) << "nobody waits for it yet";
  EXPECT_THAT(SequencesOf(consumer.PullWhenReady()), ElementsAre(3));
}

TEST_F(EmbeddedQueueTest, AnEventWhoseAckFailedComesAgainWhenItsConsumerIsGone) {
  QueuePtr queue = Queue();
  AppendMany(1);
  TestConsumer first(queue);
  const std::string id = first.Pull().leases.at(0).delivery_id;
  faults_.Fail(Call::kInsertSettlement, absl::UnavailableError("not now"));
  EXPECT_THAT(Ack(queue, {id}), ElementsAre("0:retry"));
  first.Detach();
  TestConsumer second(queue);
  const PullResult pulled = second.Pull();
  EXPECT_THAT(SequencesOf(pulled), ElementsAre(1));
  EXPECT_EQ(pulled.leases[0].reason, v1::Delivery::REDELIVERY_REASON_STREAM_LOST);
}

TEST_F(EmbeddedQueueTest, AWaitingConsumerHearsOfAnEventWhoseAckFailed) {
  QueuePtr queue = Queue();
  AppendMany(1);
  TestConsumer first(queue);
  TestConsumer second(queue);
  const std::string id = first.Pull().leases.at(0).delivery_id;
  HeldCall commit(&faults_, Call::kCommit);
  faults_.Fail(Call::kCommit, absl::UnavailableError("not now"));
  absl::Notification done;
  queue->Settle(AckOf({id}), [&done](const auto&) { done.Notify(); });
  commit.Await();
  first.Detach();
  EXPECT_THAT(SequencesOf(second.Pull()), IsEmpty()) << "it is being settled";
  commit.Release();
  done.WaitForNotification();
  EXPECT_THAT(SequencesOf(second.PullWhenReady()), ElementsAre(1));
}

TEST_F(EmbeddedQueueTest, IdsThatNameNoDeliveryAreUnknown) {
  QueuePtr queue = Queue();
  AppendMany(2);
  TestConsumer consumer(queue);
  const std::string id = consumer.Pull().leases.at(0).delivery_id;
  const std::string foreign = Sibling(id, 1, /*epoch_distance=*/1);
  const std::string beyond = Sibling(id, 3);
  EXPECT_THAT(Ack(queue, {"", foreign, id, beyond, "nonsense"}),
              ElementsAre("0:unknown", "1:unknown", "3:unknown", "4:unknown"));
  EXPECT_EQ(queue->Stats().backlog_events, 1) << "the one that was right is settled";
}

TEST_F(EmbeddedQueueTest, UnknownAndFailedIdsAreReportedInTheOrderOfTheRequest) {
  QueuePtr queue = Queue();
  AppendMany(3);
  TestConsumer consumer(queue);
  const PullResult pulled = consumer.Pull();
  faults_.Fail(Call::kCommit, absl::UnavailableError("not now"));
  EXPECT_THAT(Ack(queue, {pulled.leases[2].delivery_id, "?", pulled.leases[0].delivery_id}),
              ElementsAre("0:retry", "1:unknown", "2:retry"));
}

TEST_F(EmbeddedQueueTest, AnIdFromBeforeARestartSettlesItsEvent) {
  AppendMany(2);
  const std::string id = TestConsumer(Queue()).Pull().leases.at(0).delivery_id;
  Open();
  QueuePtr queue = Queue();
  EXPECT_THAT(Ack(queue, {id}), IsEmpty());
  TestConsumer consumer(queue);
  EXPECT_THAT(SequencesOf(consumer.PullWhenReady()), ElementsAre(2));
}

// After a restart nobody remembers what was handed out; so an id is taken at its word.
TEST_F(EmbeddedQueueTest, AnEventMayBeSettledBeforeItIsHandedOut) {
  QueuePtr queue = Queue();
  AppendMany(4);
  TestConsumer consumer(queue, kOneEvent);
  const std::string id = consumer.Pull().leases.at(0).delivery_id;
  EXPECT_THAT(Ack(queue, {Sibling(id, 3), Sibling(id, 2)}), IsEmpty());
  consumer.SetLimits(ConsumerLimits());
  EXPECT_THAT(SequencesOf(consumer.Pull()), ElementsAre(4));
}

TEST_F(EmbeddedQueueTest, AnIdNamedTwiceIsSettledOnce) {
  QueuePtr queue = Queue();
  AppendMany(1);
  TestConsumer consumer(queue);
  const std::string id = consumer.Pull().leases.at(0).delivery_id;
  EXPECT_THAT(Ack(queue, {id, id}), IsEmpty());
  EXPECT_THAT(Ack(queue, {id}), IsEmpty());
  EXPECT_EQ(faults_.count(Call::kInsertSettlement), 1);
}

// A request that is refused at once must not touch those that are being written.
TEST_F(EmbeddedQueueTest, ARefusedAckLeavesTheOneUnderWayAlone) {
  options_.commits.max_pending = 1;
  Open();
  QueuePtr queue = Queue();
  AppendMany(2);
  TestConsumer consumer(queue);
  const PullResult pulled = consumer.Pull();
  HeldCall commit(&faults_, Call::kCommit);
  std::vector<SettleException> exceptions;
  absl::Notification done;
  queue->Settle(AckOf({pulled.leases[0].delivery_id}), [&](auto result) {
    exceptions = std::move(result);
    done.Notify();
  });
  commit.Await();
  absl::Notification appended;
  store_->log().Append(EventNamed("fills the queue"), [&](const auto&) { appended.Notify(); });
  EXPECT_THAT(Ack(queue, {pulled.leases[1].delivery_id}), ElementsAre("0:retry"));
  commit.Release();
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(absl::Seconds(30)));
  EXPECT_THAT(exceptions, IsEmpty());
  appended.WaitForNotification();
  EXPECT_EQ(queue->Stats().backlog_events, 2);
}

TEST_F(EmbeddedQueueTest, TheFloorIsSavedEveryFewHundredCommits) {
  QueuePtr queue = Queue();
  AppendMany(600);
  TestConsumer consumer(queue);
  for (const Lease& lease : consumer.Pull({1000, 1 << 20}).leases) {
    ASSERT_THAT(Ack(queue, {lease.delivery_id}), IsEmpty());
  }
  EXPECT_EQ(faults_.count(Call::kSaveProgress), 2);
}

TEST_F(EmbeddedQueueTest, AFloorThatCouldNotBeSavedIsSavedWithTheNextCommit) {
  QueuePtr queue = Queue();
  AppendMany(300);
  TestConsumer consumer(queue);
  faults_.Fail(Call::kSaveProgress, absl::UnavailableError("not now"));
  int failed = 0;
  for (const Lease& lease : consumer.Pull({1000, 1 << 20}).leases) {
    failed += static_cast<int>(Ack(queue, {lease.delivery_id}).size());
  }
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(faults_.count(Call::kSaveProgress), 2);
}

// --- who hears of what

TEST_F(EmbeddedQueueTest, WhatMustBeReadFromDiskIsAnnounced) {
  OpenWithTinyTail();
  QueuePtr queue = Queue();
  AppendMany(3);
  HeldCall read(&faults_, Call::kRead);
  TestConsumer consumer(queue);
  TestConsumer other(queue);
  const PullResult pulled = consumer.Pull();
  EXPECT_THAT(SequencesOf(pulled), IsEmpty());
  EXPECT_FALSE(pulled.at_tail);
  EXPECT_TRUE(pulled.has_credit);
  EXPECT_THAT(SequencesOf(other.Pull()), IsEmpty());
  EXPECT_EQ(consumer.ready_calls(), 0);
  read.Release();
  consumer.AwaitReady();
  EXPECT_THAT(SequencesOf(consumer.Pull()), ElementsAre(1, 2)) << "its share";
  other.AwaitReady();
  EXPECT_THAT(SequencesOf(other.Pull()), ElementsAre(3));
}

TEST_F(EmbeddedQueueTest, AFailedReadIsTriedAgainWithTheNextEvent) {
  OpenWithTinyTail();
  QueuePtr queue = Queue();
  AppendMany(2);
  faults_.Fail(Call::kRead, absl::InternalError("no luck"));
  TestConsumer consumer(queue);
  EXPECT_THAT(SequencesOf(consumer.Pull()), IsEmpty());
  ASSERT_TRUE(Read(0).ok()) << "waits until the failed one is done";
  AppendMany(1);
  EXPECT_THAT(SequencesOf(consumer.PullWhenReady()), ElementsAre(1, 2, 3));
}

TEST_F(EmbeddedQueueTest, AnEventReturnedWithoutHavingBeenReadIsRead) {
  OpenWithTinyTail();
  QueuePtr queue = Queue();
  AppendMany(3);
  const std::string id = TestConsumer(queue).PullWhenReady().leases.at(0).delivery_id;
  Open();
  queue = Queue();
  faults_.Fail(Call::kCommit, absl::UnavailableError("not now"));
  EXPECT_THAT(Ack(queue, {Sibling(id, 2)}), ElementsAre("0:retry"));
  TestConsumer consumer(queue);
  std::vector<Sequence> all;
  while (all.size() < 3) {
    for (const Sequence sequence : SequencesOf(consumer.PullWhenReady())) all.push_back(sequence);
  }
  EXPECT_THAT(all, ElementsAre(2, 1, 3)) << "what may have been handed out comes first";
}

TEST_F(EmbeddedQueueTest, CreditFreedByAnothersAckIsAnnounced) {
  QueuePtr queue = Queue();
  AppendMany(2);
  TestConsumer consumer(queue, kOneEvent);
  const std::string id = consumer.Pull().leases.at(0).delivery_id;
  const PullResult nothing = consumer.Pull();
  EXPECT_THAT(SequencesOf(nothing), IsEmpty());
  EXPECT_FALSE(nothing.has_credit);
  EXPECT_FALSE(nothing.at_tail);
  Ack(queue, {id});
  consumer.AwaitReady();
  EXPECT_THAT(SequencesOf(consumer.Pull()), ElementsAre(2));
}

TEST_F(EmbeddedQueueTest, RaisedLimitsAreAnnounced) {
  QueuePtr queue = Queue();
  AppendMany(2);
  TestConsumer consumer(queue, kOneEvent);
  consumer.Pull();
  consumer.Pull();
  consumer.SetLimits(ConsumerLimits());
  consumer.AwaitReady();
  EXPECT_THAT(SequencesOf(consumer.Pull()), ElementsAre(2));
}

TEST_F(EmbeddedQueueTest, APausedConsumerTakesNoSignalFromAnother) {
  const QueuePtr queue = Queue();
  TestConsumer first(queue);
  TestConsumer second(queue);
  EXPECT_TRUE(first.Pull().leases.empty());
  EXPECT_TRUE(second.Pull().leases.empty());
  ConsumerLimits paused;
  paused.paused = true;
  first.SetLimits(paused);
  EXPECT_TRUE(Append("a").ok());
  second.AwaitReady();
  EXPECT_THAT(SequencesOf(second.Pull()), ElementsAre(1));
  EXPECT_TRUE(Append("b").ok());
  first.SetLimits({});
  first.AwaitReady();
  EXPECT_THAT(SequencesOf(first.Pull()), ElementsAre(2));
}

TEST_F(EmbeddedQueueTest, AConsumerHoldsNoMoreBytesThanItMay) {
  QueuePtr queue = Queue();
  AppendMany(3);  // of 12 bytes
  TestConsumer consumer(queue, {100, 30});
  const PullResult pulled = consumer.Pull();
  EXPECT_THAT(SequencesOf(pulled), ElementsAre(1, 2));
  EXPECT_THAT(SequencesOf(consumer.Pull()), IsEmpty());
  Ack(queue, {pulled.leases[0].delivery_id});
  consumer.AwaitReady();
  EXPECT_THAT(SequencesOf(consumer.Pull()), ElementsAre(3));
}

// At the limit a queue hands out nothing, although it owes: that is not the tail.
TEST_F(EmbeddedQueueTest, AtTheLimitOfUnsettledEventsItIsNotAtTheTail) {
  QueuePtr queue = Queue(/*max_unacked_events=*/2);
  AppendMany(3);
  TestConsumer consumer(queue);
  EXPECT_THAT(SequencesOf(consumer.Pull()), ElementsAre(1, 2));
  EXPECT_FALSE(consumer.Pull().at_tail);
}

TEST_F(EmbeddedQueueTest, RoomBelowTheLimitOfUnsettledEventsIsAnnounced) {
  QueuePtr queue = Queue(/*max_unacked_events=*/2);
  AppendMany(3);
  TestConsumer first(queue, kOneEvent);
  TestConsumer second(queue);
  const std::string id = first.Pull().leases.at(0).delivery_id;
  EXPECT_THAT(SequencesOf(second.Pull()), ElementsAre(2));
  EXPECT_THAT(SequencesOf(second.Pull()), IsEmpty());
  EXPECT_EQ(second.ready_calls(), 0);
  Ack(queue, {id});
  second.AwaitReady();
  EXPECT_THAT(SequencesOf(second.Pull()), ElementsAre(3));
}

TEST_F(EmbeddedQueueTest, AtTheTailAConsumerWaitsForEventsOnly) {
  QueuePtr queue = Queue();
  AppendMany(1);
  TestConsumer consumer(queue);
  const std::string id = consumer.Pull().leases.at(0).delivery_id;
  const PullResult nothing = consumer.Pull();
  EXPECT_TRUE(nothing.at_tail);
  EXPECT_TRUE(nothing.has_credit);
  Ack(queue, {id});
  EXPECT_EQ(consumer.ready_calls(), 0);
  AppendMany(1);
  consumer.AwaitReady();
  AppendMany(1);
  EXPECT_EQ(consumer.ready_calls(), 0) << "once for each Pull that gave nothing";
}

TEST_F(EmbeddedQueueTest, ADetachedConsumerHearsNothingAndGetsNothing) {
  QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  consumer.Pull();
  consumer.Detach();
  AppendMany(1);
  EXPECT_EQ(consumer.ready_calls(), 0);
  EXPECT_THAT(SequencesOf(consumer.Pull()), IsEmpty());
  consumer.Detach();
}

TEST_F(EmbeddedQueueTest, AFailedCommitConfirmsNothingThatItWasToWrite) {
  QueuePtr queue = Queue();
  AppendMany(2);
  TestConsumer consumer(queue, kOneEvent);
  DeliveryId id = *DeliveryId::FromText(consumer.Pull().leases.at(0).delivery_id);
  ++id.sequence;
  // From now on everything is excluded, in memory at once.
  v1::SubscriptionSpec spec;
  spec.mutable_filter()->add_sources("another");
  ASSERT_TRUE(store_->UpdateSubscription("crm", spec).ok());
  const int commits = faults_.count(Call::kCommit);
  faults_.Fail(Call::kCommit, absl::ResourceExhaustedError("disk full"));
  TestConsumer other(queue);
  EXPECT_THAT(SequencesOf(other.Pull()), IsEmpty());
  while (faults_.count(Call::kCommit) == commits) std::this_thread::yield();
  faults_.Fail(Call::kCommit, absl::ResourceExhaustedError("disk full"));
  EXPECT_THAT(Ack(queue, {id.ToText(), "nonsense"}), ElementsAre("0:retry", "1:unknown"));
  EXPECT_THAT(Ack(queue, {id.ToText()}), IsEmpty());
}

TEST_F(EmbeddedQueueTest, WhatCannotBeParkedStaysOwed) {
  QueuePtr queue = Queue();
  AppendMany(1);
  TestConsumer consumer(queue);
  SettleRequest park;
  park.action = SettleRequest::Action::kPark;
  park.delivery_ids = {consumer.Pull().leases.at(0).delivery_id};
  for (const Call call : {Call::kInsertHistory, Call::kInsertDeadLetter}) {
    faults_.Fail(call, absl::ResourceExhaustedError("disk full"));
    absl::Notification answered;
    queue->Settle(park, [&](const std::vector<SettleException>& exceptions) {
      ASSERT_EQ(exceptions.size(), 1U);
      EXPECT_EQ(exceptions[0].error, SettleError::kRetryLater);
      answered.Notify();
    });
    answered.WaitForNotification();
    EXPECT_EQ(queue->Stats().outstanding_events, 1);
    EXPECT_EQ(queue->Stats().dead_letters, 0);
  }
}

TEST_F(EmbeddedQueueTest, AFloodOfRequestsIsWrittenInSeveralTransactions) {
  constexpr int kRequests = 5000;
  QueuePtr queue = Queue();
  AppendMany(kRequests);
  TestConsumer consumer(queue, {kRequests, 1 << 30});
  std::vector<std::string> ids;
  while (ids.size() < kRequests) {
    for (const Lease& lease : consumer.Pull().leases) ids.push_back(lease.delivery_id);
  }
  absl::BlockingCounter answered(kRequests);
  const int before = faults_.count(Call::kBegin);
  {
    HeldCall commit(&faults_, Call::kCommit);
    std::thread holder([this] { ASSERT_TRUE(Append("held").ok()); });
    commit.Await();
    for (const std::string& id : ids) {
      queue->Settle(AckOf({id}), [&](const std::vector<SettleException>& exceptions) {
        EXPECT_THAT(exceptions, IsEmpty());
        answered.DecrementCount();
      });
    }
    commit.Release();
    holder.join();
  }
  answered.Wait();
  EXPECT_GE(faults_.count(Call::kBegin) - before, 1 + 3);
  EXPECT_EQ(queue->Stats().backlog_events, 1);
}

}  // namespace
}  // namespace onhook
