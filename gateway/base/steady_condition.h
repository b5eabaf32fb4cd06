#ifndef ONHOOK_GATEWAY_BASE_STEADY_CONDITION_H_
#define ONHOOK_GATEWAY_BASE_STEADY_CONDITION_H_

#include <atomic>
#include <condition_variable>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace onhook {

// What threads that hold an absl::Mutex wait for, for a time that no turn of the machine's clock
// makes longer or shorter.
//
// Why: absl's own waits with a limit of time end at a time of the day. When the clock is put back
// by a year, as it may be when a machine that starts hears of the time, they last that year. Here
// the limit is of the clock that nobody sets. Waits without a limit may go on being absl's.
//
// Whoever changes what is waited for must signal it: nothing is looked at unasked, unlike with
// absl::Mutex::Await. Threads: any. Blocking: what is called Wait.
class SteadyCondition {
 public:
  // Until it is signalled, and now and then for nothing.
  void Wait(absl::Mutex* mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // The same, for `most` at most.
  void WaitFor(absl::Mutex* mutex, absl::Duration most) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // Until `holds`, which is asked with the mutex held, says yes: true. False: it still did not
  // after `most`.
  template <typename Predicate>
  bool AwaitFor(absl::Mutex* mutex, absl::Duration most, const Predicate& holds)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const absl::Duration until = Elapsed() + most;
    while (!holds()) {
      const absl::Duration left = until - Elapsed();
      if (left <= absl::ZeroDuration()) return false;
      WaitFor(mutex, left);
    }
    return true;
  }

  // Wakes one, or all, of those that wait.
  void Signal() { signalled_.notify_one(); }
  void SignalAll() { signalled_.notify_all(); }

 private:
  static absl::Duration Elapsed();

  std::condition_variable_any signalled_;
};

// Something that happens once, and that threads wait for: absl::Notification, but for its sense of
// time. It may be destroyed as soon as a wait has returned true. Threads: any.
class SteadyNotification {
 public:
  ~SteadyNotification();

  // To be called once.
  void Notify();
  bool HasBeenNotified() const { return notified_.load(std::memory_order_acquire); }
  void Wait() const;
  // False: not within `most`.
  bool WaitFor(absl::Duration most) const;

 private:
  mutable absl::Mutex mutex_;
  mutable SteadyCondition happened_;
  std::atomic<bool> notified_{false};  // set with the mutex held
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_STEADY_CONDITION_H_
