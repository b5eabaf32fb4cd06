#ifndef ONHOOK_GATEWAY_STORE_BACKUP_H_
#define ONHOOK_GATEWAY_STORE_BACKUP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/sequence.h"

namespace onhook {

// What a backup says of itself.
struct BackupFacts {
  std::string store_id;
  int64_t format = 0;   // of the store's files; the engine's own count
  absl::Time taken_at;  // everything stored before is in it
  Sequence newest = 0;  // 0: it holds no event
  absl::Time newest_received_at = absl::InfinitePast();  // of that event
  int64_t events = 0;
  int64_t corrupt_events = 0;  // of these: do not fit their checksum, just as in the store
  int64_t bytes = 0;           // of the whole backup
  std::string sha256;          // of the whole backup, in hexadecimal digits
};

// A complete, checked copy of a store, as bytes to be carried away. What it takes on the disk is
// free again when this is destroyed, or when the process ends, however.
//
// Threads: one at a time. Blocking: every method but facts(), for the disk.
class BackupCopy {
 public:
  virtual ~BackupCopy() = default;

  virtual const BackupFacts& facts() const = 0;

  // The bytes from `offset` on, `most` at most; fewer only at the end. Errors: kUnavailable.
  virtual absl::StatusOr<std::string> Read(int64_t offset, size_t most) = 0;
};

// Asked again and again while a copy is made. An error ends that, with this error.
using BackupGoOn = std::function<absl::Status()>;

// An earlier store that this one goes back to.
struct StoreAncestor {
  enum class Kind {
    kRestored,      // from a backup
    kLossAccepted,  // of what was missing of its files
  };
  Kind kind = Kind::kRestored;
  std::string store_id;
  // What came after is not here. Of a loss: when the newest event that is left was received.
  absl::Time taken_at;
  Sequence newest = 0;  // that was taken over
  absl::Time renewed_at;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_BACKUP_H_
