#include "tests/crash/syscall_fault.h"

#include <cerrno>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/exit_code.h"
#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/hindrance/hindrance.h"

namespace onhook {
namespace {

using Plan = HindrancePlan;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr absl::Duration kLongest = absl::Milliseconds(150);
// So many promises are no longer those that were under way when all was well again.
constexpr int64_t kPromisesOfSomeTime = 100;

struct Kind {
  Plan::Call call;
  int error;
  Plan::Manner manner;
};
constexpr Kind kKinds[] = {
    {Plan::kWrite, ENOSPC, Plan::kFails},       {Plan::kWrite, EIO, Plan::kFails},
    {Plan::kWrite, 0, Plan::kIsShort},          {Plan::kWrite, ENOSPC, Plan::kIsShortThenFails},
    {Plan::kWrite, EIO, Plan::kIsDoneYetFails}, {Plan::kSync, EIO, Plan::kFails},
    {Plan::kSync, ENOSPC, Plan::kFails},        {Plan::kRead, EIO, Plan::kFails},
    {Plan::kStat, EIO, Plan::kFails},           {Plan::kLock, ENOLCK, Plan::kFails},
};

class SyscallFault final : public Fault {
 public:
  absl::string_view name() const override { return "syscall"; }
  std::string Missing() const override { return Hindrance::Missing(); }

  void Prepare(OnhookdProcess::Options& options) override {
    if (!hindrance_.has_value()) hindrance_.emplace(options.store_directory);
    hindrance_->ApplyToCallsOf(options);
  }

  void Strike(CrashRun& run) override {
    const auto below = [&run](uint64_t most) {
      return static_cast<int64_t>(run.random()() % most);
    };
    const Kind& kind = kKinds[below(std::size(kKinds))];
    const int64_t many[] = {1, 1 + below(50), Hindrance::kForGood};
    hindrance_->Reset();
    hindrance_->FailNext({kind.call, below(100), many[below(3)], kind.error, kind.manner});
    const bool killed = below(4) == 0;
    const bool ended = run.gateway().Wait(run.RandomBelow(kLongest)).has_value();
    if (killed && !ended) run.Kill();
    hindrance_->Heal();
    if (killed && !ended) return;
    if (!ended && GoesOn(run)) return;
    EXPECT_NE(kind.call, Plan::kWrite) << "that heals; failed: " << hindrance_->last_failed();
    run.ExpectEnd(kExitDiskFailed);
  }

 private:
  // Whether the gateway works on, now that it can. It may have decided otherwise a moment ago.
  static bool GoesOn(CrashRun& run) {
    const int64_t enough = run.ledger().promised() + kPromisesOfSomeTime;
    const absl::Duration deadline = SystemClock().Elapsed() + kPatience;
    while (run.ledger().promised() < enough && SystemClock().Elapsed() < deadline) {
      if (run.gateway().Wait(absl::Milliseconds(5)).has_value()) return false;
    }
    EXPECT_GE(run.ledger().promised(), enough) << "it does not heal";
    return true;
  }

  std::optional<Hindrance> hindrance_;
};

}  // namespace

std::unique_ptr<Fault> MakeSyscallFault() { return std::make_unique<SyscallFault>(); }

}  // namespace onhook
