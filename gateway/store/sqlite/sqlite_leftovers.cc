#include "gateway/store/sqlite/sqlite_leftovers.h"

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

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace

std::string BackupPath(const std::string& directory) { return directory + "/onhook.db.backup"; }

std::string RestoringPath(const std::string& directory) {
  return directory + "/onhook.db.restoring";
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

absl::Status RemoveLeftovers(const std::string& directory) {
  if (absl::Status removed = RemoveWithCompanions(BackupPath(directory)); !removed.ok()) {
    return removed;
  }
  const std::string restoring = RestoringPath(directory);
  if (Exists(restoring) && !Exists(directory + "/onhook.db")) {
    return absl::FailedPreconditionError(
        absl::StrCat("a restore into ", directory, " was interrupted; do `onhookd --restore` again",
                     ", or remove ", restoring, " to begin with an empty store"));
  }
  return RemoveWithCompanions(restoring);
}

}  // namespace onhook
