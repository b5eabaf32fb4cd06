// Each backend with a gateway beside it, all on one JetStream: when one of these pairs is gone, the
// others get everything.
//
//   ONHOOK_OWNERSHIP_S=10   the setting
//   ONHOOK_FLEET_EVENTS=20000
//   ONHOOK_SEED=7
//
//   build/release/tests/crash/jetstream/jetstream_crash_test --gtest_filter='SidecarsTest.*'
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "tests/crash/jetstream/fleet_run.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::IsEmpty;
using testing::Not;

constexpr absl::Duration kLittlePatience = absl::Seconds(5);

class SidecarsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!FleetRun::Missing().empty()) GTEST_SKIP() << FleetRun::Missing();
  }

  static FleetRun::Options OptionsOf(uint64_t seed) {
    FleetRun::Options options;
    options.seed = seed;
    options.consumers = false;
    // The first backend processes nothing.
    options.modes = {"stored", "forwarded"};
    options.ownership =
        absl::Seconds(static_cast<int64_t>(FromEnvironment("ONHOOK_OWNERSHIP_S", 3)));
    return options;
  }

  // The first backend has its hands full when it is killed with its gateway.
  static bool KillOneOfTwo(FleetRun& run) {
    if (!run.Start()) return false;
    run.AddConsumer("plain", "holding", 0);
    run.AddConsumer("plain", "calm", 1);
    if (!run.WaitForPromises(static_cast<int64_t>(FromEnvironment("ONHOOK_FLEET_EVENTS", 1000)))) {
      return false;
    }
    run.KillPair(0);
    return true;
  }
};

TEST_F(SidecarsTest, WhatADeadPairHeldComesToTheOther) {
  FleetRun run(OptionsOf(SeedOfRun()));
  ASSERT_TRUE(KillOneOfTwo(run));
  const int64_t held = run.ledger().promised() - run.ledger().settled("plain");
  const absl::Duration killed = run.clock().Elapsed();
  ASSERT_TRUE(run.WaitForPromises(100));
  run.FinishLoad();
  EXPECT_TRUE(run.SettleFor(run.patience()));
  std::cout << held << " were open; all was settled "
            << absl::FormatDuration(run.clock().Elapsed() - killed) << " after the kill\n";
  run.Audit();
  ASSERT_TRUE(run.StartGateway(0));
  run.Audit();
  EXPECT_EQ(run.Findings(), "");
  std::cout << run.Summary() << std::flush;
}

// The control: gateways that have no log in common leave to nobody what they held.
TEST_F(SidecarsTest, WhatADeadPairHeldIsMissedIfItHadALogOfItsOwn) {
  FleetRun::Options options = OptionsOf(SeedOfRun());
  options.servers = 0;
  std::vector<std::string> findings;
  testing::TestPartResultArray failures;
  {
    const testing::ScopedFakeTestPartResultReporter intercept(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &failures);
    FleetRun run(options);
    if (KillOneOfTwo(run)) {
      run.FinishLoad();
      run.SettleFor(kLittlePatience);
      findings = run.ledger().Findings();
    }
  }
  EXPECT_THAT(findings, Not(IsEmpty()));
}

}  // namespace
}  // namespace onhook
