#include "gateway/base/cautious_clock.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"

namespace onhook {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

// A clock that somebody may set.
class SettableClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch() + elapsed_ + set_by_; }
  absl::Duration Elapsed() const override { return elapsed_; }
  void Advance(absl::Duration by) { elapsed_ += by; }
  void Set(absl::Duration by) { set_by_ += by; }

 private:
  absl::Duration elapsed_ = 10'000 * kDay;
  absl::Duration set_by_;
};

class CautiousClockTest : public testing::Test {
 protected:
  // How far it is ahead of a clock that nobody sets.
  absl::Duration Ahead() const { return cautious_.Now() - (absl::UnixEpoch() + clock_.Elapsed()); }
  absl::Duration LatestAhead() const {
    return cautious_.Latest() - (absl::UnixEpoch() + clock_.Elapsed());
  }

  SettableClock clock_;
  const CautiousClock cautious_{&clock_};
};

TEST_F(CautiousClockTest, TimePassesAsItDoes) {
  for (const absl::Duration step : {absl::Milliseconds(1), absl::Hours(1), 400 * kDay}) {
    clock_.Advance(step);
    EXPECT_EQ(Ahead(), absl::ZeroDuration());
  }
}

TEST_F(CautiousClockTest, AStepForwardIsBelievedWhenItHasLastedForADay) {
  clock_.Set(3650 * kDay);
  EXPECT_EQ(Ahead(), absl::ZeroDuration());
  clock_.Advance(kDay - absl::Seconds(1));
  EXPECT_EQ(Ahead(), absl::ZeroDuration());
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Ahead(), 3650 * kDay);
}

TEST_F(CautiousClockTest, ADayCountsAnewFromEachStep) {
  clock_.Set(kDay);
  EXPECT_EQ(Ahead(), absl::ZeroDuration());
  clock_.Advance(kDay - absl::Seconds(1));
  clock_.Set(3650 * kDay);
  EXPECT_EQ(Ahead(), absl::ZeroDuration());
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Ahead(), absl::ZeroDuration());
  clock_.Set(-3650 * kDay);
  EXPECT_EQ(Ahead(), absl::ZeroDuration());
}

TEST_F(CautiousClockTest, AStepThatIsTakenBackLeavesNothingBehind) {
  clock_.Set(3650 * kDay);
  EXPECT_EQ(Ahead(), absl::ZeroDuration());
  clock_.Set(-3650 * kDay);
  clock_.Advance(2 * kDay);
  EXPECT_EQ(Ahead(), absl::ZeroDuration());
}

TEST_F(CautiousClockTest, AStepBackHoldsAtOnceButMakesNothingOlder) {
  clock_.Set(-365 * kDay);
  EXPECT_EQ(Ahead(), -365 * kDay);
  EXPECT_EQ(LatestAhead(), absl::ZeroDuration());
  clock_.Set(365 * kDay);
  EXPECT_EQ(Ahead(), absl::ZeroDuration());
}

TEST_F(CautiousClockTest, AClockThatIsSetRightAfterTheStartMakesNothingOlderEither) {
  clock_.Set(3650 * kDay);
  EXPECT_EQ(LatestAhead(), 3650 * kDay);
}

TEST_F(CautiousClockTest, ASmallStepIsBelieved) {
  clock_.Set(absl::Seconds(59));
  EXPECT_EQ(Ahead(), absl::Seconds(59));
  EXPECT_EQ(LatestAhead(), absl::Seconds(59));
}

}  // namespace
}  // namespace onhook
