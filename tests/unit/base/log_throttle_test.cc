#include "gateway/base/log_throttle.h"

#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

TEST(LogThrottleTest, LetsOneThroughAndThenCountsUntilTheIntervalHasPassed) {
  ManualClock clock;
  LogThrottle throttle(&clock, absl::Minutes(1));
  EXPECT_EQ(throttle.Occurred(), 1);
  EXPECT_EQ(throttle.Occurred(), 0);
  clock.Advance(absl::Seconds(59));
  EXPECT_EQ(throttle.Occurred(), 0);
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(throttle.Occurred(), 3);
  EXPECT_EQ(throttle.Occurred(), 0);
}

}  // namespace
}  // namespace onhook
