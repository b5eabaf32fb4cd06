#include "gateway/ingress/rate_limit.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

int TakeAll(RateLimit& limit) {
  int taken = 0;
  while (limit.Take()) ++taken;
  return taken;
}

TEST(RateLimitTest, ABurstIsLetThroughAtOnceAndNoMore) {
  ManualClock clock;
  RateLimit limit(2, 5, &clock);
  EXPECT_EQ(TakeAll(limit), 5);
  EXPECT_FALSE(limit.Take());
}

TEST(RateLimitTest, TimeLetsMoreThrough) {
  ManualClock clock;
  RateLimit limit(2, 5, &clock);
  TakeAll(limit);
  clock.Advance(absl::Milliseconds(499));
  EXPECT_EQ(TakeAll(limit), 0);
  clock.Advance(absl::Milliseconds(1));
  EXPECT_EQ(TakeAll(limit), 1);
  clock.Advance(absl::Seconds(2));
  EXPECT_EQ(TakeAll(limit), 4);
}

TEST(RateLimitTest, QuietTimesAreNotSavedBeyondTheBurst) {
  ManualClock clock;
  RateLimit limit(2, 5, &clock);
  clock.Advance(absl::Hours(1000));
  EXPECT_EQ(TakeAll(limit), 5);
}

TEST(RateLimitTest, SmallStepsAddUp) {
  ManualClock clock;
  RateLimit limit(100, 5, &clock);
  TakeAll(limit);
  int taken = 0;
  for (int millisecond = 0; millisecond < 1001; ++millisecond) {
    clock.Advance(absl::Milliseconds(1));
    if (limit.Take()) ++taken;
  }
  EXPECT_EQ(taken, 100);
}

TEST(RateLimitTest, WithoutARateOnlyTheBurstIsLetThroughAndWithoutABurstNothing) {
  ManualClock clock;
  RateLimit once(0, 3, &clock);
  RateLimit never(100, 0, &clock);
  EXPECT_EQ(TakeAll(once), 3);
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(TakeAll(once), 0);
  EXPECT_EQ(TakeAll(never), 0);
}

TEST(RateLimitTest, ThreadsShareOneBurst) {
  ManualClock clock;
  RateLimit limit(0, 1000, &clock);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { taken += TakeAll(limit); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 1000);
}

TEST(RateLimitTest, OtherNumbersHoldFromNowOnAndWhatWasTakenStaysTaken) {
  ManualClock clock;
  RateLimit limit(2, 5, &clock);
  TakeAll(limit);
  limit.SetLimits(4, 100);
  EXPECT_EQ(TakeAll(limit), 0);
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(TakeAll(limit), 4);
  clock.Advance(absl::Hours(1));
  limit.SetLimits(4, 3);
  EXPECT_EQ(TakeAll(limit), 3);
}

}  // namespace
}  // namespace onhook
