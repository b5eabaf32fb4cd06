// A fleet of gateways on one JetStream: what was answered with retCode "0" is delivered until it is
// acknowledged, and never again then, whichever of the gateways and servers fails, whichever of the
// gateways is posted to.
//
//   ONHOOK_FLEET_EVENTS=200000   callbacks at least
//   ONHOOK_ROUNDS=60             strikes at least, in turn
//   ONHOOK_FLEET_FAULTS=kill_server,cut_gateway   these only; unset: all but kill_all_servers
//   ONHOOK_LONGEST_MS=15000      up to so long a fault lasts
//   ONHOOK_ROUND_MS=400          up to so long there is rest before the next one
//   ONHOOK_OWNERSHIP_S=10        the setting
//   ONHOOK_SEED=7                the same strikes again
//
//   TMPDIR=/dev/shm build/release/tests/crash/jetstream/jetstream_crash_test
//       --gtest_filter='FleetLedgerTest.*'
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "tests/crash/jetstream/fleet_faults.h"
#include "tests/crash/jetstream/fleet_run.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// What does not come within this from what is wrong does not come.
constexpr absl::Duration kLittlePatience = absl::Seconds(5);
constexpr size_t kMostFindings = 1'000'000;

absl::Duration Milliseconds(const char* name, uint64_t otherwise) {
  return absl::Milliseconds(static_cast<int64_t>(FromEnvironment(name, otherwise)));
}

FleetRun::Options OptionsOf(uint64_t seed) {
  FleetRun::Options options;
  options.seed = seed;
  options.ownership = absl::Seconds(static_cast<int64_t>(FromEnvironment("ONHOOK_OWNERSHIP_S", 3)));
  return options;
}

// Strikes in turn, each turn in another order, until there were enough strikes and callbacks.
std::map<std::string, int> StrikeInTurn(FleetRun& run, std::vector<FleetFault> faults,
                                        uint64_t rounds, int64_t events) {
  const absl::Duration longest = Milliseconds("ONHOOK_LONGEST_MS", 1000);
  const absl::Duration rest = Milliseconds("ONHOOK_ROUND_MS", 400);
  std::map<std::string, int> strikes;
  for (uint64_t round = 0; round < rounds || run.ledger().promised() < events; ++round) {
    const size_t turn = round % faults.size();
    if (turn == 0) std::shuffle(faults.begin(), faults.end(), run.random());
    run.WaitFor(run.RandomBelow(rest));
    std::cout << absl::FormatDuration(absl::Trunc(run.clock().Elapsed(), absl::Milliseconds(1)))
              << " " << faults[turn].name << ", " << run.ledger().promised() << " promised"
              << std::endl;
    faults[turn].strike(run, longest);
    ++strikes[faults[turn].name];
    if (!run.Recover() || testing::Test::HasFailure()) break;
  }
  return strikes;
}

void StrikeAndSettle(const std::vector<FleetFault>& faults, uint64_t rounds, int64_t events) {
  if (!FleetRun::Missing().empty()) GTEST_SKIP() << FleetRun::Missing();
  FleetRun run(OptionsOf(SeedOfRun()));
  ASSERT_TRUE(run.Start());
  const std::map<std::string, int> strikes = StrikeInTurn(run, faults, rounds, events);
  run.FinishLoad();
  EXPECT_TRUE(run.Drain());
  run.EnterDeadLetters();
  EXPECT_TRUE(run.SettleFor(run.patience()));
  run.Audit();
  run.SettleEverything();
  run.Audit();
  EXPECT_EQ(run.Findings(), "");
  for (const auto& [name, count] : strikes) std::cout << name << ": " << count << "\n";
  std::cout << run.Summary() << std::flush;
}

TEST(FleetLedgerTest, NothingIsLostOrComesAgainWhileServersAndGatewaysFailInTurn) {
  StrikeAndSettle(FleetFaultsNamed(WordsFromEnvironment("ONHOOK_FLEET_FAULTS")),
                  FromEnvironment("ONHOOK_ROUNDS", 3),
                  static_cast<int64_t>(FromEnvironment("ONHOOK_FLEET_EVENTS", 1000)));
}

TEST(FleetLedgerTest, NothingIsLostOrComesAgainWhenAllServersAreKilledAtOnce) {
  StrikeAndSettle(FleetFaultsNamed({"kill_all_servers"}), FromEnvironment("ONHOOK_ROUNDS", 2), 0);
}

// --- what it is worth that the above find nothing

class FleetLedgerControlTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!FleetRun::Missing().empty()) GTEST_SKIP() << FleetRun::Missing();
  }

  // What the books say after this, whatever else fails.
  template <typename Harm>
  static std::vector<std::string> FindingsAfter(const FleetRun::Options& options, Harm harm) {
    std::vector<std::string> findings;
    testing::TestPartResultArray failures;
    {
      const testing::ScopedFakeTestPartResultReporter intercept(
          testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &failures);
      FleetRun run(options);
      run.SetPatience(absl::Seconds(30));
      if (run.Start() && run.WaitForPromises(500)) {
        run.SetPatience(kLittlePatience);
        harm(run);
        run.FinishLoad();
        run.SettleFor(kLittlePatience);
        run.EnterDeadLetters();
        run.Audit();
        findings = run.ledger().Findings(kMostFindings);
      } else {
        findings = {"it did not come to any harm"};
      }
    }
    return findings;
  }
};

// Each keeps a store of its own, so what is repeated to the other one is another event there.
TEST_F(FleetLedgerControlTest, GatewaysThatHaveNoLogInCommonAreNoticed) {
  FleetRun::Options options = OptionsOf(SeedOfRun());
  options.servers = 0;
  const std::vector<std::string> findings = FindingsAfter(options, [](FleetRun&) {});
  EXPECT_THAT(findings, Contains(HasSubstr("from a second place in the log")));
  EXPECT_THAT(findings, Contains(HasSubstr("the log lacks")));
}

TEST_F(FleetLedgerControlTest, EventsThatAnOperatorDeletesAreNoticed) {
  const std::vector<std::string> findings = FindingsAfter(
      OptionsOf(SeedOfRun()),
      [](FleetRun& run) { run.cluster().Ask("$JS.API.STREAM.PURGE.ONHOOK", R"({"keep":10})"); });
  EXPECT_THAT(findings, Contains(HasSubstr("the log lacks")));
}

TEST_F(FleetLedgerControlTest, AJournalThatAnOperatorDeletesIsNoticed) {
  const std::vector<std::string> findings =
      FindingsAfter(OptionsOf(SeedOfRun()), [](FleetRun& run) {
        run.cluster().Ask("$JS.API.STREAM.PURGE.ONHOOK_STATE");
        for (int i = 0; i < run.gateways(); ++i) run.KillGateway(i);
        run.Recover();
      });
  EXPECT_THAT(findings, Not(IsEmpty()));
}

}  // namespace
}  // namespace onhook
