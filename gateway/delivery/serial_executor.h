#ifndef ONHOOK_GATEWAY_DELIVERY_SERIAL_EXECUTOR_H_
#define ONHOOK_GATEWAY_DELIVERY_SERIAL_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace onhook {

// One thread that does what may block on the disk, so that gRPC's threads never do: creating,
// changing and listing subscriptions. What would take many commits does not belong here: whatever
// comes later waits for it.
//
// Promises: tasks run one after the other, in order, outside every lock.
// Threads: any. Blocking: only Stop. Errors: Run refuses beyond the limit and after Stop.
class SerialExecutor {
 public:
  explicit SerialExecutor(size_t max_waiting);
  ~SerialExecutor();  // stops

  // So many may wait from now on.
  void SetMaxWaiting(size_t max_waiting);

  // Runs `task` soon. False: too many are waiting, or stopped; the task is dropped.
  bool Run(std::function<void()> task);

  // Waits for the running task; drops those that wait. Not to be called from a task.
  void Stop();

 private:
  void RunTasks();

  absl::Mutex mutex_;
  size_t max_waiting_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_SERIAL_EXECUTOR_H_
