#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_PAGE_COPY_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_PAGE_COPY_H_

#include "absl/status/status.h"
#include "gateway/store/backup.h"
#include "gateway/store/sqlite/sqlite_database.h"

namespace onhook {

// Copies all pages of `from` into `to`, which is empty, a few at a time, and asks `go_on` in
// between. What is copied is what `from` sees: it must be within a transaction, so that this does
// not change meanwhile. After an error `to` is good for nothing.
//
// Threads: that of both connections. Blocking: for the disk. Errors: SQLite's, and those of
// `go_on`.
absl::Status CopyPages(SqliteDatabase& from, SqliteDatabase& to, const BackupGoOn& go_on);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_PAGE_COPY_H_
