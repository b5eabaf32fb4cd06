#include "tests/crash/stop_faults.h"

#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

absl::Duration Longest() {
  return absl::Milliseconds(static_cast<int64_t>(FromEnvironment("ONHOOK_STOP_MS", 600)));
}

// Lets it pass; the gateway stays.
void Wait(CrashRun& run, absl::Duration duration) {
  const std::optional<ProcessEnd> end = run.RunsFor(duration);
  EXPECT_FALSE(end.has_value()) << *end << "\n" << run.gateway().log();
}

class StopGatewayFault final : public Fault {
 public:
  absl::string_view name() const override { return "stop_gateway"; }
  void Strike(CrashRun& run) override {
    ASSERT_EQ(kill(run.gateway().pid(), SIGSTOP), 0);
    Wait(run, run.RandomBelow(Longest()));
    EXPECT_EQ(kill(run.gateway().pid(), SIGCONT), 0);
  }
};

class StopSubscriberFault final : public Fault {
 public:
  absl::string_view name() const override { return "stop_subscriber"; }
  void Strike(CrashRun& run) override {
    const uint64_t dice = run.random()();
    const bool stops_acking = dice % 3 != 0;
    const bool stops_holding = dice % 3 != 1;
    if (stops_acking) run.acking().Stop();
    if (stops_holding) run.holding().Stop();
    Wait(run, run.RandomBelow(Longest()));
    if (dice / 3 % 4 == 0) run.Kill();
    if (stops_acking) run.acking().Continue();
    if (stops_holding) run.holding().Continue();
  }
};

class StopVendorFault final : public Fault {
 public:
  absl::string_view name() const override { return "stop_vendor"; }
  void Strike(CrashRun& run) override {
    run.vendor().Stop();
    Wait(run, run.RandomBelow(Longest()));
    run.vendor().Continue();
  }
};

}  // namespace

std::unique_ptr<Fault> MakeStopGatewayFault() { return std::make_unique<StopGatewayFault>(); }
std::unique_ptr<Fault> MakeStopSubscriberFault() { return std::make_unique<StopSubscriberFault>(); }
std::unique_ptr<Fault> MakeStopVendorFault() { return std::make_unique<StopVendorFault>(); }

}  // namespace onhook
