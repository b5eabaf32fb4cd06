// Servers that sync before they acknowledge, whose power is cut: what was answered with retCode "0"
// is delivered until it is acknowledged, and never again then. Servers that sync every two minutes,
// as is their default, lose it: that the check finds this is what it is worth.
//
//   ONHOOK_ROUNDS=200     cuts of each run
//   ONHOOK_ROUND_MS=400   up to so long the fleet works between two cuts
//   ONHOOK_DISK_MIB=1024  of each server
//   ONHOOK_SEED=7         the same cuts again
//
//   build/release/tests/crash/jetstream/jetstream_crash_test --gtest_filter='ServerPowerCutTest.*'
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "tests/crash/jetstream/fleet_run.h"
#include "tests/crash/jetstream/server_disks.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

// What does not come within this from what is wrong does not come.
constexpr absl::Duration kLittlePatience = absl::Seconds(10);
constexpr size_t kMostFindings = 1'000'000;
// A control that so many cuts do not catch is not caught.
constexpr int kMostCuts = 5;

FleetRun::Options OptionsOf(uint64_t seed, int servers, bool sync_always) {
  FleetRun::Options options;
  options.seed = seed;
  options.servers = servers;
  options.sync_always = sync_always;
  options.ownership = absl::Seconds(static_cast<int64_t>(FromEnvironment("ONHOOK_OWNERSHIP_S", 3)));
  return options;
}

std::vector<int> All(int servers) {
  std::vector<int> all(static_cast<size_t>(servers));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

absl::Duration RoundTime() {
  return absl::Milliseconds(static_cast<int64_t>(FromEnvironment("ONHOOK_ROUND_MS", 400)));
}

class ServerPowerCutTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!ServerDisks::Missing().empty()) GTEST_SKIP() << ServerDisks::Missing();
  }

  static void CutAndSettle(int servers, bool all_at_once, uint64_t rounds) {
    const uint64_t seed = SeedOfRun();
    ServerDisks disks(servers, seed);
    FleetRun run(OptionsOf(seed, servers, /*sync_always=*/true));
    disks.Give(run.cluster());
    ASSERT_TRUE(run.Start());
    for (uint64_t round = 0; round < rounds; ++round) {
      ASSERT_TRUE(run.Recover());
      run.WaitFor(run.RandomBelow(RoundTime()));
      const int server = run.Below(servers);
      std::cout << "cut " << round << " of " << (all_at_once ? "all" : std::to_string(server))
                << ", " << run.ledger().promised() << " promised" << std::endl;
      disks.CutPower(run.cluster(), all_at_once ? All(servers) : std::vector<int>{server});
      if (run.Below(2) == 0) run.WaitFor(run.RandomBelow(RoundTime()));
    }
    ASSERT_TRUE(run.Recover());
    run.FinishLoad();
    EXPECT_TRUE(run.Drain());
    run.EnterDeadLetters();
    EXPECT_TRUE(run.SettleFor(run.patience()));
    run.Audit();
    run.SettleEverything();
    run.Audit();
    EXPECT_EQ(run.Findings(), "");
    std::cout << rounds << " cuts; " << run.Summary() << std::flush;
  }
};

TEST_F(ServerPowerCutTest, NothingIsLostWhenOneServerOfThreeIsCutAtATime) {
  CutAndSettle(/*servers=*/3, /*all_at_once=*/false, FromEnvironment("ONHOOK_ROUNDS", 1));
}

TEST_F(ServerPowerCutTest, NothingIsLostWhenAllThreeAreCutAtOnce) {
  CutAndSettle(/*servers=*/3, /*all_at_once=*/true, FromEnvironment("ONHOOK_ROUNDS", 1));
}

TEST_F(ServerPowerCutTest, NothingIsLostWhenTheOnlyServerIsCut) {
  CutAndSettle(/*servers=*/1, /*all_at_once=*/true, FromEnvironment("ONHOOK_ROUNDS", 3));
}

// --- the controls

class ServerPowerCutControlTest : public ServerPowerCutTest {
 protected:
  static void ExpectLossOfEvents(int servers) {
    const uint64_t seed = SeedOfRun();
    for (int cut = 1; cut <= kMostCuts; ++cut) {
      const std::vector<std::string> findings =
          FindingsAfterACut(servers, seed + static_cast<uint64_t>(cut) - 1);
      const int64_t lost = std::count_if(
          findings.begin(), findings.end(),
          [](const std::string& each) { return absl::StrContains(each, "the log lacks"); });
      if (lost == 0) continue;
      std::cout << "after " << cut << " cuts the log lacks " << lost << " events that were answered"
                << std::endl;
      return;
    }
    ADD_FAILURE() << "nothing was lost by " << kMostCuts << " cuts";
  }

 private:
  static std::vector<std::string> FindingsAfterACut(int servers, uint64_t seed) {
    testing::TestPartResultArray failures;
    const testing::ScopedFakeTestPartResultReporter intercept(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &failures);
    ServerDisks disks(servers, seed);
    FleetRun run(OptionsOf(seed, servers, /*sync_always=*/false));
    disks.Give(run.cluster());
    if (!run.Start() || !run.WaitForPromises(100)) return {};
    // So that it is events that are lost, and not that there were streams.
    disks.SyncAll();
    run.WaitForPromises(500);
    disks.CutPower(run.cluster(), All(servers));
    run.SetPatience(kLittlePatience);
    run.Recover();
    run.FinishLoad();
    run.SettleFor(kLittlePatience);
    run.Audit();
    return run.ledger().Findings(kMostFindings);
  }
};

TEST_F(ServerPowerCutControlTest, TheOnlyServerLosesEventsUnlessItSyncsAlways) {
  ExpectLossOfEvents(/*servers=*/1);
}

TEST_F(ServerPowerCutControlTest, ThreeServersCutAtOnceLoseEventsUnlessTheySyncAlways) {
  ExpectLossOfEvents(/*servers=*/3);
}

}  // namespace
}  // namespace onhook
