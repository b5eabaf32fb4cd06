#ifndef ONHOOK_GATEWAY_BASE_PERIODIC_THREAD_H_
#define ONHOOK_GATEWAY_BASE_PERIODIC_THREAD_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace onhook {

// A thread that does one thing every now and then. The interval is counted from the end of one turn
// to the beginning of the next, by the machine's clock.
//
// Threads: Stop from any but its own. Blocking: Stop waits for the turn under way.
class PeriodicThread {
 public:
  PeriodicThread(absl::Duration interval, std::function<void()> turn);
  ~PeriodicThread();  // stops

  // No turn begins any more. Idempotent.
  void Stop();

 private:
  void Run();

  const absl::Duration interval_;
  const std::function<void()> turn_;
  absl::Mutex mutex_;
  absl::CondVar stops_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_PERIODIC_THREAD_H_
