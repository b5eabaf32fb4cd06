#ifndef ONHOOK_GATEWAY_HTTP_CONNECTION_THREADS_H_
#define ONHOOK_GATEWAY_HTTP_CONNECTION_THREADS_H_

#include <deque>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/steady_condition.h"

namespace onhook {

// Threads on demand, one for each task at once. A pool of fixed size would let as many slow
// connections as it has threads keep everybody else waiting; here a task never waits for another.
// A thread that has nothing to do stays a while for the next task.
//
// Threads: any. Blocking: the destructor, until every task has returned.
class ConnectionThreads {
 public:
  explicit ConnectionThreads(int max_threads) : max_threads_(max_threads) {}
  ~ConnectionThreads();

  // There may be so many from now on. Fewer than before: those there are stay while they have
  // something to do.
  void SetMaxThreads(int max_threads);

  // Runs `task` on a thread of its own. False, and `task` is not run: there are max_threads
  // already, or the system gives no more.
  bool Run(std::function<void()> task);

 private:
  static void* ThreadMain(void* self);
  bool StartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Work();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ending_ || !tasks_.empty(); }
  bool IsEmpty() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return threads_ == 0; }

  absl::Mutex mutex_;
  SteadyCondition work_comes_;  // or the end
  int max_threads_ ABSL_GUARDED_BY(mutex_);
  // Each has a spare or a starting thread.
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  size_t spare_ ABSL_GUARDED_BY(mutex_) = 0;  // threads about to take a task, or waiting for one
  int threads_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_CONNECTION_THREADS_H_
