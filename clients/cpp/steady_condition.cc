#include "clients/cpp/steady_condition.h"

#include <algorithm>
#include <chrono>

namespace onhook::client {
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

absl::Time SteadyNow() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

void SteadyCondition::Wait(absl::Mutex* mutex) {
  Lockable lock(mutex);
  signalled_.wait(lock);
}

void SteadyCondition::WaitFor(absl::Mutex* mutex, absl::Duration most) {
  const auto longest = absl::ToChronoNanoseconds(std::min(most, kLongest));
  Lockable lock(mutex);
  signalled_.wait_until(lock, std::chrono::steady_clock::now() + longest);
}

}  // namespace onhook::client
