#ifndef ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_DATABASE_H_
#define ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_DATABASE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

struct sqlite3;
struct sqlite3_stmt;

namespace onhook {

// What an extended SQLite result code means to the store; `doing` goes into the message.
// kResourceExhausted: no room. kUnavailable: not now. kDataLoss: nobody can say what is on disk (a
// failed sync), or nothing can be done on it until this process ends (a lock that is stuck);
// StoreDamage: the file is damaged, or not what it should be.
absl::Status SqliteStatus(int extended_code, absl::string_view doing);

// A prepared statement. Bound views must live until Step. Threads: its database's.
class SqliteStatement {
 public:
  SqliteStatement() = default;
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  // Parameters are numbered from 1 in the order of the calls.
  SqliteStatement& Bind(int64_t value);
  SqliteStatement& BindText(absl::string_view value);
  SqliteStatement& BindBlob(absl::string_view value);

  // True: a row is there. False: done. Resets itself when done or failed.
  absl::StatusOr<bool> Step();
  // The first column of the first row, or `otherwise`. Ends the query.
  absl::StatusOr<int64_t> FirstInteger(int64_t otherwise);
  // For statements that give no row.
  absl::Status Run();
  // Ends a query before its last row.
  void Reset();

  // Columns are numbered from 0. Views are valid until the next Step or Reset.
  int64_t Integer(int column) const;
  absl::string_view Bytes(int column) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  int bound_ = 0;
};

// A connection to an SQLite file. Threads: one at a time.
class SqliteDatabase {
 public:
  // Opens for reading and writing, creating the file if it is missing; or, with `read_only`, one
  // that exists.
  static absl::StatusOr<SqliteDatabase> Open(const std::string& path, bool read_only);

  // The file as it lies there, to be read only: neither locked, nor with what its write-ahead log
  // has beyond it. Nothing may change it meanwhile.
  static absl::StatusOr<SqliteDatabase> OpenImmutable(const std::string& path);

  absl::Status Execute(const std::string& sql);
  absl::StatusOr<SqliteStatement> Prepare(absl::string_view sql);

  // Rows that the last statement changed.
  int64_t Changes() const;
  // Whether a transaction is open.
  bool InTransaction() const;
  // Moves the write-ahead log into the database file; `truncate`: waits for readers, then empties
  // it. Everything moved is synced. kUnavailable: readers are in the way.
  absl::Status Checkpoint(bool truncate);
  // Turns the write-ahead log on. kFailedPrecondition: the file system cannot have one.
  absl::Status UseWriteAheadLog();
  // Lets the end of this connection, if it is the last, remove the write-ahead log's files.
  void RemoveLogOnClose();
  // Counts the pages in the write-ahead log into `*pages` after each commit, and ends SQLite's own
  // checkpoints within commits. `pages` must outlive the connection.
  void CountLogPages(int* pages);
  // For what SQLite does with two connections at once; null once moved from.
  sqlite3* handle() const { return database_.get(); }

 private:
  static absl::StatusOr<SqliteDatabase> OpenWith(const std::string& path, int flags);

  struct Closer {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Closer> database_;
};

// Prepares all of them, or fails with the first that cannot be.
absl::Status PrepareStatements(
    SqliteDatabase& database,
    absl::Span<const std::pair<SqliteStatement*, absl::string_view>> statements);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SQLITE_SQLITE_DATABASE_H_
