#include "gateway/base/periodic_thread.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/notification.h"
#include "tests/support/wall_clock.h"

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

TEST(PeriodicThreadTest, TurnsComeAlthoughTheMachinesClockIsPutBack) {
  const WallClockAhead ahead(absl::Hours(1));
  absl::Notification turned;
  PeriodicThread thread(absl::Milliseconds(1), [&] {
    if (!turned.HasBeenNotified()) turned.Notify();
  });
  turned.WaitForNotification();
  thread.Stop();
}

}  // namespace
}  // namespace onhook
