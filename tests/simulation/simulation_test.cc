#include "tests/simulation/simulation.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "tests/crash/run_parameters.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

constexpr uint64_t kSeedsInShort = 300;

// More with ONHOOK_SEEDS; others than a run before with each run, the same with ONHOOK_SEED.
TEST(SimulationTest, NothingThatIsPromisedIsLostWhateverHappens) {
  const TemporaryDirectory directory;
  const uint64_t first = SeedOfRun() % 1'000'000'000;
  const uint64_t count = FromEnvironment("ONHOOK_SEEDS", kSeedsInShort);
  int64_t promises = 0;
  int64_t power_cuts = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const Simulation::Result result = Simulation::Run(seed, directory.path(), /*print=*/false);
    promises += result.promises;
    power_cuts += result.power_cuts;
    ASSERT_TRUE(result.findings.empty())
        << absl::StrJoin(result.findings, "\n")
        << "\nto see it again: build/<preset>/tests/simulation/simulation " << seed << " --trace";
  }
  std::cout << count << " seeds from " << first << " on: " << promises << " promises, "
            << power_cuts << " power cuts\n";
  EXPECT_GT(promises, 0);
  EXPECT_GT(power_cuts, 0);
}

TEST(SimulationTest, ASeedDoesTheSameAgain) {
  const TemporaryDirectory directory;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const uint64_t hash = Simulation::Run(seed, directory.path(), /*print=*/false).trace_hash;
    EXPECT_EQ(Simulation::Run(seed, directory.path(), false).trace_hash, hash) << "seed " << seed;
  }
}

std::string OutputOf(const std::string& program, uint64_t first, uint64_t count, int exit_code) {
  ChildProcess child({absl::StrCat(ONHOOK_SIMULATIONS_DIR, "/", program), absl::StrCat(first),
                      absl::StrCat(count)});
  const std::optional<ProcessEnd> end = child.Wait(absl::Minutes(2));
  EXPECT_TRUE(end.has_value() && end->exit_code == exit_code) << child.output();
  return child.output();
}

// Where addresses, and so the orders of hash tables, are others.
TEST(SimulationTest, ASeedDoesTheSameInAnotherProcess) {
  const TemporaryDirectory directory;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const uint64_t hash = Simulation::Run(seed, directory.path(), /*print=*/false).trace_hash;
    EXPECT_NE(OutputOf("simulation", seed, 1, 0).find(absl::StrCat("trace hash ", hash)),
              std::string::npos)
        << "seed " << seed;
  }
}

#ifdef ONHOOK_SIMULATED_CONTROLS

// Stores that are wrong on purpose: CMakeLists.txt says how. Found within so many seeds.
constexpr uint64_t kSeedsForControls = 3000;

class SimulationControlTest : public ::testing::TestWithParam<const char*> {};

TEST_P(SimulationControlTest, AWrongStoreIsFound) {
  const std::string output =
      OutputOf(absl::StrCat("simulation_", GetParam()), 1, kSeedsForControls, 1);
  EXPECT_NE(output.find("found by seed"), std::string::npos) << output;
  std::cout << GetParam() << ": " << output;
}

INSTANTIATE_TEST_SUITE_P(Controls, SimulationControlTest,
                         ::testing::Values("ack_before_commit", "attempts_forgotten",
                                           "checksum_ignored", "credit_ignored",
                                           "dead_letter_dropped", "debts_removed",
                                           "dedup_outside_transaction", "failed_ack_confirmed",
                                           "floor_at_delivery", "floor_before_commit",
                                           "nonce_forgotten", "nothing_synced_at_start",
                                           "rest_by_the_clock", "synchronous_off"),
                         [](const auto& info) { return std::string(info.param); });

#endif

}  // namespace
}  // namespace onhook
