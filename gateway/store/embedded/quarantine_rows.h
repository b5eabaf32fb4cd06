#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_QUARANTINE_ROWS_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_QUARANTINE_ROWS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/quarantine.h"

namespace onhook {

// How many rejected callbacks a Trim removed, and why.
struct TrimmedCallbacks {
  int64_t by_age = 0;
  int64_t by_size = 0;
  int64_t total() const { return by_age + by_size; }
};

// The rows of rejected callbacks in a storage.
//
// Threads and errors: as Storage, whose transaction they are written in. What a transaction has
// written, its own methods find, and those that read do not.
class QuarantineRows {
 public:
  virtual ~QuarantineRows() = default;

  // --- in a transaction

  // The id of the one with an equal body, source and reason; 0: none, or it is damaged.
  virtual absl::StatusOr<int64_t> FindEqual(const NewRejectedCallback& callback) = 0;
  // Inserts one, in place of what is there of it but damaged. Its id is never used again.
  virtual absl::StatusOr<int64_t> Insert(const NewRejectedCallback& callback) = 0;
  // Says whether it was there.
  virtual absl::StatusOr<bool> Remove(int64_t id) = 0;
  // Removes those received before `before`; then, as long as all take more than `max_bytes`, the
  // oldest of the source that takes most (of equal ones the first by name), but never the newest of
  // all. So many at most. Says how many.
  virtual absl::StatusOr<TrimmedCallbacks> Trim(absl::Time before, int64_t max_bytes,
                                                int64_t max_rows) = 0;

  // --- reading

  virtual absl::StatusOr<std::vector<RejectedCallback>> List(
      const RejectedCallbackQuery& query) = 0;
  // Nothing if there is none. kDataLoss: its row does not fit its checksum.
  virtual absl::StatusOr<std::optional<RejectedCallback>> Get(int64_t id) = 0;
  virtual absl::StatusOr<QuarantineSize> Measure() = 0;

  // What one takes of the limit beside its body.
  static constexpr int64_t kBytesBesideBody = 256;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_QUARANTINE_ROWS_H_
