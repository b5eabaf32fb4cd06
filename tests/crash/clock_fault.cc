#include "tests/crash/clock_fault.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/hindrance/hindrance.h"

namespace onhook {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr absl::Duration kBetweenSteps = absl::Milliseconds(100);
constexpr int64_t kPromisesEachStep = 20;

class ClockFault final : public Fault {
 public:
  absl::string_view name() const override { return "clock"; }
  std::string Missing() const override { return Hindrance::Missing(); }

  // A start believes its clock, and what is settled is too old to keep, by years.
  void Begin(CrashRun& run) override { run.AllowRemoval(); }

  void Prepare(OnhookdProcess::Options& options) override { hindrance_.ApplyToClockOf(options); }

  void Strike(CrashRun& run) override {
    for (uint64_t steps = 1 + run.random()() % 4; steps > 0; --steps) {
      const absl::Duration offset = SomeOffset(run);
      most_ = std::max(most_, offset);
      hindrance_.SetClockAhead(offset);
      const auto end = run.gateway().Wait(run.RandomBelow(kBetweenSteps));
      ASSERT_FALSE(end.has_value()) << *end << "\n" << run.gateway().log();
      EXPECT_TRUE(
          run.ledger().WaitUntilPromised(run.ledger().promised() + kPromisesEachStep, kPatience))
          << "it waits for its clock:\n"
          << run.gateway().log();
    }
    hindrance_.SetClockAhead(most_);
    if (run.random()() % 4 == 0) run.Kill();
  }

 private:
  static absl::Duration SomeOffset(CrashRun& run) {
    constexpr absl::Duration kDay = absl::Hours(24);
    const absl::Duration mosts[] = {absl::ZeroDuration(), absl::Seconds(60), absl::Minutes(60),
                                    absl::Hours(24),      40 * kDay,         3650 * kDay};
    const absl::Duration most = mosts[run.random()() % std::size(mosts)];
    const absl::Duration step = most == absl::ZeroDuration() ? most : run.RandomBelow(most);
    return run.random()() % 2 == 0 ? step : -step;
  }

  Hindrance hindrance_{""};
  // A clock put back over a restart may put an event off by an hour, so none starts with such a
  // one.
  absl::Duration most_;
};

}  // namespace

std::unique_ptr<Fault> MakeClockFault() { return std::make_unique<ClockFault>(); }

}  // namespace onhook
