#ifndef ONHOOK_TESTS_SUPPORT_SHIFTED_CLOCK_H_
#define ONHOOK_TESTS_SUPPORT_SHIFTED_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace onhook {

// The machine's clock, which a test can set forward: what lingers for milliseconds goes on by
// itself, and what takes minutes does not have to be waited for. Threads: any.
class ShiftedClock final : public Clock {
 public:
  absl::Time Now() const override { return clock_.Now() + shift(); }
  absl::Duration Elapsed() const override { return clock_.Elapsed() + shift(); }

  void Advance(absl::Duration by) { shift_ns_ += absl::ToInt64Nanoseconds(by); }

 private:
  absl::Duration shift() const { return absl::Nanoseconds(shift_ns_.load()); }

  SystemClock clock_;
  std::atomic<int64_t> shift_ns_{0};
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_SHIFTED_CLOCK_H_
