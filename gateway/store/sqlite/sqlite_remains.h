#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_REMAINS_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_REMAINS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/store/sqlite/sqlite_database.h"
#include "gateway/store/sqlite/sqlite_log_file.h"

namespace onhook {

// What the last gateway left in a store's directory, and whether any of it has gone since. SQLite
// makes do with what it finds: without the write-ahead log, or with a part of it, it opens the
// store as it was some time ago, and events that were answered "0" are missing without a word.
//
// What tells:
// - A mark in the database, durable before anything is promised and taken away by an orderly end:
//   while it is there, there is a log that begins as one.
// - The log itself: commits lie whole behind a frame that does not fit; the database's file is
// longer
//   than its last commit knows, or shorter than it and the log's pages together.
// - The log's index, which after a kill (not after a power cut) knows every commit.
// - The lock file, which knows that there was a store.
// None of these is ever so after a kill or a power cut at whatever instant. What nobody can tell:
// the newest commits are gone from the log's end, its index too, and no checkpoint had come yet; or
// all files were replaced together by older ones.
//
// Threads: any; blocking: reads the log. The caller holds the directory's lock, and no SQLite has
// the files open.

// The files of a store.
std::string SqliteDatabasePath(const std::string& directory);
std::string SqliteLogPath(const std::string& directory);
std::string SqliteLogIndexPath(const std::string& directory);

// Changes nothing. Errors: StoreDamage, naming what is missing and what that means, with advice;
// kUnavailable.
absl::Status CheckSqliteRemains(const std::string& directory);

// The same of a log that was read already.
absl::Status CheckSqliteRemains(const std::string& directory, const SqliteLogFile& log);

// Notes in the lock file that the directory holds a store from now on, of this id; an empty one: it
// does not. Durable once this returns.
absl::Status NoteStoreInLock(const std::string& directory, const std::string& store_id);

// The mark, durable with the transaction that it is in. It holds for one opening of one store: what
// a copy or another version of the program opened since is not taken for that.
absl::Status MarkOpen(SqliteDatabase& database);
absl::Status MarkClosed(SqliteDatabase& database);
// Whether the opening that was the last one has not ended in order.
absl::StatusOr<bool> IsMarkedOpen(SqliteDatabase& database);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_REMAINS_H_
