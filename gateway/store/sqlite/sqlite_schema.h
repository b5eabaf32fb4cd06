#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_SCHEMA_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_SCHEMA_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/store/sqlite/sqlite_database.h"

namespace onhook {

// The tables of a store's file, created in one that is empty; in one of the format before, those
// that it lacks are added, which older versions then refuse to open; otherwise the file must have
// the format of this version. All at once or not at all. `directory` is for messages. Errors:
// StoreDamage (another format), and SQLite's.
absl::Status CreateOrCheckSchema(SqliteDatabase& database, const std::string& directory);

// Whether CreateOrCheckSchema takes a file of this format.
bool IsKnownFormat(int64_t format);

// 16 lower-case hexadecimal digits that no other store has.
std::string NewStoreId();
// The format that a file must have to be read without being changed.
int64_t SqliteFormatVersion();

// Makes the store another one: cursors and delivery ids of before mean nothing any more. Within the
// caller's transaction. Returns the new store_id.
absl::StatusOr<std::string> RenewStoreIdentity(SqliteDatabase& database);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_SCHEMA_H_
