#include "gateway/store/sqlite/sqlite_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace onhook {
namespace {

// What a store opens for writing when it finds it.
constexpr const char* kFiles[] = {"lock", "onhook.db", "onhook.db-wal", "onhook.db-shm"};

absl::Status IsInUse(const std::string& directory) {
  return absl::FailedPreconditionError(
      absl::StrCat("another process uses ", directory, "; a store serves one gateway at a time"));
}

absl::Status CannotBeUsed(const std::string& path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(path, " ", why, "; must be a directory that user ",
                                                 geteuid(), " may write, or make"));
}

absl::Status CannotBeUsed(const std::string& path, absl::string_view what, int error) {
  return CannotBeUsed(path, absl::StrCat(what, ": ", std::strerror(error)));
}

// Whether it is the path that is wrong, or something that may pass.
absl::Status Failed(const std::string& path, absl::string_view what, int error) {
  for (const int of_path : {EACCES, EPERM, EROFS, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG}) {
    if (error == of_path) return CannotBeUsed(path, what, error);
  }
  return absl::UnavailableError(absl::StrCat(path, " ", what, ": ", std::strerror(error)));
}

// 0: this process may; else the error.
int TryAccess(const std::string& path, int how) {
  return faccessat(AT_FDCWD, path.c_str(), how, AT_EACCESS) == 0 ? 0 : errno;
}

// The directory that `path` would be made in.
std::string ParentOf(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return path.substr(0, slash == 0 ? 1 : slash);
}

}  // namespace

std::string SqliteLockPath(const std::string& directory) { return directory + "/lock"; }

absl::StatusOr<int> LockSqliteDirectory(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return Failed(directory, "cannot be made", errno);
  }
  const int lock = open(SqliteLockPath(directory).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return Failed(directory, "cannot be written", errno);
  if (flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  close(lock);
  return IsInUse(directory);
}

absl::Status CheckSqliteDirectory(const std::string& directory) {
  struct stat found {};
  if (stat(directory.c_str(), &found) != 0) {
    if (errno != ENOENT) return CannotBeUsed(directory, "cannot be reached", errno);
    if (lstat(directory.c_str(), &found) == 0) {
      return CannotBeUsed(directory, "is a symbolic link to what does not exist");
    }
    const std::string parent = ParentOf(directory);
    const int error = TryAccess(parent, W_OK | X_OK);
    if (error == 0) return absl::OkStatus();
    return CannotBeUsed(directory, absl::StrCat("cannot be made in ", parent), error);
  }
  if (!S_ISDIR(found.st_mode)) return CannotBeUsed(directory, "is no directory");
  if (const int error = TryAccess(directory, R_OK | W_OK | X_OK); error != 0) {
    return CannotBeUsed(directory, "cannot be written", error);
  }
  for (const char* file : kFiles) {
    const int error = TryAccess(absl::StrCat(directory, "/", file), R_OK | W_OK);
    if (error == 0 || error == ENOENT) continue;
    return CannotBeUsed(directory, absl::StrCat("holds ", file, ", which cannot be written"),
                        error);
  }
  return absl::OkStatus();
}

absl::Status CheckSqliteDirectoryIsFree(const std::string& directory) {
  const int lock = open(SqliteLockPath(directory).c_str(), O_RDWR | O_CLOEXEC);
  if (lock < 0) return absl::OkStatus();
  // Shared: two that look at once do not take each other for a store.
  const bool is_free = flock(lock, LOCK_SH | LOCK_NB) == 0;
  close(lock);
  return is_free ? absl::OkStatus() : IsInUse(directory);
}

}  // namespace onhook
