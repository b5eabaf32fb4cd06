// What the system does to a gateway under load: calls that fail, and a clock that is set.
//
//   ONHOOK_ROUNDS=200 build/release/tests/crash/crash_test --gtest_filter='SystemFaultTest.*'
#include <iostream>
#include <memory>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/clock_fault.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/run_parameters.h"
#include "tests/crash/syscall_fault.h"

namespace onhook {
namespace {

using testing::IsEmpty;

void StrikeAndSettle(std::vector<std::unique_ptr<Fault>> faults) {
  if (!faults[0]->Missing().empty()) GTEST_SKIP() << "needs " << faults[0]->Missing();
  CrashRun run(SeedOfRun(), /*connections=*/8);
  for (std::unique_ptr<Fault>& fault : faults) run.Add(std::move(fault));
  ASSERT_TRUE(run.Start());
  const auto rounds = static_cast<int64_t>(FromEnvironment("ONHOOK_ROUNDS", 5));
  ASSERT_TRUE(run.Rounds(rounds, absl::Milliseconds(100)));
  run.FinishLoad();
  ASSERT_TRUE(run.Start());
  run.SettleEverything();
  EXPECT_THAT(run.ledger().Findings(), IsEmpty());
  std::cout << rounds << " strikes, " << run.kills() << " kills, " << run.ledger().opened()
            << " callbacks" << std::endl;
}

TEST(SystemFaultTest, CallsThatFailCostNothing) {
  std::vector<std::unique_ptr<Fault>> faults;
  faults.push_back(MakeSyscallFault());
  StrikeAndSettle(std::move(faults));
}

TEST(SystemFaultTest, AClockThatIsSetCostsNothing) {
  std::vector<std::unique_ptr<Fault>> faults;
  faults.push_back(MakeClockFault());
  StrikeAndSettle(std::move(faults));
}

}  // namespace
}  // namespace onhook
