#include "gateway/store/embedded/embedded_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "tests/unit/store/embedded_store_fixture.h"

namespace onhook {
namespace {

class EmbeddedStoreTest : public EmbeddedStoreFixture {
 protected:
  EmbeddedStoreTest() { Open(); }
};

TEST_F(EmbeddedStoreTest, AFailedCommitLeavesNoGapInTheSequences) {
  ASSERT_EQ(Append("a")->sequence, 1);
  faults_.Fail(Call::kCommit, absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(Append("b").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store_->log().last(), 1);
  EXPECT_EQ(Append("c")->sequence, 2);
  EXPECT_EQ(Append("b")->sequence, 3);
}

TEST_F(EmbeddedStoreTest, AFailureAmidABatchLeavesNoGapInTheSequences) {
  HeldCall commit(&faults_, Call::kCommit);
  std::thread holder([this] { ASSERT_TRUE(Append("held").ok()); });
  commit.Await();
  faults_.Fail(Call::kInsertEvent, absl::UnavailableError("not now"), 3);
  absl::BlockingCounter answered(3);
  for (const char* name : {"a", "b", "c"}) {
    store_->log().Append(EventNamed(name), [&](const absl::StatusOr<AppendResult>& result) {
      EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
      answered.DecrementCount();
    });
  }
  commit.Release();
  answered.Wait();
  holder.join();
  EXPECT_EQ(Append("d")->sequence, 2);
}

TEST_F(EmbeddedStoreTest, DeadLettersThatLimitsRemoveAreCountedByTheirCause) {
  AppendMany(2);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  const std::vector<Lease> leases = consumer.PullWhenReady().leases;
  ASSERT_EQ(leases.size(), 2);
  SettleRequest park = AckOf({leases[0].delivery_id, leases[1].delivery_id});
  park.action = SettleRequest::Action::kPark;
  absl::Notification parked;
  queue->Settle(park, [&](const std::vector<SettleException>&) { parked.Notify(); });
  parked.WaitForNotification();
  EXPECT_EQ(queue->Stats().dead_letters, 2);

  options_.retention.dead_letters_bytes = static_cast<int64_t>(leases[0].event->event.size());
  options_.retention.dead_letters_age = absl::Hours(1);
  options_.tick_interval = absl::Milliseconds(1);
  Open();
  clock_.Advance(absl::Seconds(31));
  while (store_->Stats().dead_letters_removed_by_size != 1) {
  }
  EXPECT_EQ(store_->Stats().dead_letters_removed_by_age, 0);
  clock_.Advance(absl::Hours(2));
  while (store_->Stats().dead_letters_removed_by_age != 1) {
  }
  EXPECT_EQ(store_->Stats().dead_letters_removed_by_size, 1);
}

TEST_F(EmbeddedStoreTest, AClockThatIsSetForwardRemovesNothingForItsAgeBeforeItHasLastedForADay) {
  AppendMany(1);
  const QueuePtr queue = Queue();
  TestConsumer consumer(queue);
  SettleRequest park = AckOf({consumer.PullWhenReady().leases.at(0).delivery_id});
  park.action = SettleRequest::Action::kPark;
  absl::Notification parked;
  queue->Settle(park, [&](const std::vector<SettleException>&) { parked.Notify(); });
  parked.WaitForNotification();

  options_.retention.dead_letters_age = absl::Hours(24 * 30);
  options_.tick_interval = absl::Milliseconds(1);
  Open();
  const int commits = faults_.count(Call::kCommit);
  clock_.Set(absl::Hours(24 * 3650));
  clock_.Advance(absl::Seconds(31));
  while (faults_.count(Call::kCommit) == commits) {  // the sweep's
  }
  EXPECT_EQ(store_->Stats().dead_letters_removed_by_age, 0);
  clock_.Advance(absl::Hours(25));
  while (store_->Stats().dead_letters_removed_by_age != 1) {
  }
}

TEST_F(EmbeddedStoreTest, MemoryAndStorageTellTheSameTimes) {
  options_.tail_bytes = 1;
  Open();
  clock_.Advance(absl::Nanoseconds(1'700));
  NewEvent event = EventNamed("a");
  const absl::Time received_at = event.received_at + absl::Microseconds(3);
  event.received_at = received_at + absl::Nanoseconds(700);
  ASSERT_TRUE(Append(std::move(event)).ok());
  const absl::StatusOr<LogPage> from_memory = Read(0);
  EXPECT_EQ(from_memory->events.at(0)->received_at, received_at);
  EXPECT_EQ(from_memory->events.at(0)->stored_at, clock_.Now() - absl::Nanoseconds(700));
  AppendMany(1);
  const absl::StatusOr<LogPage> from_storage = Read(0);
  EXPECT_EQ(from_storage->events.at(0)->received_at, received_at);
  EXPECT_EQ(from_storage->events.at(0)->stored_at, from_memory->events.at(0)->stored_at);
}

TEST_F(EmbeddedStoreTest, ForwardedMarksOutliveAFailedCommit) {
  ASSERT_TRUE(Append("a").ok());
  faults_.Fail(Call::kCommit, absl::UnavailableError("not now"));
  store_->log().RecordForwarded("watch", {1, 1});
  (void)Append("b");  // either this commit fails or the mark's own, which lingers for a moment
  ASSERT_TRUE(Append("c").ok());
  Open();
  EXPECT_TRUE(store_->log().ForwardedAtOpen().at("watch").Contains(1));
}

TEST_F(EmbeddedStoreTest, ForwardedMarksReachTheStorageWhenItIsClosed) {
  ASSERT_TRUE(Append("a").ok());
  store_->log().RecordForwarded("watch", {1, 1});
  Open();
  EXPECT_EQ(store_->log().ForwardedAtOpen().at("watch").ToText(), "1");
}

TEST_F(EmbeddedStoreTest, AMarkThatComesDuringACommitOfMarksIsWrittenToo) {
  ASSERT_TRUE(Append("a").ok());
  ASSERT_TRUE(Append("b").ok());
  {
    HeldCall commit(&faults_, Call::kCommit);
    store_->log().RecordForwarded("watch", {1, 1});
    commit.Await();
    store_->log().RecordForwarded("watch", {2, 2});
  }
  Open();
  EXPECT_EQ(store_->log().ForwardedAtOpen().at("watch").ToText(), "1-2");
}

TEST_F(EmbeddedStoreTest, MarksThatWereWrittenAreNotWrittenAgain) {
  ASSERT_TRUE(Append("a").ok());
  store_->log().RecordForwarded("watch", {1, 1});
  ASSERT_TRUE(Append("b").ok());
  ASSERT_TRUE(Append("c").ok());
  EXPECT_EQ(faults_.count(Call::kSaveForwarded), 1);
}

TEST_F(EmbeddedStoreTest, DamageFoundInReadingIsAnErrorOfTheEngine) {
  options_.tail_bytes = 1;
  Open();
  AppendMany(3);
  faults_.Fail(Call::kRead, absl::DataLossError("malformed"));
  EXPECT_EQ(Read(0).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Read(0)->events.size(), 2U + 1U);
}

TEST_F(EmbeddedStoreTest, ASubscriptionThatCannotBeStoredDoesNotExist) {
  faults_.Fail(Call::kCommit, absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(store_->FindOrCreateQueue("crm", {}).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store_->FindQueue("crm").status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(store_->FindOrCreateQueue("crm", {}).ok());
}

TEST_F(EmbeddedStoreTest, TheLogTellsOfSubscriptionsUnlessTheyAreNobodys) {
  for (const bool tells : {true, false}) {
    options_.tells_of_subscriptions = tells;
    Open();
    log_lines_.clear();
    EXPECT_TRUE(store_->FindOrCreateQueue(tells ? "crm" : "spool", {}).ok());
    EXPECT_EQ(log_lines_.size(), tells ? 1 : 0);
  }
}

TEST_F(EmbeddedStoreTest, AfterItIsClosedEverythingIsRefused) {
  QueuePtr queue = Queue();
  AppendMany(1);
  ASSERT_TRUE(store_->Close().ok());
  EXPECT_EQ(Append("late").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->FindOrCreateQueue("late", {}).status().code(), absl::StatusCode::kUnavailable);
  TestConsumer consumer(queue);
  const PullResult pulled = consumer.Pull();
  ASSERT_EQ(pulled.leases.size(), 1U) << "it is in memory";
  EXPECT_THAT(Ack(queue, {pulled.leases[0].delivery_id}), ::testing::ElementsAre("0:retry"));
  EXPECT_TRUE(store_->Close().ok()) << "closing again does nothing";
}

TEST_F(EmbeddedStoreTest, DataLossIsFatalAndAnswersNothing) {
  faults_.Fail(Call::kCommit, absl::DataLossError("a sync failed"));
  store_->log().Append(EventNamed("a"), [](const absl::StatusOr<AppendResult>&) {
    ADD_FAILURE() << "nobody knows whether it is stored";
  });
  EXPECT_TRUE(fatal_.HasBeenNotified());
}

}  // namespace
}  // namespace onhook
