#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_LINEAGE_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_LINEAGE_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/store/backup.h"
#include "gateway/store/sqlite/sqlite_database.h"

namespace onhook {

// Which stores a store goes back to, kept in its own file: rows of the table `store`, which
// versions that know nothing of them leave alone.
//
// Threads: the database's. Blocking: for the disk. Errors: SQLite's; kDataLoss: a row makes no
// sense.

// The newest last.
absl::StatusOr<std::vector<StoreAncestor>> ReadAncestors(SqliteDatabase& database);

// Within the caller's transaction.
absl::Status AddAncestor(SqliteDatabase& database, const StoreAncestor& ancestor);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_LINEAGE_H_
