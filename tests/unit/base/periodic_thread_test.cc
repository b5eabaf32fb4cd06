#include "gateway/base/periodic_thread.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

#include "absl/synchronization/notification.h"

namespace {

// How far the time of the day, as this program reads it, is ahead of the system's.
std::atomic<time_t> ahead_seconds{0};

}  // namespace

// Instead of the C library's.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto result = syscall(SYS_clock_gettime, clock, time);
  if (clock == CLOCK_REALTIME) time->tv_sec += ahead_seconds;
  return static_cast<int>(result);
}

namespace onhook {
namespace {

TEST(PeriodicThreadTest, TurnsComeAgainAndAgain) {
  absl::Notification third;
  int turns = 0;
  PeriodicThread thread(absl::Milliseconds(1), [&] {
    if (++turns == 3) third.Notify();
  });
  third.WaitForNotification();
  thread.Stop();
  EXPECT_GE(turns, 3);
}

TEST(PeriodicThreadTest, StopDoesNotWaitForTheNextTurn) {
  std::atomic<int> turns{0};
  PeriodicThread thread(absl::InfiniteDuration(), [&] { ++turns; });
  thread.Stop();
  thread.Stop();
  EXPECT_EQ(turns, 0);
}

// As the system sees it, whatever was read before then lies an hour ahead.
TEST(PeriodicThreadTest, TurnsComeAlthoughTheMachinesClockIsPutBack) {
  ahead_seconds = 3600;
  absl::Notification turned;
  PeriodicThread thread(absl::Milliseconds(1), [&] {
    if (!turned.HasBeenNotified()) turned.Notify();
  });
  turned.WaitForNotification();
  thread.Stop();
  ahead_seconds = 0;
}

}  // namespace
}  // namespace onhook
