#ifndef ONHOOK_TESTS_CRASH_POWER_CUT_FAULT_H_
#define ONHOOK_TESTS_CRASH_POWER_CUT_FAULT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "tests/crash/crash_run.h"
#include "tests/crash/fault.h"
#include "tests/crash/loop_file_system.h"

namespace onhook {

// The power goes, at any instant: what no sync had brought to the device is gone. The gateway goes
// in the same instant, or lives a little longer on a disk that takes nothing any more, and must
// notice.
class PowerCutFault : public Fault {
 public:
  // As mount(8) takes them.
  explicit PowerCutFault(std::string mount_options = "")
      : mount_options_(std::move(mount_options)) {}

  absl::string_view name() const override { return "power_cut"; }
  std::string Missing() const override { return LoopFileSystem::Missing(); }
  void Begin(CrashRun& run) override;
  void Prepare(OnhookdProcess::Options& options) override;
  void Strike(CrashRun& run) override;

 protected:
  LoopFileSystem& file_system() { return *file_system_; }
  void CutPower(CrashRun& run);

 private:
  // The kernel has written some pages by itself, any of them.
  void WriteBackSome(CrashRun& run);

  const std::string mount_options_;
  std::optional<LoopFileSystem> file_system_;
};

// kill -9 in the middle of a sync, so that the next gateway finds commits that are not on the disk;
// the vendor repeats what was not answered; and when the first of that is answered, the power goes.
class KillInSyncFault final : public PowerCutFault {
 public:
  using PowerCutFault::PowerCutFault;
  absl::string_view name() const override { return "kill_in_sync"; }
  std::string Missing() const override;
  void Strike(CrashRun& run) override;
};

// A sync fails, once, and the kernel takes the pages for written from then on; the next gateway
// finds them in memory; and when the first repeated callback is answered, the power goes.
class FailedSyncFault final : public PowerCutFault {
 public:
  using PowerCutFault::PowerCutFault;
  absl::string_view name() const override { return "failed_sync"; }
  void Strike(CrashRun& run) override;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_POWER_CUT_FAULT_H_
