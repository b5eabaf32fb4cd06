#include "tests/crash/private_mounts.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "gtest/gtest.h"

namespace onhook {

std::string MissingForPrivateMounts() {
  if (geteuid() != 0) return "only root may mount";
  static const bool is_private =
      unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return is_private ? "" : "this process cannot have mounts of its own";
}

PrivateMount::PrivateMount(std::string source, std::string type, std::string options)
    : source_(std::move(source)), type_(std::move(type)), options_(std::move(options)) {
  Mount();
}

PrivateMount::~PrivateMount() {
  // Whoever still uses it, such as a device that is just being detached, holds it a little longer.
  EXPECT_EQ(umount2(path().c_str(), MNT_DETACH), 0) << "unmounting: " << std::strerror(errno);
}

void PrivateMount::Remount() {
  EXPECT_EQ(umount2(path().c_str(), 0), 0) << "unmounting: " << std::strerror(errno);
  Mount();
}

void PrivateMount::Mount() {
  EXPECT_EQ(mount(source_.c_str(), path().c_str(), type_.c_str(), MS_NOATIME, options_.c_str()), 0)
      << "mounting " << source_ << " with " << options_ << ": " << std::strerror(errno);
}

}  // namespace onhook
