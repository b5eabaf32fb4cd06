#ifndef ONHOOK_TESTS_CRASH_SMALL_TMPFS_H_
#define ONHOOK_TESTS_CRASH_SMALL_TMPFS_H_

#include <cstdint>
#include <string>

#include "tests/crash/private_mounts.h"

namespace onhook {

// A file system in memory that is soon full. A failure is a failed expectation of the test.
// Threads: one, and that of the test.
class SmallTmpfs {
 public:
  explicit SmallTmpfs(int64_t bytes);

  const std::string& path() const { return mount_.path(); }
  int64_t FreeBytes() const;
  // Somebody else's file takes the room, but for this much; what others write meanwhile counts.
  void Fill(int64_t free_bytes = 0);
  // That file is gone.
  void Drain();

 private:
  const PrivateMount mount_;
  const std::string foreign_file_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_SMALL_TMPFS_H_
