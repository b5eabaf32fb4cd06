#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_ROW_CHECKS_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_ROW_CHECKS_H_

#include "gateway/store/sqlite/sqlite_database.h"
#include "gateway/store/sqlite/sqlite_event_checks.h"
#include "gateway/store/sqlite/sqlite_findings.h"

namespace onhook {

// Reads all that stands beside the log: subscriptions with their settlements, histories and dead
// letters, rejected callbacks, nonces, what was forwarded, counters; that each row fits its
// checksum where it has one, and what must be so of them together. Memory: a row, and a number for
// each subscription. Threads, blocking: reads all of it.
void CheckSqliteRows(SqliteDatabase& database, const CheckedLog& log, SqliteFindings& findings);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_ROW_CHECKS_H_
