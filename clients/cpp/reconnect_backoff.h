#ifndef ONHOOK_CLIENTS_CPP_RECONNECT_BACKOFF_H_
#define ONHOOK_CLIENTS_CPP_RECONNECT_BACKOFF_H_

#include <algorithm>
#include <cstdint>
#include <random>

#include "absl/time/time.h"
#include "onhook/client.h"

namespace onhook::client {

// Decides how long to wait before the next stream; see ReconnectOptions.
//
// Pure: the same seed and the same calls give the same delays. Threads: one at a time.
class ReconnectBackoff {
 public:
  ReconnectBackoff(const ReconnectOptions& options, uint64_t seed)
      : options_(options), random_(seed), next_(options.initial) {}

  // The wait after a stream that was open for `lived`, zero if it never opened, and brought
  // something or nothing.
  absl::Duration AfterStream(absl::Duration lived, bool was_of_use) {
    if (lived > options_.maximum || was_of_use) next_ = options_.initial;
    const absl::Duration longest = next_;
    next_ = std::min(next_ * 2, options_.maximum);
    return longest * std::uniform_real_distribution<double>(0.5, 1.0)(random_);
  }

  // The wait after a stream that goes away as planned: none, unless each new one does so at once.
  absl::Duration AfterGoAway(absl::Duration lived, bool was_of_use) {
    if (lived < kShortestLife && !was_of_use) return AfterStream(lived, was_of_use);
    next_ = options_.initial;
    return absl::ZeroDuration();
  }

 private:
  static constexpr absl::Duration kShortestLife = absl::Seconds(1);

  const ReconnectOptions options_;
  std::mt19937_64 random_;
  absl::Duration next_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_RECONNECT_BACKOFF_H_
