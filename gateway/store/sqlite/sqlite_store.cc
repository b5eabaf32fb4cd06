#include "gateway/store/sqlite/sqlite_store.h"

#include <utility>

#include "gateway/store/sqlite/sqlite_storage.h"

namespace onhook {

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteStoreOptions& options,
                                                       const Clock* clock, const Log* log,
                                                       CommitQueue::Fatal fatal) {
  absl::StatusOr<std::unique_ptr<Storage>> storage = SqliteStorage::Open(options.directory);
  if (!storage.ok()) return storage.status();
  return EmbeddedStore::Open(*std::move(storage), v1::DURABILITY_CLASS_DISK, options.embedded,
                             clock, log, std::move(fatal));
}

}  // namespace onhook
