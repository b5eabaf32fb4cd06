#include "gateway/store/sqlite/sqlite_verification.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <set>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gateway/store/sqlite/sqlite_database.h"
#include "gateway/store/sqlite/sqlite_directory.h"
#include "gateway/store/sqlite/sqlite_event_checks.h"
#include "gateway/store/sqlite/sqlite_leftovers.h"
#include "gateway/store/sqlite/sqlite_log_file.h"
#include "gateway/store/sqlite/sqlite_remains.h"
#include "gateway/store/sqlite/sqlite_row_checks.h"
#include "gateway/store/sqlite/sqlite_schema.h"
#include "gateway/store/store_damage.h"

namespace onhook {
namespace {

constexpr absl::string_view kNoStart = "no gateway starts on it";
constexpr absl::string_view kRestore = "Restore a backup";

// -1: nobody has made the file, so nobody can hold it.
absl::StatusOr<int> LockToLook(const std::string& directory) {
  const int lock = open(SqliteLockPath(directory).c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0 && errno == ENOENT) return -1;
  if (lock < 0) {
    return absl::UnavailableError(
        absl::StrCat(SqliteLockPath(directory), " cannot be read: ", std::strerror(errno)));
  }
  if (flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  close(lock);
  return absl::FailedPreconditionError(
      absl::StrCat("a gateway uses ", directory, ": stop it first, or verify a backup of it"));
}

// The verification of one store.
class Verification {
 public:
  Verification(std::string directory, const Clock* clock, const VerificationOutput* output)
      : directory_(std::move(directory)), output_(*output), findings_(output, clock) {}

  absl::StatusOr<bool> Run() {
    struct stat found {};
    if (stat(SqliteDatabasePath(directory_).c_str(), &found) != 0 && errno != ENOENT) {
      return absl::UnavailableError(
          absl::StrCat(directory_, " cannot be read: ", std::strerror(errno)));
    }
    const absl::StatusOr<SqliteLogFile> log =
        ReadSqliteLogFile(SqliteLogPath(directory_), found.st_size);
    if (!log.ok()) return log.status();
    const absl::Status remains = CheckSqliteRemains(directory_, *log);
    if (remains.ok() && found.st_size == 0) {
      if (absl::Status status = CheckRestored(directory_); !status.ok()) return status;
      return absl::InvalidArgumentError(absl::StrCat(directory_, " holds no store"));
    }
    if (!remains.ok()) {
      const DamageText lost = TextOfDamage(remains);
      findings_.Add(absl::StripPrefix(lost.what, absl::StrCat(directory_, ": ")), kNoStart,
                    lost.advice);
      lacks_something_ = true;
    }
    if (found.st_size > 0) {
      CheckPermissions(found.st_mode);
      TellOfLog(*log);
      if (absl::Status status = CheckDatabase(*log); !status.ok()) return status;
    }
    return TellVerdict();
  }

 private:
  void CheckPermissions(mode_t mode) {
    if ((mode & (S_IRWXG | S_IRWXO)) == 0) return;
    findings_.Note(
        "note: onhook.db can be read by others than its owner, and holds numbers of callers: "
        "chmod 600");
  }

  void TellOfLog(const SqliteLogFile& log) {
    if (log.commits == 0) return;
    findings_.Note(absl::StrCat("note: ", log.commits, " commits in ", log.frames,
                                " pages may be in the write-ahead log alone, as after a kill or a "
                                "power cut: the next start takes them over"));
  }

  // Errors only where nothing can be told.
  absl::Status CheckDatabase(const SqliteLogFile& log) {
    const std::string path = SqliteDatabasePath(directory_);
    // With a log that has a beginning: as the next gateway would see it, but for its checkpoint,
    // and without an index, which only one that is alone needs none of. Without: SQLite would make
    // one.
    absl::StatusOr<SqliteDatabase> database = log.has_header
                                                  ? SqliteDatabase::Open(path, /*read_only=*/false)
                                                  : SqliteDatabase::OpenImmutable(path);
    absl::Status status = database.status();
    for (const char* pragma :
         {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA query_only=ON", "PRAGMA cell_size_check=ON",
          "PRAGMA cache_size=-32768", "SELECT count(*) FROM sqlite_schema"}) {
      if (status.ok()) status = database->Execute(pragma);
    }
    if (absl::IsUnavailable(status)) return status;
    if (!status.ok()) {
      findings_.Add(absl::StrCat("onhook.db cannot be read (", ReasonOf(status), ")"), kNoStart,
                    kRestore);
      return absl::OkStatus();
    }
    if (!CheckFormat(*database)) return absl::OkStatus();
    if (absl::Status schema = CheckSchema(*database); !schema.ok()) return schema;
    CheckStructure(*database);
    checked_ = CheckSqliteLog(*database, findings_);
    CheckSqliteRows(*database, checked_, findings_);
    return absl::OkStatus();
  }

  bool CheckFormat(SqliteDatabase& database) {
    absl::StatusOr<SqliteStatement> version = database.Prepare("PRAGMA user_version");
    const int64_t format = version.ok() ? version->FirstInteger(-1).value_or(-1) : -1;
    if (format == SqliteFormatVersion()) return true;
    findings_.Add(absl::StrCat("the store has format ", format, ", and this version looks through ",
                               SqliteFormatVersion(), " only"),
                  "it was written by another version, or its header is damaged",
                  "Verify it with the version that wrote it, or restore a backup");
    return false;
  }

  // Tables, indexes and triggers are kept as text, which SQLite takes for what it says.
  absl::Status CheckSchema(SqliteDatabase& database) {
    absl::StatusOr<SqliteDatabase> right = SqliteDatabase::Open(":memory:", /*read_only=*/false);
    if (!right.ok()) return right.status();
    if (absl::Status made = CreateOrCheckSchema(*right, directory_); !made.ok()) return made;
    std::set<std::string> wanted;
    absl::Status read = ReadSchema(*right, wanted);
    if (!read.ok()) return read;
    std::set<std::string> found;
    read = ReadSchema(database, found);
    for (const std::string& text : wanted) {
      if (read.ok() && found.count(text) > 0) continue;
      findings_.Add(absl::StrCat("the definition of ", text.substr(0, text.find('\n')),
                                 " is damaged or missing"),
                    "the gateway will not start, or end when it comes to it", kRestore);
    }
    findings_.EndKind();
    return absl::OkStatus();
  }

  // "table events", then its text, whatever its spaces.
  static absl::Status ReadSchema(SqliteDatabase& database, std::set<std::string>& texts) {
    return ForEachSqliteRow(
        database, "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL",
        [&texts](const SqliteStatement& row) {
          std::string sql(row.Bytes(1));
          absl::RemoveExtraAsciiWhitespace(&sql);
          texts.insert(absl::StrCat(row.Bytes(0), "\n", sql));
        });
  }

  void CheckStructure(SqliteDatabase& database) {
    output_.progress("looking through SQLite's own structure, which takes a while in a big store");
    const absl::Status status = ForEachSqliteRow(
        database, "PRAGMA integrity_check(100)", [this](const SqliteStatement& row) {
          const absl::string_view found = row.Bytes(0);
          if (found == "ok") return;
          findings_.Add(absl::StrCat("structure: ", OneLine(found)),
                        "what lies there may not be found, and a gateway ends when it comes to it",
                        kRestore);
        });
    if (!status.ok()) {
      findings_.Add(absl::StrCat("structure: cannot be looked through (", ReasonOf(status), ")"),
                    kNoStart, kRestore);
    }
    findings_.EndKind();
  }

  static std::string OneLine(absl::string_view text) {
    std::string line(text.substr(0, 200));
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
  }

  bool TellVerdict() {
    const std::string events = absl::StrCat(
        checked_.events, checked_.events == 1 ? " event is" : " events are", " as stored");
    if (findings_.count() == 0) {
      output_.tell(absl::StrCat("sound: ", events));
      return true;
    }
    output_.tell(absl::StrCat(
        "damaged: ", findings_.count(), findings_.count() == 1 ? " finding; " : " findings; ",
        events, ", ", checked_.damaged, " lost",
        lacks_something_ ? ", beside all that was in what is missing, which nobody can count"
                         : ""));
    return false;
  }

  const std::string directory_;
  const VerificationOutput& output_;
  SqliteFindings findings_;
  CheckedLog checked_;
  bool lacks_something_ = false;  // a file, or the end of one
};

}  // namespace

absl::StatusOr<bool> VerifySqliteStore(const std::string& directory, const Clock* clock,
                                       const VerificationOutput& output) {
  struct stat found {};
  if (stat(directory.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(directory, " is no directory"));
  }
  const absl::StatusOr<int> lock = LockToLook(directory);
  if (!lock.ok()) return lock.status();
  const absl::Cleanup unlocking = [file = *lock] {
    if (file >= 0) close(file);
  };
  return Verification(directory, clock, &output).Run();
}

}  // namespace onhook
