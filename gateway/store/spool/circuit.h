#ifndef ONHOOK_GATEWAY_STORE_SPOOL_CIRCUIT_H_
#define ONHOOK_GATEWAY_STORE_SPOOL_CIRCUIT_H_

#include <atomic>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace onhook {

// Whether the main store is worth trying. Closed: yes. One failure opens it; then nobody tries but
// who moves what is in the spool, whose success closes it again. So an outage costs the callbacks
// that are under way their patience, and no later one.
//
// When nobody has failed for an `interval`, since nothing is in the spool to be moved or a try is
// not answered, one callback tries. Times are of Clock::Elapsed().
// Threads: any. Blocking: never.
class Circuit {
 public:
  explicit Circuit(absl::Duration interval) : interval_(interval) {}

  // Whether a callback is to go to the main store.
  bool Admits(absl::Duration now) {
    if (!open()) return true;
    absl::MutexLock lock(&mutex_);
    if (now < next_try_) return false;
    next_try_ = now + interval_;
    return true;
  }

  void Failed(absl::Duration now) {
    absl::MutexLock lock(&mutex_);
    next_try_ = now + interval_;
    open_.store(true, std::memory_order_release);
  }
  // Opens nothing: what failed may have done so by itself.
  void StillFails(absl::Duration now) {
    absl::MutexLock lock(&mutex_);
    next_try_ = now + interval_;
  }
  void Succeeded() {
    if (open()) open_.store(false, std::memory_order_release);
  }

  bool open() const { return open_.load(std::memory_order_acquire); }

 private:
  const absl::Duration interval_;
  std::atomic<bool> open_{false};
  absl::Mutex mutex_;
  absl::Duration next_try_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SPOOL_CIRCUIT_H_
