// Every fault there is, one at a time and all together: what was answered with retCode "0" is
// delivered until it is acknowledged, whatever happens in between.
//
//   ONHOOK_ROUNDS=1000 ONHOOK_SEED=7 build/release/tests/crash/crash_test
//   --gtest_filter='FaultTest.*'
#include <csignal>
#include <iostream>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/fault.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::IsEmpty;

// kill -9, and one time in four again before or while the next one recovers.
class KillFault final : public Fault {
 public:
  absl::string_view name() const override { return "kill"; }
  void Strike(CrashRun& run) override {
    run.Kill();
    run.KillSomeStarts();
  }
};

TEST(FaultTest, Kill) {
  CrashRun run(SeedOfRun(), /*connections=*/8);
  run.Add(std::make_unique<KillFault>());
  ASSERT_TRUE(run.Start());
  ASSERT_TRUE(run.Rounds(static_cast<int64_t>(FromEnvironment("ONHOOK_ROUNDS", 5)),
                         absl::Milliseconds(400)));
  run.FinishLoad();
  ASSERT_TRUE(run.Start());
  run.SettleEverything();
  EXPECT_THAT(run.ledger().Findings(), IsEmpty());
  std::cout << run.kills() << " kills, " << run.ledger().opened() << " callbacks" << std::endl;
}

}  // namespace
}  // namespace onhook
