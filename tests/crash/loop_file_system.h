#ifndef ONHOOK_TESTS_CRASH_LOOP_FILE_SYSTEM_H_
#define ONHOOK_TESTS_CRASH_LOOP_FILE_SYSTEM_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tests/crash/private_mounts.h"
#include "tests/crash/small_tmpfs.h"

namespace onhook {

// An ext4 on a block device of its own, whose power can be cut and whose device can run full.
//
// What a cut loses is what no sync had brought to the device; what had come there, all of it, in
// the order of its writing, stays. That a device itself loses or reorders what it has in its cache
// is not to be had this way: tests/simulation does that.
//
// A failure is a failed expectation of the test. Threads: one, and that of the test.
class LoopFileSystem {
 public:
  struct Options {
    int64_t bytes = int64_t{256} << 20;
    // Beside the usual ones, as mount(8) takes them: "data=writeback,nodelalloc".
    std::string mount_options;
  };

  // What this machine lacks for it; empty: nothing.
  static std::string Missing();

  explicit LoopFileSystem(const Options& options);
  ~LoopFileSystem();

  const std::string& path() const { return mount_->path(); }

  // From here on nothing reaches the device, and whoever writes or syncs gets EIO.
  void CutPower();
  // The power is back. Nobody may have a file open on it.
  void Remount() { mount_->Remount(); }

  // Lets the kernel write some of a file's pages to the device, as it may at any time.
  void WriteBack(const std::string& file, int64_t offset, int64_t bytes);

  // From here on the device cannot take a block that it did not hold before: writing succeeds, and
  // then the sync does not, once.
  void FillDevice();
  void DrainDevice() { device_.Drain(); }

 private:
  void MakeImage(int64_t bytes);
  void AttachLoopDevice();
  // A loop device of Linux 6.18 says of a write that its file took only in part that all is well,
  // so that no write may be larger than what fits in whole or not at all.
  void WritePageByPage();
  // Gives back to the device's memory what the file system does not use.
  void Trim();

  SmallTmpfs device_;
  const std::string image_;
  int loop_ = -1;  // while it is open the device stays attached
  std::string loop_path_;
  std::optional<PrivateMount> mount_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_LOOP_FILE_SYSTEM_H_
