#include "gateway/base/steady_condition.h"

#include <algorithm>
#include <chrono>

namespace onhook {
namespace {

// No longer than what can be added to a clock.
constexpr absl::Duration kLongest = absl::Hours(365 * 24);

// An absl::Mutex by the names that the standard library calls. What is unlocked here is locked
// again before the wait returns, which the analysis cannot follow.
class Lockable {
 public:
  explicit Lockable(absl::Mutex* mutex) : mutex_(mutex) {}
  void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_->Lock(); }
  void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_->Unlock(); }

 private:
  absl::Mutex* const mutex_;
};

}  // namespace

void SteadyCondition::Wait(absl::Mutex* mutex) {
  Lockable lock(mutex);
  signalled_.wait(lock);
}

void SteadyCondition::WaitFor(absl::Mutex* mutex, absl::Duration most) {
  const auto longest = absl::ToChronoNanoseconds(std::min(most, kLongest));
  Lockable lock(mutex);
  signalled_.wait_until(lock, std::chrono::steady_clock::now() + longest);
}

absl::Duration SteadyCondition::Elapsed() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

// Whoever notifies may still be at it when the one who waited has seen it and goes on.
SteadyNotification::~SteadyNotification() { absl::MutexLock lock(&mutex_); }

void SteadyNotification::Notify() {
  absl::MutexLock lock(&mutex_);
  notified_.store(true, std::memory_order_release);
  happened_.SignalAll();
}

void SteadyNotification::Wait() const {
  absl::MutexLock lock(&mutex_);
  while (!HasBeenNotified()) happened_.Wait(&mutex_);
}

bool SteadyNotification::WaitFor(absl::Duration most) const {
  absl::MutexLock lock(&mutex_);
  return happened_.AwaitFor(&mutex_, most, [this] { return HasBeenNotified(); });
}

}  // namespace onhook
