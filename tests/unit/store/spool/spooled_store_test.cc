#include "gateway/store/spool/spooled_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/unit/store/spool/spool_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SpooledStoreTest : public SpoolTest {
 protected:
  void AwaitMain() {
    while (!store_->Spool().main_open) std::this_thread::yield();
  }
};

// ------------------------------------------------------------- a main store that is away at start

TEST_F(SpooledStoreTest, AGatewayStartsWithoutItsMainStore) {
  SetReachable(absl::UnavailableError("no server answers"));
  Open();
  EXPECT_EQ(Append("a"), "spooled");
  EXPECT_EQ(store_->store_id(), "");
  EXPECT_EQ(store_->FindQueue("crm").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->CreateSubscription("crm", {}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(store_->ListSubscriptions(), IsEmpty());
  EXPECT_EQ(store_->log().last(), 0);
  EXPECT_EQ(store_->CheckRoom(), absl::OkStatus());
  EXPECT_FALSE(store_->Spool().main_open);
  SetReachable(absl::OkStatus());
  AwaitEmptySpool();
  EXPECT_EQ(store_->store_id(), MainAsOthersSeeIt().store_id());
  EXPECT_THAT(StoredEvents(), ElementsAre("a: content"));
  EXPECT_EQ(Append("b"), "at 2");
}

TEST_F(SpooledStoreTest, WhatWasDeclaredAndWhoListensIsToldWhenTheMainStoreIsReached) {
  SetReachable(absl::UnavailableError("no server answers"));
  Open();
  EXPECT_EQ(store_->Declare({{"crm", {}}}), absl::OkStatus());
  absl::Notification tail;
  store_->log().AddTailListener([&](Sequence last) {
    if (last == 1 && !tail.HasBeenNotified()) tail.Notify();
  });
  absl::Notification settled;
  store_->AddSettledListener([&](const std::string& subscription, const SequenceSet& sequences) {
    EXPECT_EQ(subscription, "crm");
    EXPECT_TRUE(sequences.Contains(1));
    settled.Notify();
  });
  EXPECT_EQ(Append("a"), "spooled");
  SetReachable(absl::OkStatus());
  tail.WaitForNotification();
  const auto queue = store_->FindQueue("crm");
  ASSERT_TRUE(queue.ok()) << queue.status();
  EXPECT_TRUE(store_->GetSubscription("crm")->declared);
  const ConsumerId consumer = (*queue)->Attach({}, {[] {}, [] {}});
  PullResult pulled;
  while (pulled.leases.empty()) pulled = (*queue)->Pull(consumer, {});
  EXPECT_EQ(pulled.leases[0].event->event, "a: content");
  SettleRequest ack;
  ack.delivery_ids = {pulled.leases[0].delivery_id};
  (*queue)->Settle(
      ack, [](const std::vector<SettleException>& exceptions) { EXPECT_TRUE(exceptions.empty()); });
  settled.WaitForNotification();
  (*queue)->Detach(consumer, Departure::kInOrder);
}

TEST_F(SpooledStoreTest, WhatIsDeclaredWhileTheMainStoreIsBeingToldIsToldToo) {
  SetReachable(absl::UnavailableError("no server answers"));
  Open();
  EXPECT_EQ(store_->Declare({{"crm", {}}}), absl::OkStatus());
  faults_.OnDeclare([this] {
    EXPECT_EQ(store_->Declare({{"crm", {}}, {"erp", {}}}), absl::OkStatus());
  });
  SetReachable(absl::OkStatus());
  AwaitMain();
  EXPECT_EQ(store_->ListSubscriptions().size(), 2u);
}

TEST_F(SpooledStoreTest, AMainStoreThatIsNotOursIsAnErrorOfTheStart) {
  SetReachable(absl::FailedPreconditionError("the stream has a limit"));
  EXPECT_EQ(TryToOpen().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SpooledStoreTest, OneThatTurnsOutNotToBeOursKeepsTheGatewayFromBeingReady) {
  SetReachable(absl::UnavailableError("no server answers"));
  Open();
  SetReachable(absl::FailedPreconditionError("the stream has a limit"));
  while (store_->CheckRoom().ok()) std::this_thread::yield();
  EXPECT_EQ(store_->CheckRoom().code(), absl::StatusCode::kFailedPrecondition);
  while (!Logged("cannot be used")) std::this_thread::yield();
  EXPECT_EQ(Append("a"), "spooled");
  SetReachable(absl::OkStatus());
  AwaitEmptySpool();
  EXPECT_EQ(store_->CheckRoom(), absl::OkStatus());
}

TEST_F(SpooledStoreTest, AMainStoreThatComesWithinTheStartsPatienceIsThereFromTheStart) {
  options_.start_patience = absl::Hours(1);
  SetReachable(absl::UnavailableError("not yet"));
  std::thread comes([this] { SetReachable(absl::OkStatus()); });
  Open();
  comes.join();
  EXPECT_TRUE(store_->Spool().main_open);
}

// -------------------------------------------------------------------------------- the quarantine

TEST_F(SpooledStoreTest, ARejectedCallbackIsKeptHereAndMovedLaterOnce) {
  Open();
  EXPECT_EQ(Keep("one"), "id 1");
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Keep("two"), "id 0");
  EXPECT_EQ(Keep("two"), "id 0");
  MainHeals();
  while (Kept(MainAsOthersSeeIt().quarantine()).size() < 2) std::this_thread::yield();
  EXPECT_THAT(Kept(store_->quarantine()), ElementsAre("one", "two"));
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Keep("three"), "id 0");
  MainHeals();
  while (Kept(MainAsOthersSeeIt().quarantine()).size() < 3) std::this_thread::yield();
}

TEST_F(SpooledStoreTest, ARejectedCallbackOutlivesARestartWithoutTheMainStore) {
  SetReachable(absl::UnavailableError("no server answers"));
  Open();
  EXPECT_EQ(Keep("one"), "id 0");
  EXPECT_THAT(Kept(store_->quarantine()), IsEmpty());
  Restart();
  SetReachable(absl::OkStatus());
  AwaitMain();
  while (Kept(store_->quarantine()).empty()) std::this_thread::yield();
  EXPECT_THAT(Kept(store_->quarantine()), ElementsAre("one"));
}

TEST_F(SpooledStoreTest, ARejectedCallbackThatTheMainStoreNeverTakesIsRefused) {
  Open();
  faults_.RefuseBody("large", absl::OutOfRangeError("larger than max_payload"));
  EXPECT_EQ(Keep("large"), "OUT_OF_RANGE");
  faults_.SetLargestBody(10);
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Keep("larger than ten"), "OUT_OF_RANGE");
  EXPECT_EQ(Keep("ten bytes."), "id 0");
}

TEST_F(SpooledStoreTest, ARejectedCallbackThatTurnsOutToBeTooLargeHoldsUpNoOther) {
  SetReachable(absl::UnavailableError("no server answers"));
  faults_.RefuseBody("large", absl::OutOfRangeError("larger than max_payload"));
  Open();
  for (const char* body : {"large", "one", "two"}) EXPECT_EQ(Keep(body), "id 0");
  SetReachable(absl::OkStatus());
  AwaitMain();
  while (Kept(store_->quarantine()).size() < 2) std::this_thread::yield();
  EXPECT_THAT(Kept(store_->quarantine()), ElementsAre("one", "two"));
  EXPECT_TRUE(Logged("rejected callbacks of the spool cannot be moved"));
  // It is not tried again and again, only beside others.
  for (const char* call : {"a", "b", "c"}) {
    faults_.Set(Mode::kRefuse);
    EXPECT_EQ(Append(call), "spooled");
    MainHeals();
    AwaitEmptySpool();
  }
  EXPECT_EQ(faults_.keeps(), 3);
  EXPECT_EQ(store_->Close(), absl::OkStatus());
  store_.reset();
  EXPECT_THAT(Kept(OpenSpool()->quarantine()), ElementsAre("large"));
}

TEST_F(SpooledStoreTest, ARejectedCallbackThatIsNotTakenNowHoldsUpNoOther) {
  SetReachable(absl::UnavailableError("no server answers"));
  faults_.RefuseBody("second", absl::ResourceExhaustedError("there is no room"));
  Open();
  for (const char* body : {"first", "second", "third"}) EXPECT_EQ(Keep(body), "id 0");
  SetReachable(absl::OkStatus());
  AwaitMain();
  while (Kept(store_->quarantine()).size() < 2) std::this_thread::yield();
  EXPECT_THAT(Kept(store_->quarantine()), ElementsAre("first", "third"));
  faults_.RefuseBody("second", absl::OkStatus());
  while (Kept(store_->quarantine()).size() < 3) std::this_thread::yield();
}

// ------------------------------------------------------------------------------- what is told

TEST_F(SpooledStoreTest, TheSpoolsStateIsTold) {
  Open();
  EXPECT_EQ(store_->Spool().oldest_age, absl::ZeroDuration());
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append("a"), "spooled");
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(Append("b"), "spooled");
  const SpoolStats stats = store_->Spool();
  EXPECT_EQ(stats.events, 2);
  EXPECT_GT(stats.bytes, 0);
  EXPECT_EQ(stats.spooled_total, 2);
  EXPECT_EQ(stats.moved_total, 0);
  EXPECT_TRUE(stats.circuit_open);
  EXPECT_TRUE(stats.main_open);
  ASSERT_TRUE(stats.oldest_age.has_value());
  EXPECT_GE(*stats.oldest_age, absl::Hours(2));
}

TEST_F(SpooledStoreTest, ItsBeginningAndItsEndAreLogged) {
  Open();
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append("a"), "spooled");
  EXPECT_TRUE(Logged("callbacks go to the spool"));
  EXPECT_FALSE(Logged("the spool is empty"));
  MainHeals();
  while (!Logged("the spool is empty: all that it held has been moved")) std::this_thread::yield();
}

TEST_F(SpooledStoreTest, ThereIsRoomAsLongAsEitherHasSome) {
  spool_options_.minimum_free_disk = 1000;
  spool_options_.free_disk = [] { return 10; };
  Open();
  EXPECT_EQ(store_->CheckRoom(), absl::OkStatus());
  EXPECT_EQ(store_->Stats().free_disk, 10);
  faults_.Set(Mode::kRefuse);
  EXPECT_EQ(Append("a"), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(store_->CheckRoom().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(SpooledStoreTest, WhatWasMovedDoesNotStayInTheSpool) {
  Open();
  faults_.Set(Mode::kRefuse);
  for (const char* call : {"a", "b", "c"}) EXPECT_EQ(Append(call), "spooled");
  MainHeals();
  AwaitEmptySpool();
  // The newest event is always kept.
  const auto events = [this] {
    absl::MutexLock lock(&spool_disk_->mutex);
    return spool_disk_->rows.events.size();
  };
  while (events() > 1) clock_.Advance(absl::Minutes(2));
}

}  // namespace
}  // namespace onhook
