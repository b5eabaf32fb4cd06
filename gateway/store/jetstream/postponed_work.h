#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_POSTPONED_WORK_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_POSTPONED_WORK_H_

#include <functional>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace onhook {

// What is to be done a little later, by whoever ticks: what servers could not do just now is asked
// for again without a thread that waits for it.
//
// Promises: each work is called exactly once, with `closing` if that comes first. Threads: any.
// Blocking: never, but for the work itself. Errors: none.
class PostponedWork {
 public:
  using Work = std::function<void(bool closing)>;

  // `clock` must outlive it.
  explicit PostponedWork(const Clock* clock) : clock_(clock) {}

  // At the first Tick that comes when `delay` is over. After Close: at once.
  void Add(absl::Duration delay, Work work);

  void Tick();
  // Calls all that waits, and from now on whatever is added, with `closing`. Idempotent.
  void Close();

 private:
  const Clock* const clock_;
  absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::multimap<absl::Duration, Work> work_ ABSL_GUARDED_BY(mutex_);  // by when it is due
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_POSTPONED_WORK_H_
