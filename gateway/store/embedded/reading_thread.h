#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_READING_THREAD_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_READING_THREAD_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace onhook {

// The one thread that reads the storage, so that nobody else waits for the disk. Tasks are short
// pages and run in the order they came.
//
// One that is made `by_hand` has no thread: its owner calls RunOne.
//
// Threads: any. Blocking: Close waits for the task under way.
class ReadingThread {
 public:
  // `closing`: the storage is not to be read any more; answer kUnavailable.
  using Task = std::function<void(bool closing)>;

  explicit ReadingThread(size_t max_pending, bool by_hand = false);
  ~ReadingThread();

  // Runs `task` on the thread. False if too many wait or it is closed: the task was not taken.
  bool Run(Task task);

  // Runs what waits with `closing` set. Idempotent.
  void Close();

  // By hand: runs the task that has waited longest. False: there was none.
  bool RunOne();

 private:
  void Loop();
  // Runs the first task, without the lock.
  void RunFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_pending_;
  absl::Mutex mutex_;
  absl::CondVar wakes_;
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_READING_THREAD_H_
