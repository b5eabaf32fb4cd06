#include "tests/crash/restart_fault.h"

#include "tests/crash/crash_run.h"

namespace onhook {
namespace {

class RestartFault final : public Fault {
 public:
  absl::string_view name() const override { return "restart"; }
  void Strike(CrashRun& run) override { run.Terminate(); }
};

}  // namespace

std::unique_ptr<Fault> MakeRestartFault() { return std::make_unique<RestartFault>(); }

}  // namespace onhook
