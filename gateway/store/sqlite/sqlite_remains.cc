#include "gateway/store/sqlite/sqlite_remains.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/store/sqlite/sqlite_directory.h"
#include "gateway/store/sqlite/sqlite_leftovers.h"
#include "gateway/store/store_damage.h"

namespace onhook {
namespace {

// What is so while the last opening has not ended in order: of this store, and this opening.
constexpr char kMarkOfNow[] =
    "(SELECT value FROM store WHERE key = 'store_id') || ' ' ||"
    " (SELECT value FROM counters WHERE key = 'openings')";

constexpr absl::string_view kNewestAreLost =
    "the newest events, acknowledgements and changes of subscriptions are lost with it";

// What the store can do without.
absl::Status Loss(const std::string& directory, absl::string_view what) {
  return StoreDamage(absl::StrCat(directory, ": ", what),
                     absl::StrCat("Put back what is missing, or restore a backup; or, to go on "
                                  "without it: onhookd --accept-loss ",
                                  directory));
}

// What it cannot do without: the parts of one database hang together.
absl::Status CutOff(const std::string& directory, absl::string_view how) {
  return StoreDamage(absl::StrCat(directory, ": onhook.db has been cut off: ", how),
                     "Put it back as it was, or restore a backup");
}

// -1: there is none.
int64_t BytesOf(const std::string& path) {
  struct stat file {};
  return stat(path.c_str(), &file) == 0 ? file.st_size : -1;
}

bool WasLeftOpen(const std::string& directory) {
  // As the file is by itself: to open it as usual would make a write-ahead log.
  absl::StatusOr<SqliteDatabase> database =
      SqliteDatabase::OpenImmutable(SqliteDatabasePath(directory));
  if (!database.ok()) return false;
  return IsMarkedOpen(*database).value_or(false);
}

absl::Status CannotNote(const std::string& path) {
  return absl::UnavailableError(absl::StrCat("writing ", path, ": ", std::strerror(errno)));
}

// There is no database, or an empty file in its place.
absl::Status CheckWithoutDatabase(const std::string& directory, bool log_exists) {
  if (log_exists) {
    return Loss(directory,
                "onhook.db is missing or empty beside its write-ahead log; all events are lost but "
                "for those in the log");
  }
  if (BytesOf(SqliteLockPath(directory)) > 0) {
    return Loss(directory,
                "onhook.db is missing or empty although there was a store here; all its events are "
                "lost");
  }
  return absl::OkStatus();
}

// What the log and the length of the database's file say about each other.
absl::Status CheckLengths(const std::string& directory, const SqliteLogFile& log,
                          int64_t database_bytes) {
  if (log.commits == 0) return absl::OkStatus();
  const int64_t file_pages = database_bytes / log.page_bytes;
  if (file_pages > log.database_pages) {
    return Loss(directory,
                absl::StrCat("the write-ahead log ends before what onhook.db has already taken "
                             "over from it; ",
                             kNewestAreLost));
  }
  if (log.missing_pages > 0) {
    return CutOff(directory, absl::StrCat(log.missing_pages, " of its ", log.database_pages,
                                          " pages are neither in it nor in its write-ahead log"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string SqliteDatabasePath(const std::string& directory) { return directory + "/onhook.db"; }
std::string SqliteLogPath(const std::string& directory) { return directory + "/onhook.db-wal"; }
std::string SqliteLogIndexPath(const std::string& directory) {
  return directory + "/onhook.db-shm";
}

absl::Status CheckSqliteRemains(const std::string& directory) {
  const int64_t bytes = BytesOf(SqliteDatabasePath(directory));
  const absl::StatusOr<SqliteLogFile> log =
      ReadSqliteLogFile(SqliteLogPath(directory), std::max<int64_t>(bytes, 0));
  if (!log.ok()) return log.status();
  return CheckSqliteRemains(directory, *log);
}

absl::Status CheckSqliteRemains(const std::string& directory, const SqliteLogFile& log) {
  if (BytesOf(AcceptingLossPath(directory)) >= 0) {
    return Loss(directory, "to go on without what is missing was begun, and not brought to an end");
  }
  const int64_t bytes = BytesOf(SqliteDatabasePath(directory));
  if (bytes <= 0) return CheckWithoutDatabase(directory, log.exists);
  if (log.commits == 0 && bytes < DatabaseBytesByHeader(SqliteDatabasePath(directory))) {
    return CutOff(directory, "it is shorter than it says");
  }
  if (!log.has_header) {
    if (!WasLeftOpen(directory)) return absl::OkStatus();
    const absl::string_view what = !log.exists      ? "is missing"
                                   : log.bytes == 0 ? "is empty"
                                                    : "does not begin as one";
    return Loss(directory,
                absl::StrCat("the write-ahead log onhook.db-wal ", what,
                             " although the last gateway did not end in order; ", kNewestAreLost));
  }
  const std::optional<SqliteLogIndex> index = ReadSqliteLogIndex(SqliteLogIndexPath(directory));
  const bool knows_more =
      index.has_value() && index->salt == log.salt && index->frames > log.frames;
  if (knows_more || log.commits_behind_stop > 1) {
    return Loss(directory,
                absl::StrCat("the write-ahead log onhook.db-wal is damaged or cut off behind its "
                             "frame ",
                             log.frames, "; ", kNewestAreLost));
  }
  return CheckLengths(directory, log, bytes);
}

absl::Status NoteStoreInLock(const std::string& directory, const std::string& store_id) {
  const std::string path = SqliteLockPath(directory);
  const std::string line = store_id.empty() ? "" : store_id + "\n";
  // To close it takes no lock away: flock's belong to what was opened, not to the process.
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return CannotNote(path);
  const absl::Cleanup closing = [file] { close(file); };
  char found[64];
  const ssize_t size = pread(file, found, sizeof found, 0);
  if (size >= 0 && absl::string_view(found, static_cast<size_t>(size)) == line) {
    return absl::OkStatus();
  }
  const bool written =
      pwrite(file, line.data(), line.size(), 0) == static_cast<ssize_t>(line.size()) &&
      ftruncate(file, static_cast<off_t>(line.size())) == 0 && fsync(file) == 0;
  return written ? absl::OkStatus() : CannotNote(path);
}

absl::Status MarkOpen(SqliteDatabase& database) {
  return database.Execute(absl::StrCat("INSERT OR REPLACE INTO store SELECT 'open', ", kMarkOfNow));
}

absl::Status MarkClosed(SqliteDatabase& database) {
  return database.Execute("DELETE FROM store WHERE key = 'open'");
}

absl::StatusOr<bool> IsMarkedOpen(SqliteDatabase& database) {
  absl::StatusOr<SqliteStatement> query = database.Prepare(
      absl::StrCat("SELECT 1 FROM store WHERE key = 'open' AND value = ", kMarkOfNow));
  if (!query.ok()) return query.status();
  const absl::StatusOr<int64_t> marked = query->FirstInteger(0);
  if (!marked.ok()) return marked.status();
  return *marked == 1;
}

}  // namespace onhook
