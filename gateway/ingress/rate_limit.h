#ifndef ONHOOK_GATEWAY_INGRESS_RATE_LIMIT_H_
#define ONHOOK_GATEWAY_INGRESS_RATE_LIMIT_H_

#include <algorithm>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace onhook {

// Lets so many things happen in a second in the long run, and some more at once: a bucket of
// tokens that is full at first and fills again with time.
//
// Threads: any. Blocking: never. Errors: none.
class RateLimit {
 public:
  // `per_second` and `burst` must not be negative. `clock` must outlive it.
  RateLimit(double per_second, int64_t burst, const Clock* clock)
      : clock_(clock),
        per_second_(per_second),
        burst_(static_cast<double>(burst)),
        tokens_(burst_),
        filled_(clock->Elapsed()) {}

  // Other numbers hold from now on; what has been taken stays taken.
  void SetLimits(double per_second, int64_t burst) {
    absl::MutexLock lock(&mutex_);
    per_second_ = per_second;
    burst_ = static_cast<double>(burst);
  }

  // Whether one more may happen now; if so it is counted.
  bool Take() {
    const absl::Duration now = clock_->Elapsed();
    absl::MutexLock lock(&mutex_);
    // Threads may come here in another order than they read the clock in.
    if (now > filled_) {
      tokens_ = std::min(burst_, tokens_ + per_second_ * absl::ToDoubleSeconds(now - filled_));
      filled_ = now;
    }
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  const Clock* const clock_;
  absl::Mutex mutex_;
  double per_second_ ABSL_GUARDED_BY(mutex_);
  double burst_ ABSL_GUARDED_BY(mutex_);
  double tokens_ ABSL_GUARDED_BY(mutex_);
  absl::Duration filled_ ABSL_GUARDED_BY(mutex_);  // when; Clock::Elapsed()
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_RATE_LIMIT_H_
