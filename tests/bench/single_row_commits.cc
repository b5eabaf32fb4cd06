#include "tests/bench/single_row_commits.h"

#include <sqlite3.h>

#include <algorithm>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace onhook {
namespace {

// A serialised event of the benchmark's callback has about this many.
constexpr size_t kEventBytes = 400;

constexpr char kPrepare[] = R"(
  PRAGMA journal_mode=WAL;
  PRAGMA synchronous=FULL;
  CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    call_serial_no TEXT NOT NULL,
    digest BLOB NOT NULL,
    event BLOB NOT NULL) STRICT;
  CREATE UNIQUE INDEX events_identity ON events (call_serial_no, digest);
)";
constexpr char kInsert[] = "INSERT INTO events (call_serial_no, digest, event) VALUES (?, ?, ?)";

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

absl::Status ErrorOf(sqlite3* database) {
  return absl::UnavailableError(absl::StrCat("SQLite: ", sqlite3_errmsg(database)));
}

}  // namespace

absl::StatusOr<std::vector<absl::Duration>> TimeSingleRowCommits(const std::string& directory,
                                                                 int commits) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open(absl::StrCat(directory, "/commits.db").c_str(), &opened);
  const std::unique_ptr<sqlite3, CloseDatabase> database(opened);
  if (result != SQLITE_OK ||
      sqlite3_exec(opened, kPrepare, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return ErrorOf(opened);
  }
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(opened, kInsert, -1, &prepared, nullptr) != SQLITE_OK) {
    return ErrorOf(opened);
  }
  const std::unique_ptr<sqlite3_stmt, FinalizeStatement> insert(prepared);

  const std::string event(kEventBytes, 'e');
  const std::string digest(16, 'd');
  std::vector<absl::Duration> times;
  for (int i = 0; i < commits; ++i) {
    const std::string serial = absl::StrCat(1'197'765'390'000'000'000 + i);
    const absl::Time began = absl::Now();
    sqlite3_bind_text(prepared, 1, serial.data(), static_cast<int>(serial.size()), SQLITE_STATIC);
    sqlite3_bind_blob(prepared, 2, digest.data(), static_cast<int>(digest.size()), SQLITE_STATIC);
    sqlite3_bind_blob(prepared, 3, event.data(), static_cast<int>(event.size()), SQLITE_STATIC);
    if (sqlite3_step(prepared) != SQLITE_DONE) return ErrorOf(opened);
    sqlite3_reset(prepared);
    times.push_back(absl::Now() - began);
  }
  std::sort(times.begin(), times.end());
  return times;
}

}  // namespace onhook
