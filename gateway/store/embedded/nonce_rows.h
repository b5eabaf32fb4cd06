#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_NONCE_ROWS_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_NONCE_ROWS_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/event_log.h"

namespace onhook {

// A nonce as it lies in storage: with its source and timestamp it names one row.
struct NonceRow {
  std::string source;
  NewEvent::Nonce nonce;
  std::string digest;    // of the content it came with
  absl::Time forget_at;  // microseconds are kept
};

// The rows of nonces in a storage. What they are for says admission.h.
//
// Threads and errors: as the methods of a transaction of Storage. What a transaction has written,
// the rest of it finds.
class NonceRows {
 public:
  virtual ~NonceRows() = default;

  // The digest that a nonce came with, if it is kept.
  virtual absl::StatusOr<std::optional<std::string>> Find(const std::string& source,
                                                          const NewEvent::Nonce& nonce) = 0;
  // Inserts one that is not kept.
  virtual absl::Status Insert(const NonceRow& row) = 0;
  // The greatest timestamp among the nonces of this source that were forgotten. Never falls.
  virtual absl::StatusOr<int64_t> Horizon(const std::string& source) = 0;
  // Forgets nonces whose time had come before `now`, so many at most, and raises the horizons of
  // their sources to their timestamps, but for timestamps beyond `now`. Says how many went.
  virtual absl::StatusOr<int64_t> Forget(absl::Time now, int64_t max_rows) = 0;

  // The horizon of a source that has none.
  static constexpr int64_t kNothingForgotten = std::numeric_limits<int64_t>::min();
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_NONCE_ROWS_H_
