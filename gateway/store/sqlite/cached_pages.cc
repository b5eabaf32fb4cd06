#include "gateway/store/sqlite/cached_pages.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace onhook {

absl::Status ForgetCachedPages(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return absl::OkStatus();
  if (file < 0) {
    return absl::UnavailableError(absl::StrCat("opening ", path, ": ", std::strerror(errno)));
  }
  absl::Status status;
  // Only pages that the kernel takes for written are forgotten.
  if (fsync(file) != 0) {
    status = absl::DataLossError(absl::StrCat("syncing ", path, ": ", std::strerror(errno)));
  }
  // A file system that keeps its files in memory forgets nothing, and has nothing else to read.
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  close(file);
  return status;
}

}  // namespace onhook
