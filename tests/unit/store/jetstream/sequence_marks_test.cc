#include "gateway/store/jetstream/sequence_marks.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace onhook {
namespace {

absl::Time At(int64_t sequence) { return absl::FromUnixSeconds(sequence); }

TEST(SequenceMarksTest, TheNewestIsThereAndOlderOnesAreEverFewer) {
  SequenceMarks marks;
  for (int64_t sequence = 1; sequence <= 100000; ++sequence) {
    marks.Add({sequence, At(sequence)});
    const std::vector<SequenceMarks::Mark> all = marks.NewestFirst();
    ASSERT_EQ(all.front().sequence, sequence);
    if (sequence % 997 != 0) continue;
    EXPECT_LE(all.size(), 40);
    int64_t last = sequence + 1;
    for (const SequenceMarks::Mark& mark : all) {
      ASSERT_LT(mark.sequence, last);
      ASSERT_EQ(mark.stored_at, At(mark.sequence));
      // Whatever end is lost, little more is read again than as much once more.
      EXPECT_LE(last - mark.sequence, 2 * (sequence - last + 1) + 4);
      last = mark.sequence;
    }
    EXPECT_EQ(last, 1);
  }
}

TEST(SequenceMarksTest, WhatIsForgottenIsNotThere) {
  SequenceMarks marks;
  for (int64_t sequence = 1; sequence <= 100; ++sequence) marks.Add({sequence, At(sequence)});
  marks.ForgetBehind(40);
  EXPECT_LE(marks.NewestFirst().front().sequence, 40);
  for (int64_t sequence = 41; sequence <= 60; ++sequence) marks.Add({sequence, At(sequence)});
  EXPECT_EQ(marks.NewestFirst().front().sequence, 60);
  marks.ForgetBehind(0);
  EXPECT_TRUE(marks.NewestFirst().empty());
}

}  // namespace
}  // namespace onhook
