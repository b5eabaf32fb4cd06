#ifndef ONHOOK_GATEWAY_STORE_REDELIVERY_BACKOFF_H_
#define ONHOOK_GATEWAY_STORE_REDELIVERY_BACKOFF_H_

#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace onhook {

// How long an event rests after a failed attempt: 1 to 2 s after the first, twice as long after
// each further one, 2.5 to 5 min at most. Within its range at random, so that what failed together
// does not come again together.
//
// Threads: one at a time. Errors: none.
class RedeliveryBackoff {
 public:
  explicit RedeliveryBackoff(uint64_t seed) : random_(seed) {}

  // `attempts`: those that failed, at least 1.
  absl::Duration After(int32_t attempts);

 private:
  std::mt19937_64 random_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_REDELIVERY_BACKOFF_H_
