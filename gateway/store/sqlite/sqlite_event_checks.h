#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_EVENT_CHECKS_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_EVENT_CHECKS_H_

#include "gateway/store/sequence.h"
#include "gateway/store/sqlite/sqlite_database.h"
#include "gateway/store/sqlite/sqlite_findings.h"

namespace onhook {

// What the log holds, as far as it can be read.
struct CheckedLog {
  int64_t events = 0;   // that are as they were stored
  int64_t damaged = 0;  // that no subscription will be given
  SequenceRange range;  // from the oldest to the newest; {1, 0}: there is none
};

// Reads every event, raw body and remembered identity: that each fits its checksum, that sequences
// have no gaps, that offsets grow. What SQLite cannot read is left out and told, and the rest read
// on. Memory: a row. Threads, blocking: reads all of it.
CheckedLog CheckSqliteLog(SqliteDatabase& database, SqliteFindings& findings);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_EVENT_CHECKS_H_
