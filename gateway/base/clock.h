#ifndef ONHOOK_GATEWAY_BASE_CLOCK_H_
#define ONHOOK_GATEWAY_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace onhook {

// Where every part of the gateway gets its time from, so that tests can turn it by hand.
//
// Threads: any. Blocking: never. Errors: none.
class Clock {
 public:
  virtual ~Clock() = default;

  // The time of day. May jump either way when somebody sets the machine's clock: for what is
  // shown or stored, never for measuring.
  virtual absl::Time Now() const = 0;

  // Time since an arbitrary start that never goes back: for deadlines and durations.
  virtual absl::Duration Elapsed() const = 0;
};

// The machine's own clocks.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration Elapsed() const override;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_CLOCK_H_
