#ifndef ONHOOK_GATEWAY_STORE_SPOOL_PATIENCE_H_
#define ONHOOK_GATEWAY_STORE_SPOOL_PATIENCE_H_

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/steady_condition.h"

namespace onhook {

// Waits for answers for so long and no longer; and does what must not be done where an answer
// arrives, since it may have to wait for the disk. All that on one thread of its own.
//
// Promises: of the answer and the giving up, one takes the call. What is given up, and what is to
// be run, is done in the order in which it became due, much of it together if there is much.
// Threads: any. Blocking: Stop.
class Patience {
 public:
  // One call whose answer is waited for.
  class Wait {
   public:
    // True for whoever asks first, who has to answer the call.
    bool Take() { return !taken_.exchange(true); }

   private:
    friend class Patience;
    std::atomic<bool> taken_{false};
    absl::Duration deadline_;
    std::function<void()> give_up_;
  };

  // `together` is given what is to be done at once, and does it.
  Patience(absl::Duration patience, std::function<void(absl::FunctionRef<void()>)> together);
  ~Patience();  // stops

  absl::Duration patience() const { return patience_; }

  // `give_up` is called on this thread if nobody else has taken the call in time.
  std::shared_ptr<Wait> Begin(std::function<void()> give_up);

  // Does it soon, on this thread; after Stop at once, on the caller's.
  void Run(std::function<void()> work);

  // Gives up what is still waited for, does what is to be run, and ends. Idempotent.
  void Stop();

 private:
  void Loop();
  // What is due by `now`; all that there is once it stops.
  std::vector<std::function<void()>> TakeDue(absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const absl::Duration patience_;
  const std::function<void(absl::FunctionRef<void()>)> together_;
  const SystemClock clock_;  // nobody turns waits

  absl::Mutex mutex_;
  SteadyCondition wake_;
  std::deque<std::shared_ptr<Wait>> waits_ ABSL_GUARDED_BY(mutex_);  // by their deadlines
  std::vector<std::function<void()>> work_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;  // Run does it itself
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SPOOL_PATIENCE_H_
