#include "tests/crash/power_cut_fault.h"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/exit_code.h"
#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/held_syncs.h"
#include "tests/crash/loop_file_system.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

// For some hundred rounds, whatever the machine stores in one.
constexpr uint64_t kDiskMebibytes = 256;

// What SQLite's write-ahead log grows to, about.
constexpr uint64_t kLogBytes = uint64_t{4} << 20;

// On return every thread of it has left the kernel.
void Stop(pid_t process) {
  kill(process, SIGSTOP);
  siginfo_t stopped{};
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(process), &stopped, WSTOPPED), 0)
      << std::strerror(errno);
}

// SQLite maps the log's index into memory; where the file system takes no more of that, as ext4
// with data=journal, the kernel ends who writes there.
void ExpectEndOnADeadDisk(CrashRun& run) {
  const std::optional<ProcessEnd> end = run.RunsFor(run.patience());
  ASSERT_TRUE(end.has_value()) << "still running:\n" << run.gateway().log();
  EXPECT_TRUE(*end == (ProcessEnd{kExitDiskFailed, 0}) || *end == (ProcessEnd{-1, SIGBUS}))
      << *end << "\n"
      << run.gateway().log();
}

// Until the vendor was told of one more callback that it is stored.
void WaitForPromise(const CrashRun& run) {
  EXPECT_TRUE(run.ledger().WaitUntilPromised(run.ledger().promised() + 1, run.patience()));
}

class PowerCutFault : public Fault {
 public:
  absl::string_view name() const override { return "power_cut"; }
  std::string Missing() const override { return LoopFileSystem::Missing(); }
  std::vector<std::string> Excludes() const override {
    return {"power_cut", "kill_in_sync", "failed_sync", "small_disk"};
  }
  void Begin(CrashRun& run) override;
  void Prepare(OnhookdProcess::Options& options) override;
  void Strike(CrashRun& run) override;

 protected:
  LoopFileSystem& file_system() { return *file_system_; }
  void CutPower(CrashRun& run);

 private:
  // The kernel has written some pages by itself, any of them.
  void WriteBackSome(CrashRun& run);

  std::optional<LoopFileSystem> file_system_;
};

class KillInSyncFault final : public PowerCutFault {
 public:
  absl::string_view name() const override { return "kill_in_sync"; }
  std::string Missing() const override;
  void Strike(CrashRun& run) override;
};

class FailedSyncFault final : public PowerCutFault {
 public:
  absl::string_view name() const override { return "failed_sync"; }
  void Strike(CrashRun& run) override;
};

void PowerCutFault::Begin(CrashRun& run) {
  LoopFileSystem::Options options;
  options.bytes = static_cast<int64_t>(FromEnvironment("ONHOOK_DISK_MIB", kDiskMebibytes)) << 20;
  const char* mount_options = std::getenv("ONHOOK_MOUNT_OPTIONS");
  if (mount_options != nullptr) options.mount_options = mount_options;
  file_system_.emplace(options);
  run.PlaceStore(file_system_->path() + "/store");
}

// The disk is smaller than what a gateway wants to be free.
void PowerCutFault::Prepare(OnhookdProcess::Options& options) {
  options.more_arguments.push_back("--store-minimum-free-disk=16MiB");
}

void PowerCutFault::Strike(CrashRun& run) {
  if (run.random()() % 2 == 0) WriteBackSome(run);
  CutPower(run);
  // What one cut left, the next one may find half recovered.
  if (run.random()() % 4 == 0) {
    run.KillSomeStarts();
    file_system().CutPower();
    file_system().Remount();
  }
}

void PowerCutFault::CutPower(CrashRun& run) {
  // A sync that is under way when ext4 is shut down may return success to its caller and have kept
  // nothing. With the power the processor goes too, so nobody is to live on such a return: no
  // thread of the gateway comes back from the kernel after the signal, and what is stopped first
  // has no sync under way.
  const uint64_t order = run.random()() % 3;
  const pid_t gateway = run.gateway().pid();
  if (order == 0) run.Kill();
  if (order == 1) kill(gateway, SIGKILL);
  if (order == 2) Stop(gateway);
  file_system().CutPower();
  if (order == 1) run.Kill();
  if (order == 2) {
    kill(gateway, SIGCONT);
    ExpectEndOnADeadDisk(run);
  }
  file_system().Remount();
}

void PowerCutFault::WriteBackSome(CrashRun& run) {
  for (const char* file : {"/onhook.db", "/onhook.db-wal"}) {
    const auto offset = static_cast<int64_t>(run.random()() % kLogBytes);
    const auto bytes = static_cast<int64_t>(run.random()() % kLogBytes) + 1;
    file_system().WriteBack(run.store_directory() + file, offset, bytes);
  }
}

std::string KillInSyncFault::Missing() const {
  std::string missing = PowerCutFault::Missing();
  return missing.empty() ? HeldSyncs::Missing() : missing;
}

void KillInSyncFault::Strike(CrashRun& run) {
  {
    HeldSyncs syncs(run.gateway().pid());
    EXPECT_TRUE(syncs.WaitForOne(run.patience())) << "no sync under load";
    syncs.KillProgram();
    run.Kill();
  }
  if (!run.Start()) return;
  WaitForPromise(run);
  CutPower(run);
}

void FailedSyncFault::Strike(CrashRun& run) {
  file_system().FillDevice();
  run.ExpectEnd(kExitDiskFailed);
  file_system().DrainDevice();
  if (!run.Start()) return;
  WaitForPromise(run);
  CutPower(run);
}

}  // namespace

std::unique_ptr<Fault> MakePowerCutFault() { return std::make_unique<PowerCutFault>(); }
std::unique_ptr<Fault> MakeKillInSyncFault() { return std::make_unique<KillInSyncFault>(); }
std::unique_ptr<Fault> MakeFailedSyncFault() { return std::make_unique<FailedSyncFault>(); }

}  // namespace onhook
