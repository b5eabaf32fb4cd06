#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_RECOVERY_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_RECOVERY_H_

#include "absl/status/statusor.h"
#include "gateway/store/embedded/storage.h"
#include "gateway/store/recovery_progress.h"
#include "gateway/store/sqlite/sqlite_database.h"

namespace onhook {

// Reads everything that a store keeps in memory. What it reads is bounded by the subscriptions'
// exceptions above their floors, not by the log: not by events, nor by what was settled, tried or
// forwarded of those that lie behind. Tells `progress` how far it is.
// Errors: SQLite's, and StoreDamage if a row makes no sense.
absl::StatusOr<RecoveredState> RecoverState(SqliteDatabase& database, RecoveryProgress& progress);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_RECOVERY_H_
