#include "tests/crash/jetstream/server_disks.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "gtest/gtest.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

constexpr uint64_t kDiskMebibytes = 256;

}  // namespace

std::string ServerDisks::Missing() {
  const std::string missing = FleetServers::Missing();
  return missing.empty() ? LoopFileSystem::Missing() : missing;
}

ServerDisks::ServerDisks(int servers, uint64_t seed) : random_(seed) {
  LoopFileSystem::Options options;
  options.bytes = static_cast<int64_t>(FromEnvironment("ONHOOK_DISK_MIB", kDiskMebibytes)) << 20;
  for (int i = 0; i < servers; ++i) disks_.push_back(std::make_unique<LoopFileSystem>(options));
}

void ServerDisks::Give(FleetServers& cluster) const {
  for (int i = 0; i < cluster.size(); ++i) {
    cluster.PlaceStore(i, At(i).path() + "/store");
  }
}

void ServerDisks::CutPower(FleetServers& cluster, const std::vector<int>& servers) {
  for (const int each : servers) {
    if (Below(2) == 0) WriteBackSome(cluster.directory(each), At(each));
  }
  // A sync that is under way when ext4 is shut down may return success and have kept nothing; with
  // the power the processor goes too, so nobody may live on such a return. So each is killed first,
  // or stopped: what is stopped has no sync under way and says nothing more.
  const bool killed = Below(2) == 0;
  for (const int each : servers) {
    if (killed) {
      cluster.Kill(each);
    } else {
      cluster.Pause(each);
    }
  }
  for (const int each : servers) At(each).CutPower();
  for (const int each : servers) {
    if (cluster.runs(each)) cluster.Kill(each);
    At(each).Remount();
  }
}

void ServerDisks::WriteBackSome(const std::string& directory, LoopFileSystem& disk) {
  std::error_code ended;
  std::filesystem::recursive_directory_iterator files(directory, ended);
  for (; !ended && files != std::filesystem::recursive_directory_iterator();
       files.increment(ended)) {
    std::error_code gone;
    const auto bytes = static_cast<int64_t>(files->file_size(gone));
    if (gone || bytes <= 0 || Below(2) == 0) continue;
    const auto size = static_cast<uint64_t>(bytes);
    disk.WriteBack(files->path(), static_cast<int64_t>(Below(size)),
                   static_cast<int64_t>(Below(size)) + 1);
  }
}

void ServerDisks::SyncAll() const {
  for (const auto& disk : disks_) {
    const int root = open(disk->path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT_EQ(syncfs(root), 0) << std::strerror(errno);
    close(root);
  }
}

}  // namespace onhook
