#include "gateway/store/jetstream/snapshot_record.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <utility>

#include "gateway/store/jetstream/runs.h"

namespace onhook {
namespace {

using jetstream::Runs;
using jetstream::SubscriptionChange;

SequenceSet EveryOther(Sequence through) {
  SequenceSet set;
  for (Sequence sequence = 1; sequence <= through; sequence += 2) set.Add(sequence);
  return set;
}

TEST(SnapshotRecordTest, LettersComeBackAsTheyWere) {
  const Letters letters = {{3, {9, 0}}, {4, {2, 11}}, {4'000'000'000, {3, 0}}};
  SubscriptionChange::Snapshot snapshot;
  EncodeLetters(letters, *snapshot.mutable_letters());
  EXPECT_TRUE(LettersOf(snapshot) == letters);
}

TEST(SnapshotRecordTest, LettersAreReadAsTheyWereWrittenBefore) {
  SubscriptionChange::Snapshot snapshot;
  SubscriptionChange::Letter& letter = *snapshot.add_dead_letters();
  letter.set_sequence(3);
  letter.set_dead_letter_id(9);
  letter.set_copy(12);
  EXPECT_TRUE(LettersOf(snapshot) == (Letters{{3, {9, 12}}}));
}

TEST(SnapshotRecordTest, LettersAreSmall) {
  Letters letters;
  for (int64_t i = 1; i <= 100'000; ++i) letters[10 * i] = {3 * i, 0};
  SubscriptionChange::Snapshot snapshot;
  EncodeLetters(letters, *snapshot.mutable_letters());
  EXPECT_LE(snapshot.ByteSizeLong(), 350'000);
}

TEST(SnapshotRecordTest, WhatAreNoLettersIsLeftOut) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  for (const auto& [sequence, id] :
       {std::pair<int64_t, int64_t>{0, 1}, {-1, 1}, {1, 0}, {1, -5}, {kMost, 1}, {1, kMost}}) {
    SubscriptionChange::Snapshot snapshot;
    SubscriptionChange::Letters& columns = *snapshot.mutable_letters();
    columns.add_sequences(1);
    columns.add_dead_letter_ids(1);
    columns.add_copies(0);
    columns.add_sequences(sequence);
    columns.add_dead_letter_ids(sequence == 1 && id <= 0 ? id - 1 : id);
    columns.add_copies(0);
    columns.add_sequences(1);  // without the rest of its row
    EXPECT_TRUE(LettersOf(snapshot) == (Letters{{1, {1, 0}}})) << sequence << " " << id;
  }
}

TEST(RunsTest, WhereThereIsRoomForAllOfThemAllAreWritten) {
  const SequenceSet set = EveryOther(1000);
  Runs all;
  EncodeRuns(set, &all);
  Runs newest;
  EncodeNewestRuns(set, all.ByteSizeLong() + 20, &newest);
  EXPECT_EQ(newest.SerializeAsString(), all.SerializeAsString());
}

TEST(RunsTest, WhereThereIsNotTheNewestAre) {
  const SequenceSet set = EveryOther(1'000'000);
  Runs newest;
  EncodeNewestRuns(set, 1000, &newest);
  EXPECT_LE(newest.ByteSizeLong(), 1000 + 8);
  const SequenceSet decoded = DecodeRuns(newest);
  EXPECT_GE(decoded.run_count(), 400);
  EXPECT_TRUE(decoded.Contains(999'999));
  EXPECT_EQ(decoded.size(), static_cast<int64_t>(decoded.run_count()));
  EXPECT_EQ(decoded.runs().begin()->first,
            999'999 - 2 * (static_cast<Sequence>(decoded.run_count()) - 1));
  Runs none;
  EncodeNewestRuns(set, 0, &none);
  EXPECT_EQ(none.distances_size(), 0);
}

}  // namespace
}  // namespace onhook
