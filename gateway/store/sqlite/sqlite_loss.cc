#include "gateway/store/sqlite/sqlite_loss.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gateway/store/sqlite/sqlite_database.h"
#include "gateway/store/sqlite/sqlite_directory.h"
#include "gateway/store/sqlite/sqlite_leftovers.h"
#include "gateway/store/sqlite/sqlite_lineage.h"
#include "gateway/store/sqlite/sqlite_remains.h"
#include "gateway/store/sqlite/sqlite_schema.h"
#include "gateway/store/store_damage.h"

namespace onhook {
namespace {

namespace fs = std::filesystem;

absl::Status FileError(const std::string& path, const std::error_code& error) {
  return absl::UnavailableError(absl::StrCat(path, ": ", error.message()));
}

// SQLite is about to take its beginning over and to remove it.
absl::Status KeepLog(const std::string& directory) {
  const std::string log = SqliteLogPath(directory);
  std::error_code error;
  if (!fs::exists(log, error) || fs::file_size(log, error) == 0) return absl::OkStatus();
  const std::string kept = log + ".lost";
  fs::copy_file(log, kept, fs::copy_options::overwrite_existing, error);
  if (error) return FileError(kept, error);
  const int file = open(kept.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && fsync(file) == 0;
  error.assign(errno, std::generic_category());
  if (file >= 0) close(file);
  return synced ? absl::OkStatus() : FileError(kept, error);
}

absl::StatusOr<std::string> BeginAnew(const std::string& directory) {
  std::error_code error;
  for (const std::string& path : {SqliteLogPath(directory), SqliteLogIndexPath(directory)}) {
    fs::remove(path, error);
    if (error) return FileError(path, error);
  }
  if (absl::Status status = NoteStoreInLock(directory, ""); !status.ok()) return status;
  return std::string("The next gateway begins an empty store there.");
}

absl::Status CheckWhole(SqliteDatabase& database) {
  absl::StatusOr<SqliteStatement> check = database.Prepare("PRAGMA integrity_check(1)");
  if (!check.ok()) return check.status();
  const absl::StatusOr<bool> row = check->Step();
  if (!row.ok()) return row.status();
  const std::string verdict(check->Bytes(0));
  check->Reset();
  return verdict == "ok" ? absl::OkStatus() : StoreDamage(verdict);
}

// The store as it was, by what is left of it.
absl::StatusOr<StoreAncestor> AncestorIn(SqliteDatabase& database, absl::Time now) {
  absl::StatusOr<SqliteStatement> query = database.Prepare(
      "SELECT (SELECT value FROM store WHERE key = 'store_id'), coalesce(max(sequence), 0),"
      " (SELECT received_us FROM events ORDER BY sequence DESC LIMIT 1) FROM events");
  if (!query.ok()) return query.status();
  const absl::StatusOr<bool> row = query->Step();
  if (!row.ok()) return row.status();
  StoreAncestor ancestor;
  ancestor.kind = StoreAncestor::Kind::kLossAccepted;
  ancestor.store_id = std::string(query->Bytes(0));
  ancestor.newest = query->Integer(1);
  ancestor.taken_at =
      ancestor.newest == 0 ? now : std::min(now, absl::FromUnixMicros(query->Integer(2)));
  ancestor.renewed_at = now;
  query->Reset();
  return ancestor;
}

absl::Status Renew(SqliteDatabase& database, absl::Time now, std::string& store_id) {
  absl::Status status = database.Execute("BEGIN IMMEDIATE");
  if (!status.ok()) return status;
  const absl::StatusOr<StoreAncestor> ancestor = AncestorIn(database, now);
  if (!ancestor.ok()) return ancestor.status();
  const absl::StatusOr<std::string> renewed = RenewStoreIdentity(database);
  if (!renewed.ok()) return renewed.status();
  store_id = *renewed;
  status = AddAncestor(database, *ancestor);
  if (status.ok()) status = MarkClosed(database);
  if (status.ok()) status = database.Execute("COMMIT");
  if (status.ok()) status = database.Checkpoint(/*truncate=*/true);
  if (status.ok()) database.RemoveLogOnClose();
  return status;
}

absl::StatusOr<std::string> GoOn(const std::string& directory, absl::Time now) {
  std::string store_id;
  {
    absl::StatusOr<SqliteDatabase> database =
        SqliteDatabase::Open(SqliteDatabasePath(directory), /*read_only=*/false);
    if (!database.ok()) return database.status();
    absl::Status status = CheckWhole(*database);
    if (!status.ok()) {
      return StoreDamage(
          absl::StrCat(directory, ": what is left does not hold together: ", status.message()),
          "Restore a backup");
    }
    status = database->Execute("PRAGMA synchronous=FULL");
    if (status.ok()) status = Renew(*database, now, store_id);
    if (!status.ok()) return status;
  }
  if (absl::Status status = NoteStoreInLock(directory, store_id); !status.ok()) return status;
  return absl::StrCat("The store goes on with what is left, as store ", store_id,
                      ": cursors of before are told where to resume from, delivery ids refused.");
}

}  // namespace

absl::StatusOr<std::string> AcceptSqliteLoss(const std::string& directory, absl::Time now) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return absl::InvalidArgumentError(absl::StrCat(directory, " is no directory"));
  }
  const absl::StatusOr<int> lock = LockSqliteDirectory(directory);
  if (!lock.ok()) return lock.status();
  const absl::Cleanup unlocking = [file = *lock] { close(file); };
  if (absl::Status status = CheckRestored(directory); !status.ok()) return status;
  const absl::Status lost = CheckSqliteRemains(directory);
  if (lost.ok())
    return absl::StrCat(directory, " lacks nothing that can be told; nothing was changed.");
  if (!IsStoreDamage(lost)) return lost;
  // Between the first file that changes and the new store_id the files look whole, and are the
  // store of before without what it lost.
  const std::string mark = AcceptingLossPath(directory);
  if (!fs::exists(mark, error)) {
    absl::Status status = KeepLog(directory);
    if (status.ok()) status = MakeMark(mark);
    if (!status.ok()) return status;
  }
  const uintmax_t bytes = fs::file_size(SqliteDatabasePath(directory), error);
  absl::StatusOr<std::string> done =
      error || bytes == 0 ? BeginAnew(directory) : GoOn(directory, now);
  // The mark stays: to have looked may have cost what told of the loss.
  if (!done.ok()) return done;
  if (absl::Status status = RemoveMark(mark); !status.ok()) return status;
  return absl::StrCat(TextOfDamage(lost).what, ".\n", *done);
}

}  // namespace onhook
