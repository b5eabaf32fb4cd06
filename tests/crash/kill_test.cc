// The one sentence that the gateway stands on, held against the real program: what it answered with
// retCode "0" is delivered until it is acknowledged, whatever is killed in between.
//
//   ONHOOK_KILLS=50 ONHOOK_SEED=7 build/dev/tests/crash/crash_test --gtest_filter='KillTest.*'
#include <iostream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

void Say(const CrashRun& run) {
  std::cout << run.kills() << " kills, " << run.ledger().opened() << " callbacks, "
            << run.unanswered() << " times without an answer" << std::endl;
}

TEST(KillTest, WhatWasAcceptedIsDeliveredAndWhatWasAcknowledgedStaysSo) {
  const uint64_t kills = FromEnvironment("ONHOOK_KILLS", 5);
  CrashRun run(SeedOfRun(), /*connections=*/8);
  ASSERT_TRUE(run.Start());
  while (static_cast<uint64_t>(run.kills()) < kills) {
    run.WorkFor(absl::Milliseconds(400));
    run.Kill();
    run.KillSomeStarts();
    ASSERT_TRUE(run.Start());
  }
  run.FinishLoad();
  ASSERT_TRUE(run.Start());
  run.SettleEverything();
  EXPECT_THAT(run.ledger().Findings(), IsEmpty());
  Say(run);
}

TEST(KillTest, WhatIsSignedIsAcceptedOnceAndNoAlteredCopyOfItWhateverIsKilled) {
  const uint64_t kills = FromEnvironment("ONHOOK_KILLS", 5);
  CrashRun run(SeedOfRun(), /*connections=*/8, "a key of 16 characters");
  ASSERT_TRUE(run.Start());
  while (static_cast<uint64_t>(run.kills()) < kills) {
    run.WorkFor(absl::Milliseconds(400));
    run.Kill();
    ASSERT_TRUE(run.Start());
  }
  run.FinishLoad();
  ASSERT_TRUE(run.Start());
  run.SettleEverything();
  EXPECT_THAT(run.ledger().Findings(), IsEmpty());
  EXPECT_GT(run.altered().refused, 0);
  EXPECT_EQ(run.altered().others, 0);
  Say(run);
  std::cout << run.altered().refused << " altered copies" << std::endl;
}

TEST(KillTest, ATerminationUnderLoadEndsWellAndLosesNothing) {
  CrashRun run(SeedOfRun(), /*connections=*/8);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(run.Start());
    run.WorkFor(absl::Milliseconds(200));
    run.Terminate();
  }
  ASSERT_TRUE(run.Start());
  run.FinishLoad();
  ASSERT_TRUE(run.Start());
  run.SettleEverything();
  EXPECT_THAT(run.ledger().Findings(), IsEmpty());
  Say(run);
}

// The control of the one above: a gateway that lets altered copies in is noticed, twice.
TEST(KillTest, AnAlteredCopyThatIsLetInIsNoticed) {
  CrashRun run(SeedOfRun(), /*connections=*/8, "a key of 16 characters", "report");
  ASSERT_TRUE(run.Start());
  run.WorkFor(absl::Milliseconds(50));
  run.FinishLoad();
  ASSERT_TRUE(run.Start());
  run.SettleOneMore();
  EXPECT_GT(run.altered().others, 0);
  EXPECT_THAT(run.ledger().Findings(), Not(IsEmpty()));
}

// What finds nothing lost is worth what this one says: a store that loses its last commits is
// noticed.
TEST(KillTest, ALostWriteAheadLogIsNoticed) {
  CrashRun run(SeedOfRun(), /*connections=*/8);
  ASSERT_TRUE(run.Start());
  run.WorkFor(absl::Milliseconds(50));
  run.FinishLoad();
  run.LoseWriteAheadLog();
  run.AcceptLoss();
  ASSERT_TRUE(run.Start());
  run.SettleOneMore();
  run.Audit();
  const std::vector<std::string> findings = run.ledger().Findings(/*most=*/100'000);
  EXPECT_THAT(findings, Contains(HasSubstr("holding never")));
  EXPECT_THAT(findings, Contains(HasSubstr("the log lacks")));
  Say(run);
}

}  // namespace
}  // namespace onhook
