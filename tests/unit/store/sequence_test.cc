#include "gateway/store/sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

SequenceSet SetOf(std::initializer_list<SequenceRange> ranges) {
  SequenceSet set;
  for (const SequenceRange& range : ranges) set.Add(range);
  return set;
}

TEST(SequenceSetTest, RunsThatTouchBecomeOne) {
  EXPECT_THAT(SetOf({{1, 3}, {4, 6}}).runs(), ElementsAre(Pair(1, 6)));
  EXPECT_THAT(SetOf({{4, 6}, {1, 3}}).runs(), ElementsAre(Pair(1, 6)));
  EXPECT_THAT(SetOf({{1, 3}, {7, 9}, {4, 6}}).runs(), ElementsAre(Pair(1, 9)));
}

TEST(SequenceSetTest, RunsWithAGapStayApart) {
  EXPECT_THAT(SetOf({{1, 3}, {5, 6}}).runs(), ElementsAre(Pair(1, 3), Pair(5, 6)));
}

TEST(SequenceSetTest, WhatIsAddedTwiceCountsOnce) {
  const SequenceSet set = SetOf({{1, 10}, {5, 5}, {8, 12}, {1, 10}});
  EXPECT_THAT(set.runs(), ElementsAre(Pair(1, 12)));
  EXPECT_EQ(set.size(), 12);
}

TEST(SequenceSetTest, RemovingEndsWithinARun) {
  SequenceSet set = SetOf({{1, 3}, {5, 9}, {11, 12}});
  set.RemoveThrough(6);
  EXPECT_THAT(set.runs(), ElementsAre(Pair(7, 9), Pair(11, 12)));
  EXPECT_EQ(set.size(), 5);
  set.RemoveThrough(100);
  EXPECT_THAT(set.runs(), IsEmpty());
  EXPECT_EQ(set.size(), 0);
}

TEST(SequenceSetTest, TheNextMissingOneLiesBehindItsRun) {
  const SequenceSet set = SetOf({{5, 7}, {9, 9}});
  EXPECT_EQ(set.NextMissing(3), 4);
  EXPECT_EQ(set.NextMissing(4), 8);
  EXPECT_EQ(set.NextMissing(6), 8);
  EXPECT_EQ(set.NextMissing(8), 10);
  EXPECT_EQ(set.NextMissing(20), 21);
  EXPECT_EQ(SequenceSet().NextMissing(0), 1);
}

TEST(SequenceSetTest, TextNamesTheRuns) {
  EXPECT_EQ(SequenceSet().ToText(), "");
  EXPECT_EQ(SetOf({{1, 5}, {7, 7}, {9, 12}}).ToText(), "1-5,7,9-12");
}

TEST(SequenceSetTest, TextThatToTextNeverGivesIsRefused) {
  const struct {
    const char* text;
    const char* reason;
  } kRows[] = {
      {"x", "no number"},
      {"1,", "nothing behind the comma"},
      {",1", "nothing before the comma"},
      {"1-", "no end"},
      {"-1", "no beginning"},
      {"1-2-3", "two ends"},
      {" 1", "a space"},
      {"+1", "a sign"},
      {"01", "a leading zero"},
      {"1-1", "one member as a run"},
      {"0", "not an event's sequence"},
      {"3-1", "ends before it begins"},
      {"5,1", "out of order"},
      {"1-5,3", "overlap"},
      {"1-5,6", "runs that touch"},
      {"1;2", "another separator"},
      {"9223372036854775807", "nothing comes behind the largest number"},
      {"1-9223372036854775807", "nothing comes behind the largest number"},
      {"9223372036854775808", "beyond 64 bits"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(SequenceSet::FromText(row.text).status().code(), absl::StatusCode::kDataLoss)
        << "'" << row.text << "': " << row.reason;
  }
}

// The same steps on a plain set.
class SequenceSetModelTest : public ::testing::TestWithParam<unsigned> {
 protected:
  static constexpr Sequence kSpan = 120;

  void Check() const {
    ASSERT_EQ(set_.size(), static_cast<int64_t>(model_.size()));
    for (Sequence sequence = 0; sequence <= kSpan + 1; ++sequence) {
      ASSERT_EQ(set_.Contains(sequence), model_.count(sequence) == 1) << sequence;
      Sequence missing = sequence + 1;
      while (model_.count(missing) == 1) ++missing;
      ASSERT_EQ(set_.NextMissing(sequence), missing) << sequence;
    }
    Sequence previous = -1;
    for (const auto& [first, last] : set_.runs()) {
      ASSERT_GT(first, previous + 1) << "runs touch";
      ASSERT_LE(first, last);
      previous = last;
    }
    const absl::StatusOr<SequenceSet> again = SequenceSet::FromText(set_.ToText());
    ASSERT_TRUE(again.ok()) << set_.ToText();
    ASSERT_EQ(again->runs(), set_.runs());
    ASSERT_EQ(again->size(), set_.size());
  }

  SequenceSet set_;
  std::set<Sequence> model_;
};

TEST_P(SequenceSetModelTest, AnyStepsLeadToTheSameMembers) {
  SCOPED_TRACE(absl::StrCat("seed ", GetParam()));
  std::mt19937 random(GetParam());
  const auto below = [&random](int64_t bound) { return static_cast<int64_t>(random() % bound); };
  for (int step = 0; step < 300; ++step) {
    if (below(10) == 0) {
      const Sequence last = below(kSpan);
      set_.RemoveThrough(last);
      model_.erase(model_.begin(), model_.upper_bound(last));
    } else {
      const Sequence first = 1 + below(kSpan);
      const Sequence last = std::min(kSpan, first + below(4) * below(4));
      set_.Add({first, last});
      for (Sequence sequence = first; sequence <= last; ++sequence) model_.insert(sequence);
    }
    ASSERT_NO_FATAL_FAILURE(Check());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SequenceSetModelTest, ::testing::Range(1U, 21U));

TEST(SequenceSetTest, WhatWasMovedFromIsEmptyAndCountsAnew) {
  SequenceSet set;
  set.Add({3, 7});
  const SequenceSet taken = std::move(set);
  EXPECT_EQ(taken.size(), 5);
  EXPECT_EQ(set.size(), 0);  // NOLINT(bugprone-use-after-move): this is what is promised
  EXPECT_TRUE(set.empty());
  set.Add(1);
  EXPECT_EQ(set.size(), 1);
}

}  // namespace
}  // namespace onhook
