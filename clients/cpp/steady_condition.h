#ifndef ONHOOK_CLIENTS_CPP_STEADY_CONDITION_H_
#define ONHOOK_CLIENTS_CPP_STEADY_CONDITION_H_

#include <condition_variable>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace onhook::client {

// Now, by the clock that nobody sets. It can be compared with other such moments of this process,
// and with nothing else.
absl::Time SteadyNow();

// What threads that hold an absl::Mutex wait for, for a time that no turn of the machine's clock
// makes longer or shorter.
//
// Why: absl's own waits with a limit of time end at a time of the day, and last a year where the
// clock is put back by one.
//
// Whoever changes what is waited for must signal it: nothing is looked at unasked, unlike with
// absl::Mutex::Await. Threads: any. Blocking: what is called Await.
class SteadyCondition {
 public:
  // Until `holds`, which is asked with the mutex held, says yes.
  template <typename Predicate>
  void Await(absl::Mutex* mutex, const Predicate& holds)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    while (!holds()) Wait(mutex);
  }

  // Until `holds` says yes: true. False: it still did not at `until`, of SteadyNow's clock.
  template <typename Predicate>
  bool AwaitUntil(absl::Mutex* mutex, absl::Time until, const Predicate& holds)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    while (!holds()) {
      const absl::Duration left = until - SteadyNow();
      if (left <= absl::ZeroDuration()) return false;
      WaitFor(mutex, left);
    }
    return true;
  }

  // Wakes one, or all, of those that wait.
  void Signal() { signalled_.notify_one(); }
  void SignalAll() { signalled_.notify_all(); }

 private:
  // Until it is signalled, and now and then for nothing.
  void Wait(absl::Mutex* mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // The same, for `most` at most.
  void WaitFor(absl::Mutex* mutex, absl::Duration most) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  std::condition_variable_any signalled_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_STEADY_CONDITION_H_
