// What meets in one transaction happens in the order of its writing, in memory as on disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OneTransactionTest : public EmbeddedStoreFixture {
 protected:
  OneTransactionTest() { Open(); }

  // What `begin` submits is written by one transaction. It must not wait.
  template <typename Begin>
  void InOneTransaction(Begin begin) {
    HeldCall commit(&faults_, Call::kCommit);
    std::thread holder([this] { ASSERT_TRUE(Append("held").ok()); });
    commit.Await();
    begin();
    commit.Release();
    holder.join();
  }
  void Settle(const QueuePtr& queue, SettleRequest::Action action, const std::string& id,
              absl::Notification& settled) {
    SettleRequest request = AckOf({id});
    request.action = action;
    queue->Settle(std::move(request), [&settled](const std::vector<SettleException>& exceptions) {
      EXPECT_THAT(exceptions, IsEmpty());
      settled.Notify();
    });
  }
  void Change(const QueuePtr& queue, bool redrive, absl::Notification& changed) {
    const auto done = [&changed](const absl::StatusOr<DeadLetterOutcome>& outcome) {
      EXPECT_EQ(outcome->done, 1);
      changed.Notify();
    };
    redrive ? queue->Redrive({true, {}}, done) : queue->Discard({true, {}}, done);
  }
  size_t ListedDeadLetters(const QueuePtr& queue) {
    size_t listed = 0;
    absl::Notification answered;
    queue->ListDeadLetters(0, ReadLimits(), [&](absl::StatusOr<std::vector<DeadLetter>> letters) {
      listed = letters->size();
      answered.Notify();
    });
    answered.WaitForNotification();
    return listed;
  }
  // A dead letter, and its event with a consumer once more, because of a seek.
  std::string ParkAndReplay(const QueuePtr& queue, TestConsumer& consumer) {
    absl::Notification parked;
    Settle(queue, SettleRequest::Action::kPark, consumer.PullWhenReady().leases[0].delivery_id,
           parked);
    parked.WaitForNotification();
    EXPECT_TRUE(store_->Seek("crm", 0).ok());
    return consumer.PullWhenReady().leases[0].delivery_id;
  }
};

TEST_F(OneTransactionTest, WhatIsParkedAndThenRedrivenIsOwed) {
  const QueuePtr queue = Queue();
  AppendMany(1);
  TestConsumer consumer(queue, {1, 1 << 20});
  const std::string id = ParkAndReplay(queue, consumer);
  absl::Notification parked;
  absl::Notification redriven;
  InOneTransaction([&] {
    Settle(queue, SettleRequest::Action::kPark, id, parked);
    Change(queue, /*redrive=*/true, redriven);
  });
  parked.WaitForNotification();
  redriven.WaitForNotification();
  EXPECT_EQ(queue->Stats().dead_letters, 0);
  EXPECT_EQ(ListedDeadLetters(queue), 0U);
  EXPECT_THAT(SequencesOf(consumer.PullWhenReady()), ElementsAre(1));
}

TEST_F(OneTransactionTest, WhatIsParkedAndThenDiscardedIsGone) {
  const QueuePtr queue = Queue();
  AppendMany(1);
  TestConsumer consumer(queue, {1, 1 << 20});
  const std::string id = ParkAndReplay(queue, consumer);
  absl::Notification parked;
  absl::Notification discarded;
  InOneTransaction([&] {
    Settle(queue, SettleRequest::Action::kPark, id, parked);
    Change(queue, /*redrive=*/false, discarded);
  });
  parked.WaitForNotification();
  discarded.WaitForNotification();
  EXPECT_EQ(queue->Stats().dead_letters, 0);
  EXPECT_EQ(ListedDeadLetters(queue), 0U);
}

TEST_F(OneTransactionTest, WhatWasRedrivenIsAckedAndThenOwedBecauseOfASeekAndIntact) {
  const QueuePtr queue = Queue();
  AppendMany(1);
  TestConsumer consumer(queue, {1, 1 << 20});
  absl::Notification parked;
  Settle(queue, SettleRequest::Action::kPark, consumer.PullWhenReady().leases[0].delivery_id,
         parked);
  parked.WaitForNotification();
  absl::Notification redriven;
  Change(queue, /*redrive=*/true, redriven);
  redriven.WaitForNotification();
  const std::string id = consumer.PullWhenReady().leases[0].delivery_id;
  absl::Notification acked;
  std::thread seeking;
  InOneTransaction([&] {
    Settle(queue, SettleRequest::Action::kAck, id, acked);
    seeking = std::thread([this] { EXPECT_TRUE(store_->Seek("crm", 0).ok()); });
  });
  acked.WaitForNotification();
  seeking.join();
  EXPECT_THAT(SequencesOf(consumer.PullWhenReady()), ElementsAre(1));
  EXPECT_EQ(queue->Stats().dead_letters, 0);
}

TEST_F(OneTransactionTest, AnAckThatWasBegunBeforeItsEventWasParkedLeavesNoDeadLetter) {
  const QueuePtr queue = Queue();
  AppendMany(1);
  TestConsumer consumer(queue, {1, 1 << 20});
  const std::string id = consumer.PullWhenReady().leases[0].delivery_id;
  absl::Notification parked;
  absl::Notification acked;
  InOneTransaction([&] {
    Settle(queue, SettleRequest::Action::kPark, id, parked);
    Settle(queue, SettleRequest::Action::kAck, id, acked);
  });
  parked.WaitForNotification();
  acked.WaitForNotification();
  EXPECT_EQ(queue->Stats().dead_letters, 0);
  EXPECT_EQ(ListedDeadLetters(queue), 0U);
}

}  // namespace
}  // namespace onhook
