#ifndef ONHOOK_GATEWAY_BASE_DISTRIBUTION_H_
#define ONHOOK_GATEWAY_BASE_DISTRIBUTION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"

namespace onhook {

// How many values fell into which range: what becomes a histogram.
//
// Why not the library's: that one takes a lock for each value, and every event passes several of
// these, on as many threads as there are connections.
//
// Promises: a value counts in the first range whose bound is not below it, or in the one beyond the
// last bound. Reading while others count loses nothing: what it misses, the next one finds.
// Threads: any. Blocking: never. Errors: none.
class Distribution {
 public:
  // `bounds` ascend, and outlive it: usually they are constants.
  explicit Distribution(absl::Span<const double> bounds);

  void Observe(double value);

  struct Counts {
    absl::Span<const double> bounds;
    std::vector<uint64_t> counts;  // of each range, and of what lies beyond the last bound
    double sum = 0;                // of the values
    uint64_t total() const;        // how many values there were
  };
  Counts Read() const;

 private:
  const absl::Span<const double> bounds_;
  const std::unique_ptr<std::atomic<uint64_t>[]> counts_;
  std::atomic<double> sum_{0};
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_DISTRIBUTION_H_
