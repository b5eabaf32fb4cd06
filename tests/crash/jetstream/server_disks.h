#ifndef ONHOOK_TESTS_CRASH_JETSTREAM_SERVER_DISKS_H_
#define ONHOOK_TESTS_CRASH_JETSTREAM_SERVER_DISKS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/crash/jetstream/fleet_servers.h"
#include "tests/crash/loop_file_system.h"

namespace onhook {

// A disk for each server of a cluster, whose power can be cut together with its server's.
//
// A failure is a failed expectation of the test. Threads: one.
class ServerDisks {
 public:
  // What this machine lacks for it; empty: nothing.
  static std::string Missing();

  // Must outlive the cluster. What is decided by chance comes from the seed.
  ServerDisks(int servers, uint64_t seed);
  // Before the cluster's start: its servers keep what they have on these disks.
  void Give(FleetServers& cluster) const;

  // Of these servers at once: whatever they had not synced is gone. They are dead then, and their
  // disks are there again.
  void CutPower(FleetServers& cluster, const std::vector<int>& servers);
  // As the kernel does every now and then, everything is written.
  void SyncAll() const;

 private:
  // The kernel has written some pages by itself, any of them.
  void WriteBackSome(const std::string& directory, LoopFileSystem& disk);
  uint64_t Below(uint64_t end) { return random_() % end; }
  LoopFileSystem& At(int server) const { return *disks_[static_cast<size_t>(server)]; }

  std::mt19937_64 random_;
  std::vector<std::unique_ptr<LoopFileSystem>> disks_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_JETSTREAM_SERVER_DISKS_H_
