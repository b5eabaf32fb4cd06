#include "gateway/store/sqlite/sqlite_backup.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gateway/event/sha256.h"
#include "gateway/store/sqlite/backup_seal.h"
#include "gateway/store/sqlite/sqlite_database.h"
#include "gateway/store/sqlite/sqlite_leftovers.h"
#include "gateway/store/sqlite/sqlite_page_copy.h"
#include "gateway/store/sqlite/sqlite_reader.h"

namespace onhook {
namespace {

// How much less of a processor that is short the copying gets than those who serve.
constexpr int kNiceness = 10;
constexpr size_t kChunkBytes = 1 << 20;
// Rows that are checked between two questions whether to go on.
constexpr int kRowsOfStep = 1000;

absl::Status ErrnoStatus(absl::string_view doing, const std::string& path) {
  const absl::StatusCode code =
      errno == ENOSPC ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnavailable;
  return absl::Status(code, absl::StrCat(doing, " ", path, ": ", std::strerror(errno)));
}

// What is left of a copy when its file has no name any more.
class NamelessCopy final : public BackupCopy {
 public:
  explicit NamelessCopy(int file) : file_(file) {}
  ~NamelessCopy() override { close(file_); }

  const BackupFacts& facts() const override { return facts_; }
  absl::StatusOr<std::string> Read(int64_t offset, size_t most) override {
    std::string bytes(most, '\0');
    size_t read = 0;
    while (read < most) {
      const ssize_t more = pread(file_, &bytes[read], most - read,
                                 static_cast<off_t>(offset + static_cast<int64_t>(read)));
      if (more < 0 && errno == EINTR) continue;
      if (more < 0) return ErrnoStatus("reading", "the copy");
      if (more == 0) break;
      read += static_cast<size_t>(more);
    }
    bytes.resize(read);
    return bytes;
  }
  absl::Status Append(absl::string_view bytes, int64_t offset) {
    while (!bytes.empty()) {
      const ssize_t written = pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return ErrnoStatus("writing", "the copy");
      bytes.remove_prefix(static_cast<size_t>(written));
      offset += written;
    }
    return absl::OkStatus();
  }
  BackupFacts& mutable_facts() { return facts_; }

 private:
  const int file_;
  BackupFacts facts_;
};

// The copying of one store, step by step.
class Copying {
 public:
  Copying(const std::string& directory, absl::Time now, const BackupGoOn& go_on)
      : database_path_(directory + "/onhook.db"), path_(BackupPath(directory)), go_on_(go_on) {
    facts_.taken_at = now;
  }

  absl::StatusOr<std::unique_ptr<BackupCopy>> Run() {
    const absl::Cleanup unnamed = [this] { RemoveWithCompanions(path_).IgnoreError(); };
    absl::Status status = CopyFile();
    if (status.ok()) status = CheckFile();
    if (!status.ok()) return status;
    const int file = open(path_.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) return ErrnoStatus("opening", path_);
    auto copy = std::make_unique<NamelessCopy>(file);
    if (status = Seal(*copy); !status.ok()) return status;
    return copy;
  }

 private:
  absl::Status CopyFile() {
    if (absl::Status removed = RemoveWithCompanions(path_); !removed.ok()) return removed;
    // It holds numbers of callers, as the store does.
    const int file = open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return ErrnoStatus("making", path_);
    close(file);
    absl::StatusOr<SqliteDatabase> from = SqliteDatabase::Open(database_path_, /*read_only=*/true);
    if (!from.ok()) return from.status();
    // The snapshot begins with the first row that is read.
    absl::Status status = from->Execute("BEGIN");
    if (status.ok()) status = ReadFacts(*from);
    if (!status.ok()) return status;
    absl::StatusOr<SqliteDatabase> to = SqliteDatabase::Open(path_, /*read_only=*/false);
    if (!to.ok()) return to.status();
    // No crash has to leave anything of it behind.
    for (const char* pragma : {"PRAGMA synchronous=OFF", "PRAGMA journal_mode=OFF"}) {
      if (status = to->Execute(pragma); !status.ok()) return status;
    }
    return CopyPages(*from, *to, go_on_);
  }

  absl::Status ReadFacts(SqliteDatabase& database) {
    absl::StatusOr<SqliteStatement> query = database.Prepare(
        "SELECT (SELECT value FROM store WHERE key = 'store_id'),"
        " (SELECT user_version FROM pragma_user_version), max(sequence),"
        " coalesce((SELECT received_us FROM events ORDER BY sequence DESC LIMIT 1), 0),"
        " coalesce(min(sequence), 1) FROM events");
    if (!query.ok()) return query.status();
    const absl::StatusOr<bool> row = query->Step();
    if (!row.ok()) return row.status();
    facts_.store_id = std::string(query->Bytes(0));
    facts_.format = query->Integer(1);
    facts_.newest = query->Integer(2);
    if (facts_.newest > 0) facts_.newest_received_at = absl::FromUnixMicros(query->Integer(3));
    facts_.events = facts_.newest - query->Integer(4) + 1;
    query->Reset();
    return absl::OkStatus();
  }

  absl::Status CheckFile() {
    absl::StatusOr<SqliteDatabase> copy = SqliteDatabase::OpenImmutable(path_);
    if (!copy.ok()) return copy.status();
    absl::Status status = CheckTables(*copy);
    if (status.ok()) status = CheckEvents(*copy);
    return status;
  }

  // All but the events, whose rows are looked at one by one.
  absl::Status CheckTables(SqliteDatabase& copy) {
    absl::StatusOr<SqliteStatement> list = copy.Prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('events',"
        " 'sqlite_sequence')");
    if (!list.ok()) return list.status();
    while (true) {
      const absl::StatusOr<bool> row = list->Step();
      if (!row.ok()) return row.status();
      if (!*row) return absl::OkStatus();
      const std::string name(list->Bytes(0));
      absl::Status status = go_on_();
      if (status.ok()) status = CheckTable(copy, name);
      if (!status.ok()) {
        list->Reset();
        return status;
      }
    }
  }

  static absl::Status CheckTable(SqliteDatabase& copy, const std::string& name) {
    absl::StatusOr<SqliteStatement> check =
        copy.Prepare(absl::StrCat("PRAGMA quick_check(", name, ")"));
    if (!check.ok()) return check.status();
    const absl::StatusOr<bool> row = check->Step();
    if (!row.ok()) return row.status();
    const bool is_sound = *row && check->Bytes(0) == "ok";
    check->Reset();
    if (is_sound) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("the store is damaged: its table ", name));
  }

  absl::Status CheckEvents(SqliteDatabase& copy) {
    absl::StatusOr<SqliteStatement> rows = copy.Prepare(
        "SELECT sequence, received_us, stored_us, end_offset, checksum, digest, event FROM events");
    if (!rows.ok()) return rows.status();
    int64_t events = 0;
    while (true) {
      const absl::StatusOr<bool> row = rows->Step();
      if (!row.ok()) return row.status();
      if (!*row) break;
      const bool is_whole =
          rows->Integer(4) == EventChecksum(rows->Integer(0), rows->Integer(1), rows->Integer(2),
                                            rows->Integer(3), rows->Bytes(5), rows->Bytes(6));
      if (!is_whole) ++facts_.corrupt_events;
      if (++events % kRowsOfStep != 0) continue;
      if (absl::Status status = go_on_(); !status.ok()) {
        rows->Reset();
        return status;
      }
    }
    absl::StatusOr<SqliteStatement> identities =
        copy.Prepare("SELECT count(*) FROM events INDEXED BY events_identity");
    if (!identities.ok()) return identities.status();
    const absl::StatusOr<int64_t> count = identities->FirstInteger(0);
    if (!count.ok()) return count.status();
    if (events == facts_.events && *count == events) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("the store is damaged: of ", facts_.events,
                                            " events it has ", events, ", and ", *count,
                                            " identities"));
  }

  absl::Status Seal(NamelessCopy& copy) {
    Sha256Sum sum;
    int64_t bytes = 0;
    while (true) {
      if (absl::Status status = go_on_(); !status.ok()) return status;
      const absl::StatusOr<std::string> chunk = copy.Read(bytes, kChunkBytes);
      if (!chunk.ok()) return chunk.status();
      if (chunk->empty()) break;
      sum.Add(*chunk);
      bytes += static_cast<int64_t>(chunk->size());
    }
    Sha256Sum whole(sum);
    BackupSeal seal;
    seal.store_id = facts_.store_id;
    seal.format = facts_.format;
    seal.taken_at = facts_.taken_at;
    seal.newest = facts_.newest;
    seal.database_bytes = bytes;
    seal.database_sha256 = absl::BytesToHexString(sum.Finish());
    const std::string text = FormatBackupSeal(seal);
    whole.Add(text);
    facts_.bytes = bytes + static_cast<int64_t>(text.size());
    facts_.sha256 = absl::BytesToHexString(whole.Finish());
    copy.mutable_facts() = facts_;
    return copy.Append(text, bytes);
  }

  const std::string database_path_;
  const std::string path_;
  const BackupGoOn& go_on_;
  BackupFacts facts_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BackupCopy>> CopySqliteStore(const std::string& directory,
                                                            absl::Time now,
                                                            const BackupGoOn& go_on) {
  absl::StatusOr<std::unique_ptr<BackupCopy>> copy;
  // A thread that has stood back may not come forward again, so it is one for this alone.
  std::thread([&] {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness);
    copy = Copying(directory, now, go_on).Run();
  }).join();
  return copy;
}

}  // namespace onhook
