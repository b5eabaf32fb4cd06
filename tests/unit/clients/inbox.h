#ifndef ONHOOK_TESTS_UNIT_CLIENTS_INBOX_H_
#define ONHOOK_TESTS_UNIT_CLIENTS_INBOX_H_

#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace onhook::client {

// Long enough for the slowest machine: a wait that takes it is a failure.
constexpr absl::Duration kPatience = absl::Seconds(20);

// A queue whose reader waits.
template <typename T>
class Inbox {
 public:
  void Put(T item) {
    absl::MutexLock lock(&mutex_);
    items_.push_back(std::move(item));
  }
  // The next item; a default one, which no test expects, if none comes.
  T Take() {
    absl::MutexLock lock(&mutex_);
    const auto filled = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !items_.empty(); };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&filled), kPatience)) return T();
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }
  bool empty() {
    absl::MutexLock lock(&mutex_);
    return items_.empty();
  }

 private:
  absl::Mutex mutex_;
  std::deque<T> items_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook::client

#endif  // ONHOOK_TESTS_UNIT_CLIENTS_INBOX_H_
