// JetStream is away for a while, under load, and the gateways have a spool: no callback is refused,
// and afterwards every event is delivered, once.
//
//   ONHOOK_OUTAGE_S=60   how long it is away
//   ONHOOK_RATE=500      callbacks each second
//   ONHOOK_SEED=7
//
//   build/release/tests/crash/jetstream/jetstream_crash_test --gtest_filter='OutageTest.*'
#include <cstdint>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/crash/jetstream/fleet_run.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

// Until a server that was killed or stopped has the others' trust again.
constexpr int64_t kBefore = 200;
// Callbacks that were opened, and may be on their way to the servers when these go away.
constexpr int64_t kPosting = 8;
// More were not under way when the servers went away: a consumer holds no more.
constexpr int64_t kInFlight = 2000;

class OutageTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!FleetRun::Missing().empty()) GTEST_SKIP() << FleetRun::Missing();
  }

  static FleetRun::Options WithSpool(bool spool) {
    FleetRun::Options options;
    options.seed = SeedOfRun();
    options.spool = spool;
    options.consumers = false;
    options.modes = {"stored"};
    options.each_second = static_cast<int64_t>(FromEnvironment("ONHOOK_RATE", 300));
    return options;
  }
  static absl::Duration OutageTime() {
    return absl::Seconds(static_cast<int64_t>(FromEnvironment("ONHOOK_OUTAGE_S", 5)));
  }

  static bool Start(FleetRun& run) {
    if (!run.Start()) return false;
    for (int i = 0; i < run.gateways(); ++i) run.AddConsumer("plain", "calm", i);
    return run.WaitForPromises(kBefore);
  }
  static int64_t Count(FleetRun& run, CallbackAnswer answer) {
    return run.ledger().replies()[static_cast<size_t>(answer)];
  }
  static int64_t NotStored(FleetRun& run) {
    return Count(run, CallbackAnswer::kNotStored) + Count(run, CallbackAnswer::kNotForwarded);
  }
  static void PauseAll(FleetRun& run) {
    for (int i = 0; i < run.cluster().size(); ++i) run.cluster().Pause(i);
  }
  static void ContinueAll(FleetRun& run) {
    for (int i = 0; i < run.cluster().size(); ++i) run.cluster().Continue(i);
  }

  // The callbacks, by their numbers, that were posted while JetStream was away.
  struct Outage {
    int64_t first = 0;
    int64_t last = 0;
  };
  // The outage is over: everything comes, and what was taken in it comes once. What had been
  // delivered before and was not confirmed may come again.
  static void ExpectEverythingOnce(FleetRun& run, Outage outage, int64_t promised_in_outage) {
    const absl::Duration back = run.clock().Elapsed();
    run.FinishLoad();
    EXPECT_TRUE(run.SettleFor(run.patience()));
    const absl::Duration took = run.clock().Elapsed() - back;
    run.Audit();
    EXPECT_EQ(run.Findings(), "");
    const CallLedger::Tally tally = run.ledger().TallyOf("plain");
    std::cout << promised_in_outage << " promised while JetStream was away; all was settled "
              << absl::FormatDuration(took) << " after it came back\n"
              << run.Summary() << std::flush;
    EXPECT_EQ(tally.received, run.ledger().promised());
    int64_t repeated = 0;
    for (int64_t number = outage.first; number <= outage.last; ++number) {
      repeated += run.ledger().deliveries("plain", number) > 1 ? 1 : 0;
    }
    EXPECT_EQ(repeated, 0) << "of " << outage.last - outage.first + 1;
    EXPECT_LE(tally.deliveries - tally.received, kInFlight);
  }
};

TEST_F(OutageTest, NothingIsRefusedWhileNoServerRunsAndAllIsDeliveredOnceAfterwards) {
  FleetRun run(WithSpool(true));
  ASSERT_TRUE(Start(run));
  const int64_t before = run.ledger().promised();
  run.cluster().KillAll();
  Outage outage{run.ledger().opened() + kPosting, 0};
  run.WaitFor(OutageTime());
  const int64_t in_outage = run.ledger().promised() - before;
  EXPECT_GT(in_outage, 0);
  outage.last = run.ledger().opened() - 1;
  ASSERT_TRUE(run.Recover());
  EXPECT_EQ(NotStored(run), 0);
  ExpectEverythingOnce(run, outage, in_outage);
}

TEST_F(OutageTest, NothingIsRefusedWhileNoServerAnswersAndAllIsDeliveredOnceAfterwards) {
  FleetRun run(WithSpool(true));
  ASSERT_TRUE(Start(run));
  const int64_t before = run.ledger().promised();
  PauseAll(run);
  Outage outage{run.ledger().opened() + kPosting, 0};
  run.WaitFor(OutageTime());
  const int64_t in_outage = run.ledger().promised() - before;
  EXPECT_GT(in_outage, 0);
  outage.last = run.ledger().opened() - 1;
  ContinueAll(run);
  ASSERT_TRUE(run.Recover());
  EXPECT_EQ(NotStored(run), 0);
  ExpectEverythingOnce(run, outage, in_outage);
}

TEST_F(OutageTest, WhatAKilledGatewayHadInItsSpoolIsDeliveredAfterItsNextStart) {
  FleetRun run(WithSpool(true));
  ASSERT_TRUE(Start(run));
  run.cluster().KillAll();
  run.WaitFor(OutageTime() / 2);
  run.KillGateway(0);
  ASSERT_TRUE(run.StartGateway(0)) << "a gateway with a spool does not start without JetStream";
  run.WaitFor(OutageTime() / 2);
  ASSERT_TRUE(run.Recover());
  run.FinishLoad();
  EXPECT_TRUE(run.SettleFor(run.patience()));
  run.Audit();
  EXPECT_EQ(run.Findings(), "");
  EXPECT_EQ(NotStored(run), 0);
  std::cout << run.Summary() << std::flush;
}

// The control: what the above counts is there to be counted.
TEST_F(OutageTest, WithoutASpoolCallbacksAreRefused) {
  FleetRun run(WithSpool(false));
  ASSERT_TRUE(Start(run));
  run.cluster().KillAll();
  run.WaitFor(OutageTime());
  ASSERT_TRUE(run.Recover());
  EXPECT_GT(NotStored(run), 0);
}

}  // namespace
}  // namespace onhook
