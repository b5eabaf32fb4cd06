#ifndef ONHOOK_CLIENTS_CPP_DEADLINE_H_
#define ONHOOK_CLIENTS_CPP_DEADLINE_H_

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"

namespace onhook::client {

// The moment that is `duration` from now, as gRPC takes it. A year stands for all that is longer:
// the standard's clock ends some centuries from now, and what is added to it must not pass that.
inline std::chrono::system_clock::time_point DeadlineAfter(absl::Duration duration) {
  constexpr absl::Duration kLongest = absl::Hours(365 * 24);
  return std::chrono::system_clock::now() +
         absl::ToChronoMilliseconds(std::min(duration, kLongest));
}

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_DEADLINE_H_
