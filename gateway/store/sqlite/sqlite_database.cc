#include "gateway/store/sqlite/sqlite_database.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gateway/store/store_damage.h"

namespace onhook {
namespace {

constexpr int kBusyTimeoutMs = 5000;

// Whether the system has failed to read one of the store's files. SQLite then says of the page that
// it is malformed, although nobody knows what is on the disk.
bool HasFailedToRead(sqlite3* database) {
  for (const int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
    sqlite3_file* file = nullptr;
    int error = 0;
    sqlite3_file_control(database, "main", which, &file);
    if (file == nullptr || file->pMethods == nullptr) continue;
    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
    // Those that SQLite takes for damage.
    if (error == EIO || error == ENXIO || error == ERANGE) return true;
  }
  return false;
}

// What a call on this connection came to; with the system's own word for it, if the system is to
// blame: a full disk and a broken one read alike otherwise.
absl::Status StatusOf(sqlite3* database, int extended_code, absl::string_view doing) {
  const int primary_code = extended_code & 0xFF;
  if (primary_code == SQLITE_CORRUPT && HasFailedToRead(database)) {
    return absl::DataLossError(absl::StrCat(doing, ": the disk cannot be read"));
  }
  const absl::Status status = SqliteStatus(extended_code, doing);
  const bool may_be_of_system = primary_code == SQLITE_IOERR || primary_code == SQLITE_CANTOPEN;
  const int error = may_be_of_system ? sqlite3_system_errno(database) : 0;
  if (status.ok() || error == 0) return status;
  return absl::Status(status.code(), absl::StrCat(status.message(), ": ", std::strerror(error)));
}

}  // namespace

absl::Status SqliteStatus(int extended_code, absl::string_view doing) {
  const std::string message =
      absl::StrCat(doing, ": ", sqlite3_errstr(extended_code), " (", extended_code, ")");
  switch (extended_code) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return absl::OkStatus();
    // A write that failed leaves no commit behind; only a sync that failed does not say.
    case SQLITE_IOERR_WRITE:
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHMOPEN:
    case SQLITE_IOERR_SHMSIZE:
    case SQLITE_IOERR_SHMMAP:
    case SQLITE_IOERR_NOMEM:
      return absl::UnavailableError(message);
    default:
      break;
  }
  switch (extended_code & 0xFF) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:
    case SQLITE_INTERRUPT:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return absl::UnavailableError(message);
    case SQLITE_IOERR:
    // A lock that no other process can hold could not be given back: only the process's end does.
    case SQLITE_PROTOCOL:
      return absl::DataLossError(message);
    default:
      return StoreDamage(message);
  }
}

// ----------------------------------------------------------------------------------------
// statement

void SqliteStatement::Finalizer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

SqliteStatement& SqliteStatement::Bind(int64_t value) {
  sqlite3_bind_int64(statement_.get(), ++bound_, value);
  return *this;
}

SqliteStatement& SqliteStatement::BindText(absl::string_view value) {
  sqlite3_bind_text64(statement_.get(), ++bound_, value.data() == nullptr ? "" : value.data(),
                      value.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

SqliteStatement& SqliteStatement::BindBlob(absl::string_view value) {
  sqlite3_bind_blob64(statement_.get(), ++bound_, value.data() == nullptr ? "" : value.data(),
                      value.size(), SQLITE_STATIC);
  return *this;
}

absl::StatusOr<bool> SqliteStatement::Step() {
  bound_ = 0;
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  sqlite3* const database = sqlite3_db_handle(statement_.get());
  const int extended_code = sqlite3_extended_errcode(database);
  sqlite3_reset(statement_.get());
  if (code == SQLITE_DONE) return false;
  return StatusOf(database, extended_code == SQLITE_OK ? code : extended_code,
                  sqlite3_sql(statement_.get()));
}

absl::StatusOr<int64_t> SqliteStatement::FirstInteger(int64_t otherwise) {
  const absl::StatusOr<bool> row = Step();
  if (!row.ok()) return row.status();
  if (!*row) return otherwise;
  const int64_t value = Integer(0);
  Reset();
  return value;
}

absl::Status SqliteStatement::Run() { return Step().status(); }

void SqliteStatement::Reset() { sqlite3_reset(statement_.get()); }

int64_t SqliteStatement::Integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

absl::string_view SqliteStatement::Bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  return {data, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

// -----------------------------------------------------------------------------------------
// database

void SqliteDatabase::Closer::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

absl::StatusOr<SqliteDatabase> SqliteDatabase::Open(const std::string& path, bool read_only) {
  return OpenWith(path,
                  read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
}

absl::StatusOr<SqliteDatabase> SqliteDatabase::OpenImmutable(const std::string& path) {
  const std::string uri =
      absl::StrCat("file:", absl::StrReplaceAll(path, {{"%", "%25"}, {"?", "%3f"}, {"#", "%23"}}),
                   "?immutable=1");
  return OpenWith(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
}

absl::StatusOr<SqliteDatabase> SqliteDatabase::OpenWith(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  SqliteDatabase database;
  database.database_.reset(raw);
  if (code != SQLITE_OK) {
    const std::string doing = absl::StrCat("opening ", path);
    if (raw == nullptr) return SqliteStatus(code, doing);
    return StatusOf(raw, sqlite3_extended_errcode(raw), doing);
  }
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  // Whoever closes last would checkpoint; here only the writer does, when it is told to.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  return database;
}

absl::Status SqliteDatabase::Execute(const std::string& sql) {
  const int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return StatusOf(database_.get(), code, sql);
}

absl::StatusOr<SqliteStatement> SqliteDatabase::Prepare(absl::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) {
    return StatusOf(database_.get(), code,
                    absl::StrCat(sql, ": ", sqlite3_errmsg(database_.get())));
  }
  return SqliteStatement(statement);
}

int64_t SqliteDatabase::Changes() const { return sqlite3_changes64(database_.get()); }

bool SqliteDatabase::InTransaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }

absl::Status SqliteDatabase::Checkpoint(bool truncate) {
  const int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, mode, nullptr, nullptr);
  return StatusOf(database_.get(), code, "checkpoint");
}

absl::Status SqliteDatabase::UseWriteAheadLog() {
  absl::StatusOr<SqliteStatement> pragma = Prepare("PRAGMA journal_mode=WAL");
  if (!pragma.ok()) return pragma.status();
  absl::StatusOr<bool> row = pragma->Step();
  if (!row.ok()) return row.status();
  const bool is_on = *row && pragma->Bytes(0) == "wal";
  // What was told is true only once the change is committed, which is what comes behind the row.
  while (row.ok() && *row) row = pragma->Step();
  if (!row.ok()) return row.status();
  if (is_on) return absl::OkStatus();
  return absl::FailedPreconditionError("the file system cannot hold a write-ahead log");
}

void SqliteDatabase::RemoveLogOnClose() {
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

void SqliteDatabase::CountLogPages(int* pages) {
  sqlite3_wal_hook(
      database_.get(),
      [](void* counter, sqlite3*, const char*, int log_pages) {
        *static_cast<int*>(counter) = log_pages;
        return SQLITE_OK;
      },
      pages);
}

absl::Status PrepareStatements(
    SqliteDatabase& database,
    absl::Span<const std::pair<SqliteStatement*, absl::string_view>> statements) {
  for (const auto& [statement, sql] : statements) {
    absl::StatusOr<SqliteStatement> prepared = database.Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = *std::move(prepared);
  }
  return absl::OkStatus();
}

}  // namespace onhook
