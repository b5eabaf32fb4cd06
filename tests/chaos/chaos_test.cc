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
#include "tests/chaos/gateway_life.h"
#include "tests/crash/callback_load.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::MatchesRegex;

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
  std::cout << run.Summary();
  std::cout << run.RedriveAll() << " dead letters redriven" << std::endl;
  EXPECT_THAT(run.ledger().Findings(), IsEmpty());
}

// The test above is worth what these two say: a gateway that repeats or loses is noticed.
TEST(ChaosControlTest, ASubscriptionThatIsSentBackIsNoticed) {
  ChaosRun run(SeedOfRun());
  ASSERT_TRUE(run.Start());
  ASSERT_TRUE(run.Round(300));
  run.SendBack("steady");
  run.Calm();
  EXPECT_THAT(run.ledger().Findings(/*most=*/100'000),
              Contains(MatchesRegex("steady received .* again after its settling was confirmed")));
}

TEST(ChaosControlTest, AnEventThatIsPassedOverIsNoticed) {
  GatewayLife life("passed-over");
  ASSERT_TRUE(life.Start());
  v1::SubscriptionSpec spec;
  spec.mutable_unlimited_delivery_attempts();
  life.CreateSubscription("crm", spec, {});
  const auto consumer =
      life.StartConsumer({"crm", "consumer", "1", "nacking", life.ledger().CallSerialNo(0)});
  CallbackLoad load(&life.address(), &life.ledger(), /*connections=*/1, /*callbacks=*/10);
  EXPECT_TRUE(life.ledger().WaitUntilPromised(10, GatewayLife::kPatience));
  if (!load.Finish(GatewayLife::kPatience)) life.GiveUp();
  EXPECT_TRUE(life.ledger().WaitUntilSettled(9, GatewayLife::kPatience));
  life.Seek("crm", v1::START_POSITION_LATEST);
  EXPECT_TRUE(life.WaitUntilDrained("crm"));
  EXPECT_THAT(life.ledger().Findings(), Contains("crm never settled passed-over-0"));
}

}  // namespace
}  // namespace onhook
