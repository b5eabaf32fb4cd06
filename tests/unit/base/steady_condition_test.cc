#include "gateway/base/steady_condition.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/support/wall_clock.h"

namespace onhook {
namespace {

constexpr absl::Duration kMoment = absl::Milliseconds(1);
constexpr absl::Duration kYear = absl::Hours(365 * 24);

TEST(SteadyConditionTest, AWaitEndsInTimeAlthoughTheMachinesClockIsPutBack) {
  const WallClockAhead ahead(kYear);
  absl::Mutex mutex;
  SteadyCondition condition;
  absl::MutexLock lock(&mutex);
  EXPECT_FALSE(condition.AwaitFor(&mutex, kMoment, [] { return false; }));
  condition.WaitFor(&mutex, kMoment);
}

// What the class is for; and proof that the test's clock does to waits what a machine's does.
TEST(SteadyConditionTest, AbslsWaitDoesNotEndThen) {
  absl::Notification steady_wait_is_over;
  absl::Mutex mutex;
  absl::CondVar condition;
  bool over = false;
  const absl::Time before = absl::Now();
  const WallClockAhead ahead(kYear);
  // Absl counts cycles, and looks at the clock every other second.
  while (absl::Now() < before + kYear / 2) std::this_thread::yield();
  std::thread waiting([&] {
    absl::MutexLock lock(&mutex);
    while (!over && !condition.WaitWithTimeout(&mutex, kMoment)) {
    }
    EXPECT_TRUE(over) << "it ended by itself";
  });
  // Much longer than that one would take.
  SteadyNotification never;
  EXPECT_FALSE(never.WaitFor(100 * kMoment));
  {
    absl::MutexLock lock(&mutex);
    over = true;
    condition.Signal();
  }
  waiting.join();
}

TEST(SteadyConditionTest, ASignalEndsAWaitThatHasNoOtherEnd) {
  absl::Mutex mutex;
  SteadyCondition condition;
  bool happened = false;
  std::thread other([&] {
    absl::MutexLock lock(&mutex);
    happened = true;
    condition.Signal();
  });
  {
    absl::MutexLock lock(&mutex);
    EXPECT_TRUE(condition.AwaitFor(&mutex, absl::InfiniteDuration(), [&] { return happened; }));
  }
  other.join();
}

TEST(SteadyConditionTest, WhatHoldsAlreadyIsNotWaitedFor) {
  absl::Mutex mutex;
  SteadyCondition condition;
  absl::MutexLock lock(&mutex);
  EXPECT_TRUE(condition.AwaitFor(&mutex, absl::ZeroDuration(), [] { return true; }));
  EXPECT_FALSE(condition.AwaitFor(&mutex, -kYear, [] { return false; }));
}

TEST(SteadyNotificationTest, IsNotifiedOnceAndForAllThatWait) {
  SteadyNotification notification;
  EXPECT_FALSE(notification.HasBeenNotified());
  EXPECT_FALSE(notification.WaitFor(kMoment));
  std::thread first([&] { notification.Wait(); });
  std::thread second([&] { EXPECT_TRUE(notification.WaitFor(absl::InfiniteDuration())); });
  notification.Notify();
  first.join();
  second.join();
  EXPECT_TRUE(notification.HasBeenNotified());
  EXPECT_TRUE(notification.WaitFor(absl::ZeroDuration()));
}

// As a callback's thread does, which keeps it on its stack. The sanitizers look.
TEST(SteadyNotificationTest, MayBeDestroyedByWhoWaited) {
  for (int i = 0; i < 1000; ++i) {
    auto notification = std::make_unique<SteadyNotification>();
    std::thread other([raw = notification.get()] { raw->Notify(); });
    notification->Wait();
    notification.reset();
    other.join();
  }
}

}  // namespace
}  // namespace onhook
