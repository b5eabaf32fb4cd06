#ifndef ONHOOK_GATEWAY_STORE_STORE_LIMITS_H_
#define ONHOOK_GATEWAY_STORE_STORE_LIMITS_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace onhook {

// How long, and how much, a store keeps. Unset: without limit.
struct RetentionOptions {
  std::optional<absl::Duration> age = absl::Hours(7 * 24);
  std::optional<int64_t> bytes = int64_t{10} << 30;  // of serialised events
  absl::Duration deduplication_window = absl::Hours(24);
  // At least twice the longest replay window, or callbacks that are late may be taken for repeats.
  absl::Duration nonce_memory = absl::Hours(48);
  std::optional<absl::Duration> dead_letters_age = absl::Hours(30 * 24);
  std::optional<int64_t> dead_letters_bytes = int64_t{1} << 30;
};

// The same of callbacks that were refused.
struct QuarantineOptions {
  int64_t bytes = 64 << 20;  // of bodies, each counted with 256 bytes for what stands beside it
  absl::Duration age = absl::Hours(30 * 24);
};

// What a store is told anew while it runs.
struct StoreLimits {
  RetentionOptions retention;
  QuarantineOptions quarantine;
  // Below so many free bytes nothing new is stored. 0: however little is free.
  int64_t minimum_free_disk = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_STORE_LIMITS_H_
