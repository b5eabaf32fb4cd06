#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_RESTORE_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_RESTORE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/backup.h"

namespace onhook {

// What became of a backup.
struct RestoredStore {
  std::string store_id;    // the new one
  StoreAncestor ancestor;  // what it was restored from
  int64_t events = 0;
  absl::Time newest_received_at = absl::InfinitePast();  // of the backup; no event: as it is
};

// Makes a store in `directory`, which is made if it is missing and must hold none, out of the
// backup in `file`; `now` is noted as the time of it.
//
// The new store has a store_id of its own and new epochs for its subscriptions, so that cursors,
// ids and delivery ids of the store before, which may mean other events here, are refused. What
// subscriptions had settled at the time of the backup stays settled.
//
// Promises: the directory holds either no store or a whole one, whenever this ends, however. What
// it leaves after a crash keeps a gateway from starting there, and the next try begins anew.
// Threads: one; it holds the directory's lock. Blocking: for the disk, some seconds for each
// gigabyte. Errors: kNotFound (no such file), kDataLoss (the backup is cut off, altered, damaged or
// of a version that this one does not know), kFailedPrecondition (there is a store, or another
// process holds the directory), kInvalidArgument (the directory cannot be made or written),
// kResourceExhausted (no room), kUnavailable; each names the path.
absl::StatusOr<RestoredStore> RestoreSqliteStore(const std::string& file,
                                                 const std::string& directory, absl::Time now);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_RESTORE_H_
