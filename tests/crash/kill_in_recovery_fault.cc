#include "tests/crash/kill_in_recovery_fault.h"

#include <cstdint>

#include "absl/time/time.h"
#include "tests/crash/crash_run.h"

namespace onhook {
namespace {

constexpr uint64_t kMostStarts = 4;

class KillInRecoveryFault final : public Fault {
 public:
  absl::string_view name() const override { return "kill_in_recovery"; }
  void Strike(CrashRun& run) override {
    run.Kill();
    const uint64_t starts = 1 + run.random()() % kMostStarts;
    for (uint64_t i = 0; i < starts; ++i) run.KillDuringStart();
  }
};

}  // namespace

std::unique_ptr<Fault> MakeKillInRecoveryFault() { return std::make_unique<KillInRecoveryFault>(); }

}  // namespace onhook
