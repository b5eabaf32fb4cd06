#ifndef ONHOOK_TESTS_CRASH_FAULT_OF_PROGRAM_H_
#define ONHOOK_TESTS_CRASH_FAULT_OF_PROGRAM_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "tests/crash/fault.h"

namespace onhook {

// The same fault, of a run whose gateways are another program; empty: the usual one.
class FaultOfProgram final : public Fault {
 public:
  FaultOfProgram(std::unique_ptr<Fault> fault, std::string program)
      : fault_(std::move(fault)), program_(std::move(program)) {}
  absl::string_view name() const override { return fault_->name(); }
  void Begin(CrashRun& run) override { fault_->Begin(run); }
  void Prepare(OnhookdProcess::Options& options) override {
    options.program = program_;
    fault_->Prepare(options);
  }
  void Strike(CrashRun& run) override { fault_->Strike(run); }
  void End(CrashRun& run) override { fault_->End(run); }

 private:
  const std::unique_ptr<Fault> fault_;
  const std::string program_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_FAULT_OF_PROGRAM_H_
