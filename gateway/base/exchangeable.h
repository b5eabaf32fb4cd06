#ifndef ONHOOK_GATEWAY_BASE_EXCHANGEABLE_H_
#define ONHOOK_GATEWAY_BASE_EXCHANGEABLE_H_

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace onhook {

// A value that is replaced as a whole while others work with it: whoever has got one goes on with
// that, unchanged, for as long as it keeps it.
//
// Why not by members: what is set together belongs together, and half of it might be wrong.
// Threads: any. Blocking: never for long. Errors: none.
template <typename Value>
class Exchangeable {
 public:
  explicit Exchangeable(Value value) : value_(std::make_shared<const Value>(std::move(value))) {}

  // As it is now. Never null.
  std::shared_ptr<const Value> Get() const {
    absl::MutexLock lock(&mutex_);
    return value_;
  }

  // Get() returns this from now on.
  void Set(Value value) {
    // The one before may be destroyed here, so not under the lock.
    auto next = std::make_shared<const Value>(std::move(value));
    absl::MutexLock lock(&mutex_);
    value_.swap(next);
  }

 private:
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Value> value_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_EXCHANGEABLE_H_
