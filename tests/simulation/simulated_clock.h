#ifndef ONHOOK_TESTS_SIMULATION_SIMULATED_CLOCK_H_
#define ONHOOK_TESTS_SIMULATION_SIMULATED_CLOCK_H_

#include <algorithm>

#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace onhook {

// A clock whose time passes, and whose time of day jumps, when the simulation says so. Threads:
// one.
class SimulatedClock final : public Clock {
 public:
  absl::Time Now() const override { return now_; }
  absl::Duration Elapsed() const override { return elapsed_; }

  void Pass(absl::Duration time) {
    elapsed_ += time;
    Step(time);
  }
  // Somebody sets the machine's clock.
  void Step(absl::Duration by) {
    now_ += by;
    latest_ = std::max(latest_, now_);
  }
  // The latest time of day that ever was.
  absl::Time latest() const { return latest_; }

 private:
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  absl::Time latest_ = now_;
  absl::Duration elapsed_ = absl::Seconds(1000);
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SIMULATION_SIMULATED_CLOCK_H_
