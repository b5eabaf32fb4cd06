#include "tests/crash/small_tmpfs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace onhook {

SmallTmpfs::SmallTmpfs(int64_t bytes)
    : mount_("tmpfs", "tmpfs", absl::StrCat("size=", bytes)),
      foreign_file_(mount_.path() + "/foreign") {}

int64_t SmallTmpfs::FreeBytes() const {
  struct statvfs found {};
  EXPECT_EQ(statvfs(path().c_str(), &found), 0) << std::strerror(errno);
  return static_cast<int64_t>(found.f_bavail * found.f_frsize);
}

void SmallTmpfs::Fill(int64_t free_bytes) {
  const int file = open(foreign_file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0) << std::strerror(errno);
  struct stat found {};
  EXPECT_EQ(fstat(file, &found), 0);
  // Whoever else writes takes some of what was free a moment ago; then less will do.
  int64_t piece = FreeBytes() - free_bytes;
  while (piece > 0) {
    if (fallocate(file, 0, found.st_size, piece) == 0) {
      found.st_size += piece;
    } else if (errno != ENOSPC) {
      ADD_FAILURE() << "taking room: " << std::strerror(errno);
      break;
    } else {
      piece /= 2;
    }
    piece = std::min(piece, FreeBytes() - free_bytes);
  }
  close(file);
}

void SmallTmpfs::Drain() { EXPECT_EQ(unlink(foreign_file_.c_str()), 0) << std::strerror(errno); }

}  // namespace onhook
