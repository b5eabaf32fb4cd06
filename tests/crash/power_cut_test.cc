// What was answered with retCode "0" is there after a power cut, and what was acknowledged does not
// come again.
//
//   ONHOOK_ROUNDS=1000 ONHOOK_SEED=7 build/release/tests/crash/power_test
//   --gtest_filter='PowerCutTest.*'
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/power_cut_fault.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::IsEmpty;

// Beside the usual ones.
std::string MountOptions() {
  const char* options = std::getenv("ONHOOK_MOUNT_OPTIONS");
  return options == nullptr ? "" : options;
}

// So many power cuts under load, then everything is settled and the books are read.
void BalancesAfter(std::unique_ptr<Fault> fault, uint64_t usual_rounds) {
  if (const std::string missing = fault->Missing(); !missing.empty()) GTEST_SKIP() << missing;
  CrashRun run(SeedOfRun(), /*connections=*/8);
  const std::string name(fault->name());
  run.Add(std::move(fault));
  const uint64_t rounds = FromEnvironment("ONHOOK_ROUNDS", usual_rounds);
  ASSERT_TRUE(run.Start());
  ASSERT_TRUE(run.Rounds(static_cast<int64_t>(rounds), absl::Milliseconds(200)));
  run.FinishLoad();
  ASSERT_TRUE(run.Start());
  run.SettleEverything();
  EXPECT_THAT(run.ledger().Findings(), IsEmpty());
  std::cout << name << ": " << rounds << " power cuts, " << run.ledger().promised()
            << " callbacks promised, " << run.unanswered() << " times without an answer"
            << std::endl;
}

TEST(PowerCutTest, WhatWasAcceptedOutlivesItAndWhatWasAcknowledgedDoesNotComeAgain) {
  BalancesAfter(std::make_unique<PowerCutFault>(MountOptions()), 5);
}

TEST(PowerCutTest, ARepeatThatIsAcceptedAfterAKillInASyncOutlivesIt) {
  BalancesAfter(std::make_unique<KillInSyncFault>(MountOptions()), 3);
}

TEST(PowerCutTest, ARepeatThatIsAcceptedAfterAFailedSyncOutlivesIt) {
  BalancesAfter(std::make_unique<FailedSyncFault>(MountOptions()), 3);
}

}  // namespace
}  // namespace onhook
