#include "gateway/store/spool/mover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/unit/store/spool/spool_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class MoverTest : public SpoolTest {
 protected:
  // Puts events into the spool, which nobody moves until MainHeals.
  void Spool(std::vector<NewEvent> events) {
    faults_.Set(Mode::kRefuse);
    for (NewEvent& event : events) EXPECT_EQ(Append(std::move(event)), "spooled");
  }
  std::vector<std::string> Quarantined() { return Kept(MainAsOthersSeeIt().quarantine()); }
};

TEST_F(MoverTest, AnEventIsMovedAsItWas) {
  Open();
  NewEvent event = SignedEventOf("a", "n");
  event.raw_body = "the body";
  Spool({event});
  MainHeals();
  AwaitEmptySpool();
  EXPECT_EQ(AppendElsewhere(event), "at 1 before");
  NewEvent other = EventOf("b", "another content");
  other.nonce = event.nonce;
  EXPECT_EQ(AppendElsewhere(other), "PERMISSION_DENIED");
  absl::Notification found;
  store_->log().FindRawBody(1, [&](absl::StatusOr<std::optional<std::string>> body) {
    ASSERT_TRUE(body.ok()) << body.status();
    EXPECT_EQ(*body, "the body");
    found.Notify();
  });
  found.WaitForNotification();
}

TEST_F(MoverTest, MoreThanAreUnderWayAtOnceAreAllMoved) {
  Open();
  faults_.Set(Mode::kRefuse);
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(Append(absl::StrCat("call ", i)), "spooled");
  MainHeals();
  AwaitEmptySpool();
  EXPECT_EQ(StoredEvents().size(), 2000u);
  EXPECT_EQ(store_->Spool().moved_total, 2000);
}

TEST_F(MoverTest, WhatASpoolHeldBeforeACrashIsMovedAfterIt) {
  Open();
  Spool({EventOf("a"), EventOf("b")});
  Crash();
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), UnorderedElementsAre("a: content", "b: content"));
}

TEST_F(MoverTest, WhatWasMovedJustBeforeACrashIsMovedAgainAndIsOneEvent) {
  Open();
  Spool({EventOf("a"), EventOf("b")});
  const std::shared_ptr<MemoryDisk> before = spool_disk_->Copy();
  MainHeals();
  AwaitEmptySpool();
  store_.reset();
  spool_disk_ = before;
  Open();
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), UnorderedElementsAre("a: content", "b: content"));
}

TEST_F(MoverTest, AnEventThatIsNotTakenHoldsUpNoOther) {
  Open();
  faults_.RefuseCall("a", absl::InternalError("never"));
  Spool({EventOf("b")});
  faults_.RefuseCall("a", absl::UnavailableError("not yet"));
  EXPECT_EQ(Append("a"), "spooled");
  faults_.RefuseCall("a", absl::InternalError("never"));
  MainHeals();
  while (store_->Spool().moved_total < 1) std::this_thread::yield();
  while (!Logged("the main store refuses events of the spool")) std::this_thread::yield();
  EXPECT_THAT(StoredEvents(), ElementsAre("b: content"));
  EXPECT_EQ(store_->Spool().events, 1);
  faults_.RefuseCall("a", absl::OkStatus());
  clock_.Advance(absl::Hours(1));  // its rest is over
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), ElementsAre("b: content", "a: content"));
}

// -------------------------------------------------------------------------------------- nonces

TEST_F(MoverTest, AnEventWhoseNonceWentElsewhereMeanwhileIsInTheQuarantine) {
  Open();
  NewEvent event = SignedEventOf("a", "n");
  event.raw_body = "the body";
  Spool({event, EventOf("b")});
  NewEvent other = EventOf("c", "another content");
  other.nonce = event.nonce;
  EXPECT_EQ(AppendElsewhere(other), "at 1");
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), ElementsAre("c: another content", "b: content"));
  EXPECT_THAT(Quarantined(), ElementsAre("the body"));
  EXPECT_EQ(store_->Spool().conflicts_total, 1);
  EXPECT_EQ(store_->Spool().moved_total, 1);
  EXPECT_TRUE(Logged("its nonce came with another content meanwhile"));
}

TEST_F(MoverTest, WithoutItsBodyItsEventIsInTheQuarantine) {
  Open();
  NewEvent event = SignedEventOf("a", "n");
  Spool({event});
  NewEvent other = EventOf("c", "another content");
  other.nonce = event.nonce;
  EXPECT_EQ(AppendElsewhere(other), "at 1");
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(Quarantined(), ElementsAre("a: content"));
}

TEST_F(MoverTest, AnEventThatARepeatBroughtIntoTheLogIsNoConflict) {
  Open();
  NewEvent event = SignedEventOf("a", "n");
  Spool({event});
  NewEvent other = EventOf("c", "another content");
  other.nonce = event.nonce;
  EXPECT_EQ(AppendElsewhere(other), "at 1");
  EXPECT_EQ(AppendElsewhere(SignedEventOf("a", "m")), "at 2");
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(Quarantined(), IsEmpty());
  EXPECT_EQ(store_->Spool().conflicts_total, 0);
}

TEST_F(MoverTest, AnEventWhoseNonceIsAsOldAsForgottenOnesIsInTheLog) {
  main_options_.retention.nonce_memory = absl::Minutes(1);
  Open();
  Spool({SignedEventOf("a", "n", 120)});
  EXPECT_EQ(AppendElsewhere(SignedEventOf("b", "m")), "at 1");
  clock_.Advance(absl::Hours(1));
  // The main log has forgotten that one.
  std::string answer;
  for (int i = 0; answer != "NOT_FOUND"; ++i) {
    answer = AppendElsewhere(SignedEventOf(absl::StrCat("c", i), absl::StrCat("k", i), 180));
  }
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), ::testing::Contains("a: content"));
  EXPECT_THAT(Quarantined(), IsEmpty());
}

// --------------------------------------------------------------------------------- identities

TEST_F(MoverTest, WhatMayBeForgottenIsLookedUpBeforeItIsAppended) {
  Open();
  const NewEvent event = EventOf("a");
  EXPECT_EQ(AppendElsewhere(event), "at 1");
  SetReachable(absl::UnavailableError("no server answers"));
  Restart();
  EXPECT_EQ(Append(event), "spooled");
  clock_.Advance(absl::Hours(13));
  SetReachable(absl::OkStatus());
  AwaitEmptySpool();
  EXPECT_EQ(faults_.finds(), 1);
  EXPECT_EQ(faults_.appends(), 0);
  EXPECT_THAT(StoredEvents(), ElementsAre("a: content"));
}

TEST_F(MoverTest, WhatIsOldAndNotThereIsAppended) {
  SetReachable(absl::UnavailableError("no server answers"));
  Open();
  EXPECT_EQ(Append("a"), "spooled");
  clock_.Advance(absl::Hours(30));
  SetReachable(absl::OkStatus());
  AwaitEmptySpool();
  EXPECT_EQ(faults_.finds(), 1);
  EXPECT_THAT(StoredEvents(), ElementsAre("a: content"));
}

TEST_F(MoverTest, WhatCannotBeLookedUpIsNotAppendedUnseen) {
  SetReachable(absl::UnavailableError("no server answers"));
  Open();
  EXPECT_EQ(Append("a"), "spooled");
  clock_.Advance(absl::Hours(13));
  faults_.RefuseFinds(absl::UnavailableError("no answer"));
  SetReachable(absl::OkStatus());
  while (faults_.finds() < 3) std::this_thread::yield();
  EXPECT_EQ(faults_.appends(), 0);
  EXPECT_EQ(store_->Spool().events, 1);
  faults_.RefuseFinds(absl::OkStatus());
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), ElementsAre("a: content"));
}

TEST_F(MoverTest, WhatIsYoungIsNotLookedUp) {
  Open();
  Spool({EventOf("a")});
  MainHeals();
  AwaitEmptySpool();
  EXPECT_EQ(faults_.finds(), 0);
}

// -------------------------------------------------------------------------------------- damage

TEST_F(MoverTest, WhatTheMainStoreNeverTakesIsKeptAsideAndOthersGoOn) {
  Open();
  Spool({EventOf("large"), EventOf("b")});
  faults_.RefuseCall("large", absl::OutOfRangeError("larger than max_payload"));
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), ElementsAre("b: content"));
  EXPECT_EQ(store_->Spool().damaged, 1);
  EXPECT_TRUE(Logged("is larger than the main store takes"));
}

TEST_F(MoverTest, WhatTheQuarantineNeverTakesIsKeptAsideToo) {
  Open();
  NewEvent event = SignedEventOf("a", "n");
  event.raw_body = "large";
  Spool({event, EventOf("b")});
  NewEvent other = EventOf("c", "another content");
  other.nonce = event.nonce;
  EXPECT_EQ(AppendElsewhere(other), "at 1");
  faults_.RefuseBody("large", absl::OutOfRangeError("larger than max_payload"));
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), ElementsAre("c: another content", "b: content"));
  EXPECT_EQ(store_->Spool().damaged, 1);
  EXPECT_TRUE(Logged("is larger than the main store's quarantine takes"));
}

TEST_F(MoverTest, WhatCannotBeReadIsKeptAsideAndOthersGoOn) {
  {
    const std::unique_ptr<Store> spool = OpenSpool();
    PendingAppend pending;
    spool->log().Append(EventOf("no envelope"), pending.Done());
    EXPECT_TRUE(pending.Await().ok());
  }
  Open();
  Spool({EventOf("a")});
  MainHeals();
  AwaitEmptySpool();
  EXPECT_THAT(StoredEvents(), ElementsAre("a: content"));
  EXPECT_EQ(store_->Spool().damaged, 1);
  EXPECT_TRUE(Logged("an event of the spool cannot be moved"));
}

}  // namespace
}  // namespace onhook
