#include "gateway/store/embedded/storage.h"

#include <gtest/gtest.h>

namespace onhook {
namespace {

SequenceSet Sequences(const char* text) { return *SequenceSet::FromText(text); }

SettlementRow Row(int64_t journal_id, const char* sequences) {
  SettlementRow row;
  row.journal_id = journal_id;
  row.sequences = Sequences(sequences);
  return row;
}

SubscriptionRecord Subscription(Sequence floor, const char* settled, int64_t journal_id) {
  SubscriptionRecord record;
  record.floor = floor;
  record.settled = Sequences(settled);
  record.journal_id = journal_id;
  return record;
}

TEST(ApplySettlementTest, WhatFollowsTheFloorRaisesIt) {
  SubscriptionRecord record = Subscription(4, "", 1);
  ApplySettlement(Row(2, "5-6"), record);
  EXPECT_EQ(record.floor, 6);
  EXPECT_TRUE(record.settled.empty());
  EXPECT_EQ(record.journal_id, 2);
}

TEST(ApplySettlementTest, WhatLiesAboveAGapIsKept) {
  SubscriptionRecord record = Subscription(4, "", 1);
  ApplySettlement(Row(2, "6-7,9"), record);
  EXPECT_EQ(record.floor, 4);
  EXPECT_EQ(record.settled.ToText(), "6-7,9");
}

TEST(ApplySettlementTest, ClosingAGapTakesWhatIsBehindIt) {
  SubscriptionRecord record = Subscription(4, "6-7,9", 2);
  ApplySettlement(Row(3, "5"), record);
  EXPECT_EQ(record.floor, 7);
  EXPECT_EQ(record.settled.ToText(), "9");
}

TEST(ApplySettlementTest, ARowThatTheStateHoldsAlreadyIsSkipped) {
  SubscriptionRecord record = Subscription(4, "", 7);
  ApplySettlement(Row(7, "5-6"), record);
  EXPECT_EQ(record.floor, 4);
  EXPECT_EQ(record.journal_id, 7);
}

TEST(ApplySettlementTest, SettlingAgainWhatIsBelowTheFloorChangesNothing) {
  SubscriptionRecord record = Subscription(4, "6", 1);
  ApplySettlement(Row(2, "1-3,6"), record);
  EXPECT_EQ(record.floor, 4);
  EXPECT_EQ(record.settled.ToText(), "6");
}

}  // namespace
}  // namespace onhook
