#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_SERIAL_CALLS_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_SERIAL_CALLS_H_

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace onhook {

// Calls of several threads, made one at a time and in order, without a thread of its own.
//
// Promises: whoever finds none under way makes its own, and those that others bring meanwhile.
// Threads: any. Blocking: only End.
class SerialCalls {
 public:
  void Run(std::function<void()> call);

  // No call begins any more, and those that wait are dropped. The one under way is waited for,
  // unless it is this thread's own.
  void End();

 private:
  bool Idle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !calling_; }

  absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool calling_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread::id caller_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_SERIAL_CALLS_H_
