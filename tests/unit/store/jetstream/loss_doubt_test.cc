#include "gateway/store/jetstream/loss_doubt.h"

#include <gtest/gtest.h>

#include <optional>

#include "absl/time/time.h"

namespace onhook {
namespace {

using Verdict = LossDoubt::Verdict;

constexpr absl::Duration kNow = absl::Hours(1);
constexpr absl::Duration kMoment = absl::Milliseconds(1);

LossDoubt::Loss LossBehind(Sequence kept, int64_t lost) {
  return {kept, {lost, absl::UnixEpoch()}, {{"crm", 4}}, 0};
}

TEST(LossDoubtTest, NothingIsLostWhereNothingWasNoted) {
  const LossDoubt doubt;
  EXPECT_FALSE(doubt.noted().has_value());
  EXPECT_EQ(doubt.Judge(false, kNow), Verdict::kNoLoss);
}

TEST(LossDoubtTest, ALossIsBelievedOnlyAfterAWhile) {
  LossDoubt doubt;
  doubt.Note(LossBehind(10, 15), kNow);
  EXPECT_EQ(doubt.Judge(false, kNow), Verdict::kWait);
  EXPECT_EQ(doubt.Judge(false, kNow + LossDoubt::kDoubt - kMoment), Verdict::kWait);
  EXPECT_EQ(doubt.Judge(false, kNow + LossDoubt::kDoubt), Verdict::kLoss);
  EXPECT_EQ(doubt.noted()->kept, 10);
  EXPECT_EQ(doubt.noted()->epoch_numbers.at("crm"), 4);
}

TEST(LossDoubtTest, WhatIsBackWasNotLostHoweverLateItComes) {
  LossDoubt doubt;
  doubt.Note(LossBehind(10, 15), kNow);
  EXPECT_EQ(doubt.Judge(true, kNow), Verdict::kNoLoss);
  EXPECT_EQ(doubt.Judge(true, kNow + 2 * LossDoubt::kDoubt), Verdict::kNoLoss);
}

TEST(LossDoubtTest, WhereItIsNotKnownWhatWasLostThereIsNoDoubt) {
  LossDoubt doubt;
  doubt.Note(LossBehind(10, 0), kNow);
  EXPECT_EQ(doubt.Judge(false, kNow), Verdict::kLoss);
}

TEST(LossDoubtTest, OfSeveralTheWorstIsKeptAndTheNewestDoubted) {
  LossDoubt doubt;
  doubt.Note(LossBehind(10, 15), kNow);
  const std::optional<LossDoubt::Loss> first = doubt.noted();
  doubt.Note(LossBehind(12, 14), kNow + absl::Seconds(2));
  EXPECT_EQ(doubt.noted()->kept, 10);
  EXPECT_EQ(doubt.noted()->lost.sequence, 14);
  EXPECT_EQ(doubt.Judge(false, kNow + LossDoubt::kDoubt), Verdict::kWait);
  doubt.Forget(*first);  // it is not the one that is noted now
  ASSERT_TRUE(doubt.noted().has_value());
  doubt.Note(LossBehind(7, 9), kNow + absl::Seconds(2));
  EXPECT_EQ(doubt.noted()->kept, 7);
  doubt.Forget(*doubt.noted());
  EXPECT_FALSE(doubt.noted().has_value());
}

}  // namespace
}  // namespace onhook
