#include "gateway/store/sqlite/sqlite_restore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gateway/event/sha256.h"
#include "gateway/store/sqlite/backup_seal.h"
#include "gateway/store/sqlite/sqlite_database.h"
#include "gateway/store/sqlite/sqlite_directory.h"
#include "gateway/store/sqlite/sqlite_leftovers.h"
#include "gateway/store/sqlite/sqlite_lineage.h"
#include "gateway/store/sqlite/sqlite_remains.h"
#include "gateway/store/sqlite/sqlite_schema.h"

namespace onhook {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

absl::Status ErrnoStatus(const std::string& path, absl::string_view what) {
  const std::string message = absl::StrCat(path, " ", what, ": ", std::strerror(errno));
  if (errno == ENOENT) return absl::NotFoundError(message);
  if (errno == ENOSPC || errno == EDQUOT) return absl::ResourceExhaustedError(message);
  return absl::UnavailableError(message);
}

// A file descriptor that closes itself.
class OpenFile {
 public:
  OpenFile(const std::string& path, int flags)
      : file_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (file_ >= 0) close(file_);
  }
  bool ok() const { return file_ >= 0; }
  int get() const { return file_; }

 private:
  const int file_;
};

// Fewer bytes than asked for only at the file's end.
absl::StatusOr<std::string> ReadAt(const OpenFile& file, const std::string& path, int64_t offset,
                                   size_t most) {
  std::string bytes(most, '\0');
  size_t read = 0;
  while (read < most) {
    const ssize_t more = pread(file.get(), &bytes[read], most - read,
                               static_cast<off_t>(offset + static_cast<int64_t>(read)));
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return ErrnoStatus(path, "cannot be read");
    if (more == 0) break;
    read += static_cast<size_t>(more);
  }
  bytes.resize(read);
  return bytes;
}

absl::Status WriteAll(const OpenFile& file, const std::string& path, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(path, "cannot be written");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status Sync(const std::string& path) {
  const OpenFile file(path, O_RDONLY);
  if (!file.ok()) return ErrnoStatus(path, "cannot be opened");
  return fsync(file.get()) == 0 ? absl::OkStatus() : ErrnoStatus(path, "cannot be synced");
}

// One restore, step by step. The directory's lock is held.
class Restoring {
 public:
  Restoring(const std::string& file, const std::string& directory, absl::Time now)
      : file_(file), directory_(directory), path_(RestoringPath(directory)) {
    restored_.ancestor.renewed_at = now;
  }

  absl::StatusOr<RestoredStore> Run() {
    absl::Status status = RequireNoStore();
    if (status.ok()) status = RemoveWithCompanions(path_);
    if (!status.ok()) return status;
    // Whoever wanted the backup's store does not want an empty one instead, so that a gateway is
    // not to begin one. The copy's bytes go.
    absl::Cleanup give_up = [this] {
      RemoveCompanions(path_).IgnoreError();
      MakeMark(path_).IgnoreError();
    };
    status = CopyFile();
    if (status.ok()) status = MakeNewStore();
    if (status.ok()) status = RemoveCompanions(path_);
    if (status.ok()) status = GiveToOwner();
    if (status.ok()) status = Sync(path_);
    if (!status.ok()) return status;
    if (rename(path_.c_str(), DatabasePath().c_str()) != 0) {
      return ErrnoStatus(path_, "cannot be renamed");
    }
    std::move(give_up).Cancel();
    status = Sync(directory_);
    if (status.ok()) status = Sync(directory_ + "/..");
    if (!status.ok()) return status;
    return restored_;
  }

 private:
  std::string DatabasePath() const { return directory_ + "/onhook.db"; }

  absl::Status RequireNoStore() const {
    for (const absl::string_view suffix : {"", "-wal", "-shm", "-journal"}) {
      const std::string path = absl::StrCat(DatabasePath(), suffix);
      if (access(path.c_str(), F_OK) != 0) continue;
      return absl::FailedPreconditionError(
          absl::StrCat(path, " is there already; restore into a directory that holds no store"));
    }
    return absl::OkStatus();
  }

  absl::Status Damaged(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat(file_, " ", what));
  }

  absl::Status ReadSeal(const OpenFile& file) {
    struct stat found {};
    if (fstat(file.get(), &found) != 0) return ErrnoStatus(file_, "cannot be looked at");
    if (!S_ISREG(found.st_mode)) return absl::InvalidArgumentError(file_ + " is no regular file");
    constexpr auto kSealBytes = static_cast<int64_t>(kBackupSealBytes);
    const int64_t before = std::max<int64_t>(found.st_size - kSealBytes, 0);
    const absl::StatusOr<std::string> text = ReadAt(file, file_, before, kBackupSealBytes);
    if (!text.ok()) return text.status();
    absl::StatusOr<BackupSeal> seal = ParseBackupSeal(*text);
    if (!seal.ok()) return Damaged(seal.status().message());
    seal_ = *std::move(seal);
    if (seal_.database_bytes != before) return Damaged("is not as long as it says itself");
    if (IsKnownFormat(seal_.format)) return absl::OkStatus();
    return Damaged(absl::StrCat("is of a store of format ", seal_.format,
                                ", which this version does not know; take a newer onhookd"));
  }

  absl::Status CopyFile() {
    const OpenFile from(file_, O_RDONLY);
    if (!from.ok()) return ErrnoStatus(file_, "cannot be read");
    if (absl::Status status = ReadSeal(from); !status.ok()) return status;
    const OpenFile to(path_, O_WRONLY | O_CREAT | O_EXCL);
    if (!to.ok()) return ErrnoStatus(path_, "cannot be made");
    Sha256Sum sum;
    for (int64_t offset = 0; offset < seal_.database_bytes;) {
      const int64_t left = seal_.database_bytes - offset;
      const absl::StatusOr<std::string> chunk =
          ReadAt(from, file_, offset, static_cast<size_t>(std::min<int64_t>(left, kChunkBytes)));
      if (!chunk.ok()) return chunk.status();
      if (chunk->empty()) return Damaged("became shorter while it was read");
      sum.Add(*chunk);
      if (absl::Status status = WriteAll(to, path_, *chunk); !status.ok()) return status;
      offset += static_cast<int64_t>(chunk->size());
    }
    if (absl::BytesToHexString(sum.Finish()) == seal_.database_sha256) return absl::OkStatus();
    return Damaged("does not fit its checksum: it was altered");
  }

  // Once the copy is what the backup was.
  absl::Status MakeNewStore() {
    absl::StatusOr<SqliteDatabase> database = SqliteDatabase::Open(path_, /*read_only=*/false);
    if (!database.ok()) return database.status();
    // No file beside it, and what a crash leaves of it is thrown away.
    for (const char* pragma : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=DELETE",
                               "PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF"}) {
      if (absl::Status status = database->Execute(pragma); !status.ok()) return status;
    }
    absl::Status status = CheckIntegrity(*database);
    if (status.ok()) status = CheckFacts(*database);
    if (status.ok()) status = database->Execute("BEGIN IMMEDIATE");
    if (status.ok()) status = Rename(*database);
    // The store that was copied was at work, with a write-ahead log.
    if (status.ok()) status = MarkClosed(*database);
    if (status.ok()) status = database->Execute("COMMIT");
    return status;
  }

  absl::Status CheckIntegrity(SqliteDatabase& database) const {
    absl::StatusOr<SqliteStatement> check = database.Prepare("PRAGMA integrity_check(1)");
    if (!check.ok()) return check.status();
    const absl::StatusOr<bool> row = check->Step();
    if (!row.ok()) return row.status();
    const bool is_sound = *row && check->Bytes(0) == "ok";
    check->Reset();
    return is_sound ? absl::OkStatus() : Damaged("holds a damaged store");
  }

  absl::Status CheckFacts(SqliteDatabase& database) {
    absl::StatusOr<SqliteStatement> query = database.Prepare(
        "SELECT (SELECT value FROM store WHERE key = 'store_id'),"
        " (SELECT user_version FROM pragma_user_version), coalesce(max(sequence), 0), count(*),"
        " coalesce((SELECT received_us FROM events ORDER BY sequence DESC LIMIT 1), 0)"
        " FROM events");
    if (!query.ok()) return query.status();
    const absl::StatusOr<bool> row = query->Step();
    if (!row.ok()) return row.status();
    restored_.ancestor.store_id = std::string(query->Bytes(0));
    restored_.ancestor.newest = query->Integer(2);
    restored_.ancestor.taken_at = seal_.taken_at;
    restored_.events = query->Integer(3);
    if (restored_.events > 0) {
      restored_.newest_received_at = absl::FromUnixMicros(query->Integer(4));
    }
    const bool fits = restored_.ancestor.store_id == seal_.store_id &&
                      query->Integer(1) == seal_.format &&
                      restored_.ancestor.newest == seal_.newest;
    query->Reset();
    return fits ? absl::OkStatus() : Damaged("holds another store than it says itself");
  }

  absl::Status Rename(SqliteDatabase& database) {
    absl::StatusOr<std::string> store_id = RenewStoreIdentity(database);
    if (!store_id.ok()) return store_id.status();
    restored_.store_id = *std::move(store_id);
    return AddAncestor(database, restored_.ancestor);
  }

  // Root restores into the directory of the user that the gateway runs as.
  absl::Status GiveToOwner() const {
    struct stat owner {};
    if (stat(directory_.c_str(), &owner) != 0) return ErrnoStatus(directory_, "cannot be reached");
    if (geteuid() != 0 || owner.st_uid == 0) return absl::OkStatus();
    for (const std::string& path : {path_, directory_ + "/lock"}) {
      if (chown(path.c_str(), owner.st_uid, owner.st_gid) != 0) {
        return ErrnoStatus(path, "cannot be given to the directory's owner");
      }
    }
    return absl::OkStatus();
  }

  const std::string file_;
  const std::string directory_;
  const std::string path_;
  BackupSeal seal_;
  RestoredStore restored_;
};

}  // namespace

absl::StatusOr<RestoredStore> RestoreSqliteStore(const std::string& file,
                                                 const std::string& directory, absl::Time now) {
  const absl::StatusOr<int> lock = LockSqliteDirectory(directory);
  if (!lock.ok()) return lock.status();
  const absl::Cleanup unlock = [&] { close(*lock); };
  return Restoring(file, directory, now).Run();
}

}  // namespace onhook
