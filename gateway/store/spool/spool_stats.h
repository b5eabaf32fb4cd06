#ifndef ONHOOK_GATEWAY_STORE_SPOOL_SPOOL_STATS_H_
#define ONHOOK_GATEWAY_STORE_SPOOL_SPOOL_STATS_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace onhook {

// How a spool stands. What is "ever" is since the store was opened.
struct SpoolStats {
  int64_t events = 0;  // that are still to be moved
  int64_t bytes = 0;   // that the spool takes where it is kept
  // Of its events, kept aside: they do not fit their checksum, cannot be read, or are larger than
  // the main store ever takes.
  int64_t damaged = 0;
  // Since the receipt of the oldest that is to be moved; zero: there is none. Unset: it could not
  // be read in time.
  std::optional<absl::Duration> oldest_age;
  int64_t spooled_total = 0;    // ever put there; repeats do not count
  int64_t moved_total = 0;      // ever found to be in the main log, put there or there already
  int64_t conflicts_total = 0;  // ever put into the quarantine instead
  bool main_open = false;       // the main store has been reached
  bool circuit_open = false;    // callbacks go to the spool without trying the main store
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SPOOL_SPOOL_STATS_H_
