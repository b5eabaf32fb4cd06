#ifndef ONHOOK_TESTS_SIMULATION_SIMULATION_RANDOM_H_
#define ONHOOK_TESTS_SIMULATION_SIMULATION_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "absl/time/time.h"

namespace onhook {

// Where every decision of a simulation comes from: SplitMix64, the same on every machine and with
// every library. Threads: one at a time.
class SimulationRandom {
 public:
  explicit SimulationRandom(uint64_t seed) : state_(seed) {}

  uint64_t Bits() {
    state_ += 0x9E3779B97F4A7C15U;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31);
  }

  // At least 0, below `bound`, which is positive.
  template <typename Integer>
  Integer Below(Integer bound) {
    return static_cast<Integer>(Bits() % static_cast<uint64_t>(bound));
  }
  bool OneIn(uint64_t chances) { return Below(chances) == 0; }
  template <typename Value>
  Value Among(std::initializer_list<Value> values) {
    return values.begin()[Below(values.size())];
  }
  // Mostly short, sometimes as long as `most`.
  absl::Duration UpTo(absl::Duration most) {
    return absl::Nanoseconds(Below(absl::ToInt64Nanoseconds(most) >> Below(20)) + 1);
  }

 private:
  uint64_t state_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SIMULATION_SIMULATION_RANDOM_H_
