#include "tests/crash/kill_fault.h"

#include "tests/crash/crash_run.h"

namespace onhook {
namespace {

class KillFault final : public Fault {
 public:
  absl::string_view name() const override { return "kill"; }
  void Strike(CrashRun& run) override { run.Kill(); }
};

}  // namespace

std::unique_ptr<Fault> MakeKillFault() { return std::make_unique<KillFault>(); }

}  // namespace onhook
