#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_BACKUP_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_BACKUP_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/backup.h"

namespace onhook {

// Copies the store in `directory`, which this process has open and goes on to use, as it is at one
// moment not before `now`.
//
// By a connection of its own that reads one snapshot, page by page with sqlite3_backup, so that
// nobody waits for it; while it reads, the write-ahead log grows with what is stored meanwhile.
// Then the copy is checked: every table's pages, every event's row against its checksum, the
// identities' count. It lies beside the store, under a name that a start removes, until it is
// complete; from then on it has no name and lasts as long as the BackupCopy.
//
// Threads: any, one copy at a time; the copying itself is done on a thread that gives way to
// others. Blocking: seconds for each gigabyte. Errors: what `go_on` says; kResourceExhausted (no
// room), kUnavailable, kDataLoss (the copy is damaged; so is the store then).
absl::StatusOr<std::unique_ptr<BackupCopy>> CopySqliteStore(const std::string& directory,
                                                            absl::Time now,
                                                            const BackupGoOn& go_on);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_BACKUP_H_
