#include "gateway/base/clock.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

TEST(SystemClockTest, ElapsedTimeNeverGoesBack) {
  const SystemClock clock;
  absl::Duration before = clock.Elapsed();
  for (int i = 0; i < 10'000; ++i) {
    const absl::Duration now = clock.Elapsed();
    ASSERT_LE(before, now);
    before = now;
  }
}

TEST(SystemClockTest, TheTimeOfDayIsOfThisCentury) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  EXPECT_GT(SystemClock().Now(), absl::FromCivil(absl::CivilYear(2020), utc));
  EXPECT_LT(SystemClock().Now(), absl::FromCivil(absl::CivilYear(2100), utc));
}

TEST(ManualClockTest, MovesOnlyWhenATestTurnsIt) {
  ManualClock clock;
  const absl::Time now = clock.Now();
  const absl::Duration elapsed = clock.Elapsed();
  EXPECT_EQ(clock.Now(), now);
  clock.Advance(absl::Seconds(7));
  EXPECT_EQ(clock.Now() - now, absl::Seconds(7));
  EXPECT_EQ(clock.Elapsed() - elapsed, absl::Seconds(7));
}

}  // namespace
}  // namespace onhook
