#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_LOG_FILE_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_LOG_FILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace onhook {

// What the file of a write-ahead log holds. SQLite takes it up to the first frame that does not fit
// and passes over the rest in silence, which is right after a power cut and wrong after damage;
// here is what tells the two apart.
//
// By https://www.sqlite.org/fileformat2.html#the_write_ahead_log; no SQLite is needed, and nothing
// is changed. Threads: any. Blocking: reads the files.
struct SqliteLogFile {
  bool exists = false;
  int64_t bytes = 0;
  // Whether it begins as a log does. One that does not is empty, to SQLite.
  bool has_header = false;
  std::string salt;  // 8 bytes, others for each log that is begun
  int64_t page_bytes = 0;

  // What SQLite takes: frames through the last whole commit.
  int64_t frames = 0;
  int64_t commits = 0;
  // Pages of the database as of that commit; 0: there is none.
  int64_t database_pages = 0;
  // Those of them that are neither in the database's file nor in those frames.
  int64_t missing_pages = 0;
  // Commits that lie whole behind the frame that SQLite stops at. A commit is begun when the one
  // before it is synced, so a power cut leaves one at most.
  int64_t commits_behind_stop = 0;
};

// One that is not there is no error. `database_bytes`: how long the database's file is.
absl::StatusOr<SqliteLogFile> ReadSqliteLogFile(const std::string& path, int64_t database_bytes);

// How long a database's file says that it is, in its header; 0: it does not say. True of one whose
// log holds no commit.
int64_t DatabaseBytesByHeader(const std::string& path);

// What the index of a log (-shm) says of it. It is never synced, but written after what it speaks
// of is: so it may be older than the log, or garbled, and never says too much.
struct SqliteLogIndex {
  std::string salt;
  int64_t frames = 0;  // through the last commit
};

// Nothing: there is none, or it says nothing.
std::optional<SqliteLogIndex> ReadSqliteLogIndex(const std::string& path);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_LOG_FILE_H_
