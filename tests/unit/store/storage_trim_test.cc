// What housekeeping removes from a storage, and what it must leave; the same for every storage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/store/memory/memory_storage.h"
#include "gateway/store/sqlite/sqlite_storage.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kMostRows = 500;
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

class StorageTrimTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    Open();
    for (Sequence sequence = 1; sequence <= 10; ++sequence) {
      NewEvent event;
      event.call_serial_no = absl::StrCat("call-", sequence);
      event.source = "default";
      event.digest = std::string(16, 'd');
      event.received_at = kNow;
      event.event = "0123456789";
      ASSERT_TRUE(storage_->InsertEvent(event, {sequence, sequence * 10}, kNow).ok());
    }
    SubscriptionRecord record;
    record.name = "crm";
    record.created_at = record.last_used_at = kNow;
    subscription_ = storage_->InsertSubscription(record).value();
  }
  RecoveredState Open() {
    if (std::string(GetParam()) == "Memory") {
      storage_ = std::make_unique<MemoryStorage>(disk_);
    } else {
      storage_ = *SqliteStorage::Open(absl::StrCat(directory_.path(), "/store"));
    }
    RecoveredState state = storage_->Recover().value();
    EXPECT_TRUE(storage_->Begin().ok());
    return state;
  }
  // What was written so far is kept; the next writes are another transaction.
  void Commit() {
    ASSERT_TRUE(storage_->Commit().ok());
    ASSERT_TRUE(storage_->Begin().ok());
  }
  RecoveredState OpenedAgain() {
    EXPECT_TRUE(storage_->Commit().ok());
    EXPECT_TRUE(storage_->Close().ok());
    storage_.reset();
    return Open();
  }

  void Settle(int64_t epoch_number, SequenceRange range) {
    SettlementRow row;
    row.subscription_id = subscription_;
    row.epoch_number = epoch_number;
    row.range = range;
    ASSERT_TRUE(storage_->InsertSettlement(row).ok());
  }
  void NoteNack(Sequence sequence) {
    HistoryRow row;
    row.subscription_id = subscription_;
    row.sequence = sequence;
    row.kind = v1::TimelineEntry::KIND_NACKED;
    row.trials.first_attempt_at = row.trials.retry_at = kNow;
    ASSERT_TRUE(storage_->InsertHistory(row).ok());
  }
  void Park(Sequence sequence) {
    DeadLetterRow row;
    row.subscription_id = subscription_;
    row.sequence = sequence;
    row.parked_at = kNow;
    ASSERT_TRUE(storage_->InsertDeadLetter(row).ok());
  }
  // Cuts the log as housekeeping does, in one part.
  void CutThrough(Sequence through, int64_t epoch_number = 0) {
    ASSERT_TRUE(storage_->RemoveEvents(through, kNow).ok());
    ASSERT_TRUE(storage_->TrimForwarded("watch", through).ok());
    ASSERT_TRUE(storage_->TrimJournal(subscription_, epoch_number, {1, through}, kMostRows).ok());
    Commit();
  }
  EventRows RowsOf(Sequence sequence) {
    return storage_->FindEventRows(subscription_, sequence).value();
  }

  TemporaryDirectory directory_;
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<Storage> storage_;
  int64_t subscription_ = 0;
};

TEST_P(StorageTrimTest, SettlementsOfRemovedEventsGoAlsoThoseOfEarlierEpochs) {
  Settle(0, {1, 3});
  Settle(0, {5, 6});
  Commit();
  CutThrough(3, /*epoch_number=*/1);
  EXPECT_THAT(RowsOf(2).settlements, IsEmpty());
  EXPECT_THAT(RowsOf(5).settlements, SizeIs(1));
}

TEST_P(StorageTrimTest, TheHistoryOfADeadLetterStaysAsLongAsItDoes) {
  NoteNack(1);
  NoteNack(2);
  NoteNack(5);
  Park(2);
  Commit();
  CutThrough(3);
  EXPECT_THAT(RowsOf(1).history, IsEmpty());
  EXPECT_THAT(RowsOf(2).history, SizeIs(1));
  EXPECT_THAT(RowsOf(5).history, SizeIs(1));
  ASSERT_TRUE(storage_->DeleteDeadLetter(subscription_, 2).ok());
  Commit();
  EXPECT_THAT(RowsOf(2).history, IsEmpty());
}

TEST_P(StorageTrimTest, TheHistoryOfAnEventThatIsKeptOutlivesItsDeadLetter) {
  NoteNack(2);
  Park(2);
  ASSERT_TRUE(storage_->DeleteDeadLetter(subscription_, 2).ok());
  Commit();
  EXPECT_THAT(RowsOf(2).history, SizeIs(1));
}

TEST_P(StorageTrimTest, ForwardedMarksOfRemovedEventsGo) {
  for (const SequenceRange run : {SequenceRange{1, 1}, {3, 3}, {5, 5}, {7, 9}}) {
    ASSERT_TRUE(storage_->SaveForwarded("watch", run).ok());
  }
  Commit();
  CutThrough(5);
  EXPECT_EQ(OpenedAgain().forwarded.at("watch").ToText(), "7-9");
}

TEST_P(StorageTrimTest, AForwardedRunOnlyGrows) {
  ASSERT_TRUE(storage_->SaveForwarded("watch", {1, 5}).ok());
  ASSERT_TRUE(storage_->SaveForwarded("watch", {1, 2}).ok());
  EXPECT_EQ(OpenedAgain().forwarded.at("watch").ToText(), "1-5");
}

TEST_P(StorageTrimTest, DeadLettersBeyondTheirBytesGoOldestFirst) {
  for (const Sequence sequence : {4, 2, 3}) Park(sequence);
  Commit();
  const auto removed = storage_->TrimDeadLetters(absl::InfinitePast(), 25, kMostRows).value();
  Commit();
  ASSERT_THAT(removed, SizeIs(1));
  EXPECT_EQ(removed[0].sequence, 4);
  EXPECT_FALSE(removed[0].by_age);
  EXPECT_THAT(storage_->ListDeadLetters(subscription_, 0, {}).value(), SizeIs(2));
}

TEST_P(StorageTrimTest, DeadLettersBeyondTheirAgeGo) {
  Park(4);
  Commit();
  EXPECT_THAT(storage_->TrimDeadLetters(kNow, 1000, kMostRows).value(), IsEmpty());
  const auto removed = storage_->TrimDeadLetters(kNow + absl::Seconds(1), 1000, kMostRows).value();
  ASSERT_THAT(removed, SizeIs(1));
  EXPECT_TRUE(removed[0].by_age);
}

TEST_P(StorageTrimTest, WhatIsRedrivenIsOwedAndNeitherCountsNorGoes) {
  for (const Sequence sequence : {2, 3, 4}) Park(sequence);
  ASSERT_TRUE(storage_->MarkRedriven(subscription_, 2).ok());
  ASSERT_TRUE(storage_->MarkRedriven(subscription_, 2).ok());
  Commit();
  EXPECT_THAT(storage_->TrimDeadLetters(absl::InfinitePast(), 20, kMostRows).value(), IsEmpty());
  Park(2);  // again: ten bytes more
  Commit();
  const auto removed = storage_->TrimDeadLetters(absl::InfinitePast(), 20, kMostRows).value();
  ASSERT_THAT(removed, SizeIs(1));
  EXPECT_EQ(removed[0].sequence, 3);
}

TEST_P(StorageTrimTest, RowsOfADeletedSubscriptionGo) {
  Settle(0, {1, 3});
  NoteNack(4);
  Park(5);
  ASSERT_TRUE(storage_->DeleteSubscription(subscription_).ok());
  Commit();
  while (storage_->RemoveOrphans(1).value()) Commit();
  Commit();
  EXPECT_THAT(RowsOf(4).history, IsEmpty());
  EXPECT_THAT(storage_->ListDeadLetters(subscription_, 0, {}).value(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Storages, StorageTrimTest, ::testing::Values("Memory", "Sqlite"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace onhook
