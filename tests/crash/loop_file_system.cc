#include "tests/crash/loop_file_system.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"

namespace onhook {
namespace {

constexpr const char* kMakeFileSystem = "/usr/sbin/mkfs.ext4";
constexpr const char* kLoopControl = "/dev/loop-control";

// Beyond the image: what the tmpfs needs for itself.
constexpr int64_t kOverhead = int64_t{1} << 20;

// From the kernel's fs/ext4/ext4.h, which no header that is installed repeats.
constexpr uint64_t kShutdown = _IOR('X', 125, uint32_t);
constexpr uint32_t kWithoutFlushingTheJournal = 2;

int OpenOrFail(const std::string& path, int flags) {
  const int file = open(path.c_str(), flags | O_CLOEXEC, 0600);
  EXPECT_GE(file, 0) << path << ": " << std::strerror(errno);
  return file;
}

}  // namespace

std::string LoopFileSystem::Missing() {
  std::string missing = MissingForPrivateMounts();
  if (!missing.empty()) return missing;
  if (access(kMakeFileSystem, X_OK) != 0) return "no mkfs.ext4";
  if (access(kLoopControl, R_OK | W_OK) != 0) return "no loop devices";
  return "";
}

LoopFileSystem::LoopFileSystem(const Options& options)
    : device_(options.bytes + kOverhead), image_(device_.path() + "/image") {
  MakeImage(options.bytes);
  AttachLoopDevice();
  mount_.emplace(loop_path_, "ext4", options.mount_options);
  Trim();
}

LoopFileSystem::~LoopFileSystem() {
  mount_.reset();
  close(loop_);
}

void LoopFileSystem::MakeImage(int64_t bytes) {
  const int image = OpenOrFail(image_, O_RDWR | O_CREAT);
  EXPECT_EQ(ftruncate(image, bytes), 0) << std::strerror(errno);
  ChildProcess maker({kMakeFileSystem, "-q", "-F", "-b", "4096", "-E",
                      "nodiscard,lazy_itable_init=0,lazy_journal_init=0", image_});
  EXPECT_EQ(*maker.Wait(absl::InfiniteDuration()), (ProcessEnd{0, 0})) << maker.output();
  // The file system's own blocks shall have their place in a device that is full, so all have one
  // before Trim() takes it from those that are free.
  EXPECT_EQ(fallocate(image, 0, 0, bytes), 0) << std::strerror(errno);
  close(image);
}

void LoopFileSystem::AttachLoopDevice() {
  const int control = OpenOrFail(kLoopControl, O_RDWR);
  const int image = OpenOrFail(image_, O_RDWR);
  loop_config config{};
  config.fd = static_cast<uint32_t>(image);
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  int attached = -1;
  do {
    const int number = ioctl(control, LOOP_CTL_GET_FREE);
    ASSERT_GE(number, 0) << "no free loop device: " << std::strerror(errno);
    loop_path_ = absl::StrCat("/dev/loop", number);
    loop_ = OpenOrFail(loop_path_, O_RDWR);
    attached = ioctl(loop_, LOOP_CONFIGURE, &config);
    if (attached != 0) close(loop_);
  } while (attached != 0 && errno == EBUSY);  // somebody else took it first
  EXPECT_EQ(attached, 0) << loop_path_ << ": " << std::strerror(errno);
  close(image);
  close(control);
  WritePageByPage();
}

void LoopFileSystem::WritePageByPage() {
  const std::string setting = absl::StrReplaceAll(
      "/sys/block/NAME/queue/max_sectors_kb", {{"NAME", absl::StripPrefix(loop_path_, "/dev/")}});
  const int file = OpenOrFail(setting, O_WRONLY);
  EXPECT_EQ(write(file, "4", 1), 1) << setting << ": " << std::strerror(errno);
  close(file);
}

void LoopFileSystem::CutPower() {
  const int root = OpenOrFail(path(), O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(ioctl(root, kShutdown, &kWithoutFlushingTheJournal), 0) << std::strerror(errno);
  close(root);
}

void LoopFileSystem::WriteBack(const std::string& file, int64_t offset, int64_t bytes) {
  const int opened = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  // One that is not there has nothing to be written.
  if (opened < 0) return;
  EXPECT_EQ(
      sync_file_range(opened, offset, bytes, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER), 0)
      << std::strerror(errno);
  close(opened);
}

void LoopFileSystem::FillDevice() {
  Trim();
  device_.Fill();
}

void LoopFileSystem::Trim() {
  const int root = OpenOrFail(path(), O_RDONLY | O_DIRECTORY);
  // What was freed can be given back once its freeing is on the device.
  EXPECT_EQ(syncfs(root), 0) << std::strerror(errno);
  fstrim_range everything{0, std::numeric_limits<uint64_t>::max(), 0};
  EXPECT_EQ(ioctl(root, FITRIM, &everything), 0) << std::strerror(errno);
  close(root);
}

}  // namespace onhook
