// The one sentence that the gateway stands on, held against consumers that do everything they may,
// and are killed and stopped besides.
//
//   ONHOOK_CHAOS_EVENTS=200000 ONHOOK_SEED=7 build/release/tests/chaos/chaos_test
//       --gtest_filter='ChaosTest.*'
#include <algorithm>
#include <iostream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/chaos/chaos_run.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::IsEmpty;

// So many callbacks for each kill of the gateway.
constexpr uint64_t kCallbacksEachRound = 2000;
constexpr uint64_t kFewestRounds = 8;

TEST(ChaosTest, WhateverConsumersDoEveryEventIsSettledOrParkedAndNoneComesAfterItsAck) {
  const uint64_t events = FromEnvironment("ONHOOK_CHAOS_EVENTS", 3000);
  const uint64_t rounds = std::max(kFewestRounds, events / kCallbacksEachRound);
  ChaosRun run(SeedOfRun());
  ASSERT_TRUE(run.Start());
  for (uint64_t round = 0; round < rounds; ++round) {
    ASSERT_TRUE(run.Round(static_cast<int64_t>(events / rounds)));
  }
  run.Calm();
  ASSERT_THAT(run.ledger().Findings(), IsEmpty());
  std::cout << run.Summary() << std::flush;
  run.RedriveAll();
  EXPECT_THAT(run.ledger().Findings(), IsEmpty());
}

}  // namespace
}  // namespace onhook
