#include "tests/crash/small_disk_fault.h"

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/small_tmpfs.h"

namespace onhook {
namespace {

constexpr int64_t kBytes = int64_t{256} << 20;
// Less than the 16 MiB that are to be free.
constexpr int64_t kTooLittle = int64_t{12} << 20;
constexpr absl::Duration kPatience = absl::Seconds(60);

class SmallDiskFault final : public Fault {
 public:
  absl::string_view name() const override { return "small_disk"; }
  std::string Missing() const override { return MissingForPrivateMounts(); }
  std::vector<std::string> Excludes() const override {
    return {"power_cut", "kill_in_sync", "failed_sync"};
  }

  void Begin(CrashRun& run) override {
    disk_.emplace(kBytes);
    run.PlaceStore(disk_->path() + "/store");
  }

  void Prepare(OnhookdProcess::Options& options) override {
    options.more_arguments.push_back("--store-minimum-free-disk=16MiB");
  }

  void Strike(CrashRun& run) override {
    disk_->Fill(run.random()() % 2 == 0 ? 0 : kTooLittle);
    EXPECT_TRUE(
        run.gateway().WaitForLog("the disk is nearly full: nothing new is stored", kPatience))
        << run.gateway().log();
    if (run.random()() % 3 == 0) run.Kill();
    disk_->Drain();
  }

 private:
  std::optional<SmallTmpfs> disk_;
};

}  // namespace

std::unique_ptr<Fault> MakeSmallDiskFault() { return std::make_unique<SmallDiskFault>(); }

}  // namespace onhook
