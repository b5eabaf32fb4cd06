#ifndef ONHOOK_CLIENTS_CLI_STOP_SWITCH_H_
#define ONHOOK_CLIENTS_CLI_STOP_SWITCH_H_

#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace onhook::cli {

// Brings a wish to stop, from a signal or from a handler, to whatever runs now or will run next:
// the wish may come before the thing to be stopped is there.
//
// Threads: any.
class StopSwitch {
 public:
  // `stop` is called at once if a wish came already, else when it comes. It must not block, and
  // must be callable until Detach.
  void Attach(std::function<void()> stop) {
    absl::MutexLock lock(&mutex_);
    stop_ = std::move(stop);
    if (pressed_) stop_();
  }

  void Detach() {
    absl::MutexLock lock(&mutex_);
    stop_ = nullptr;
  }

  void Press() {
    absl::MutexLock lock(&mutex_);
    pressed_ = true;
    // Under the lock, so that Detach waits for it.
    if (stop_) stop_();
  }

 private:
  absl::Mutex mutex_;
  bool pressed_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> stop_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_STOP_SWITCH_H_
