#include "gateway/store/sqlite/sqlite_leftovers.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace onhook {
namespace {

absl::Status Remove(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path, " cannot be removed: ", std::strerror(errno)));
}

absl::Status SyncFolderOf(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = file >= 0 && fsync(file) == 0;
  const int error = errno;
  if (file >= 0) close(file);
  if (synced) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(folder, " cannot be synced: ", std::strerror(error)));
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace

std::string BackupPath(const std::string& directory) { return directory + "/onhook.db.backup"; }

std::string RestoringPath(const std::string& directory) {
  return directory + "/onhook.db.restoring";
}

std::string AcceptingLossPath(const std::string& directory) {
  return directory + "/onhook.db.accepting-loss";
}

absl::Status MakeMark(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) {
    return absl::UnavailableError(absl::StrCat(path, " cannot be made: ", std::strerror(errno)));
  }
  close(file);
  return SyncFolderOf(path);
}

absl::Status RemoveMark(const std::string& path) {
  absl::Status removed = Remove(path);
  return removed.ok() ? SyncFolderOf(path) : removed;
}

absl::Status RemoveCompanions(const std::string& path) {
  for (const absl::string_view suffix : {"-journal", "-wal", "-shm"}) {
    if (absl::Status removed = Remove(absl::StrCat(path, suffix)); !removed.ok()) return removed;
  }
  return absl::OkStatus();
}

absl::Status RemoveWithCompanions(const std::string& path) {
  absl::Status removed = Remove(path);
  return removed.ok() ? RemoveCompanions(path) : removed;
}

absl::Status CheckRestored(const std::string& directory) {
  const std::string restoring = RestoringPath(directory);
  if (!Exists(restoring) || Exists(directory + "/onhook.db")) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("a restore into ", directory, " was interrupted; do `onhookd --restore` again",
                   ", or remove ", restoring, " to begin with an empty store"));
}

absl::Status RemoveLeftovers(const std::string& directory) {
  absl::Status status = RemoveWithCompanions(BackupPath(directory));
  if (status.ok()) status = CheckRestored(directory);
  return status.ok() ? RemoveWithCompanions(RestoringPath(directory)) : status;
}

}  // namespace onhook
