#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_STORE_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "gateway/store/embedded/embedded_store.h"
#include "gateway/store/recovery_progress.h"

namespace onhook {

struct SqliteStoreOptions {
  std::string directory;  // created if it is missing, in a folder that exists
  EmbeddedStoreOptions embedded;
  RecoveryProgress* progress = nullptr;  // told how far the opening is, while it lasts
};

// Opens the SQLite engine. Everything it holds is synced when this returns. Logs a warning if the
// directory lies where it may not last: FileSystemDoubt. Blocks.
//
// `fatal` is called, at most once, when nobody can say any more what is on disk; it should end the
// process. `clock` and `log` must outlive the store.
// Errors: as SqliteStorage::Open.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteStoreOptions& options,
                                                       const Clock* clock, const Log* log,
                                                       CommitQueue::Fatal fatal);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_STORE_H_
