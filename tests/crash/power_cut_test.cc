// What it is worth that power cuts find nothing wrong with the gateway: gateways that are wrong on
// purpose are caught by them.
//
//   ONHOOK_SEED=7 build/release/tests/crash/disk_test --gtest_filter='PowerCutControlTest.*'
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "tests/controls/control_program.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/fault.h"
#include "tests/crash/fault_of_program.h"
#include "tests/crash/power_cut_fault.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::IsEmpty;

constexpr int64_t kStrikes = 4;  // of one run
// A control that so many runs do not catch is not caught.
constexpr int kMostRuns = 20;
// What does not come within this from a wrong program does not come.
constexpr absl::Duration kLittlePatience = absl::Seconds(5);

// What the ledger finds after some strikes, and whatever else did not go as it must: who loses what
// was not synced may not even find a store again.
std::vector<std::string> WrongAfterStrikes(std::unique_ptr<Fault> fault, const std::string& program,
                                           uint64_t seed) {
  std::vector<std::string> wrong;
  testing::TestPartResultArray failures;
  {
    const testing::ScopedFakeTestPartResultReporter intercept(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &failures);
    CrashRun run(seed, /*connections=*/8);
    if (!program.empty()) run.SetPatience(kLittlePatience);
    run.Add(std::make_unique<FaultOfProgram>(std::move(fault), program));
    bool up = run.Start();
    for (int64_t strike = 0; strike < kStrikes && up && failures.size() == 0; ++strike) {
      up = run.Rounds(1, absl::Milliseconds(200));
    }
    if (up && failures.size() == 0) {
      run.FinishLoad();
      if (run.Start()) run.SettleFor(run.patience());
    }
    wrong = run.ledger().Findings();
  }
  for (int i = 0; i < failures.size(); ++i) {
    wrong.emplace_back(failures.GetTestPartResult(i).message());
  }
  return wrong;
}

using FaultMaker = std::unique_ptr<Fault> (*)();

// Expects that nothing is wrong with the right program by this fault, and that something is with
// the control after some runs; says after how many.
void ExpectCaught(const std::string& control, FaultMaker fault) {
  if (const std::string missing = fault()->Missing(); !missing.empty()) GTEST_SKIP() << missing;
  const uint64_t seed = SeedOfRun();
  EXPECT_THAT(WrongAfterStrikes(fault(), "", seed), IsEmpty());
  for (int runs = 1; runs <= kMostRuns; ++runs) {
    const std::vector<std::string> wrong =
        WrongAfterStrikes(fault(), ControlProgram(control), seed + static_cast<uint64_t>(runs) - 1);
    if (wrong.empty()) continue;
    std::cout << control << ": caught after " << runs * kStrikes << " strikes of "
              << fault()->name() << ": " << wrong.front().substr(0, 300) << std::endl;
    return;
  }
  ADD_FAILURE() << control << " was not caught by " << kMostRuns * kStrikes << " strikes of "
                << fault()->name();
}

TEST(PowerCutControlTest, CommitsThatAreNotSyncedAreCaught) {
  ExpectCaught("synchronous_off", MakePowerCutFault);
}

TEST(PowerCutControlTest, AnAnswerBeforeTheCommitIsCaught) {
  ExpectCaught("ack_before_commit", MakePowerCutFault);
}

TEST(PowerCutControlTest, AStartThatBelievesWhatAFailedSyncLeftInMemoryIsCaught) {
  ExpectCaught("pages_believed", MakeFailedSyncFault);
}

TEST(PowerCutControlTest, AStartThatAlsoChecksNothingIntoTheDatabaseIsCaught) {
  ExpectCaught("nothing_synced_at_start", MakeFailedSyncFault);
}

}  // namespace
}  // namespace onhook
