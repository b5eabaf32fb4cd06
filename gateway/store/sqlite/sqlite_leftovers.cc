#include "gateway/store/sqlite/sqlite_leftovers.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace onhook {
namespace {

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace

std::string BackupPath(const std::string& directory) { return directory + "/onhook.db.backup"; }

std::string RestoringPath(const std::string& directory) {
  return directory + "/onhook.db.restoring";
}

absl::Status RemoveWithCompanions(const std::string& path) {
  for (const absl::string_view suffix : {"", "-journal", "-wal", "-shm"}) {
    const std::string file = absl::StrCat(path, suffix);
    if (unlink(file.c_str()) != 0 && errno != ENOENT) {
      return absl::UnavailableError(
          absl::StrCat(file, " cannot be removed: ", std::strerror(errno)));
    }
  }
  return absl::OkStatus();
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
