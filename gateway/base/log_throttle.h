#ifndef ONHOOK_GATEWAY_BASE_LOG_THROTTLE_H_
#define ONHOOK_GATEWAY_BASE_LOG_THROTTLE_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace onhook {

// Lets one of many equal log lines through every now and then, and says how often it would have
// been written: trouble that meets every request must not bury the log.
//
// Threads: any. Blocking: never. Errors: none.
class LogThrottle {
 public:
  // `clock` must outlive the throttle. The first occurrence is let through.
  LogThrottle(const Clock* clock, absl::Duration interval) : clock_(clock), interval_(interval) {}

  // To be called at each occurrence. 0: say nothing. Otherwise the number of occurrences since a
  // line was let through, this one included.
  int64_t Occurred() {
    const int64_t count = unsaid_.fetch_add(1, std::memory_order_relaxed) + 1;
    const int64_t now = absl::ToInt64Nanoseconds(clock_->Elapsed());
    int64_t next = next_ns_.load(std::memory_order_relaxed);
    if (now < next) return 0;
    if (!next_ns_.compare_exchange_strong(next, now + absl::ToInt64Nanoseconds(interval_))) {
      return 0;  // another thread says it
    }
    unsaid_.fetch_sub(count, std::memory_order_relaxed);
    return count;
  }

 private:
  const Clock* const clock_;
  const absl::Duration interval_;
  std::atomic<int64_t> unsaid_{0};
  std::atomic<int64_t> next_ns_{INT64_MIN};
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_LOG_THROTTLE_H_
