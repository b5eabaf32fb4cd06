// A subscriber that is gone without a word, as when a cable is cut: nothing ends its connection, so
// the gateway has to find out by itself.
#include <optional>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/callback_load.h"
#include "tests/crash/gateway_address.h"
#include "tests/crash/recording_subscriber.h"
#include "tests/support/chaos_proxy.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
// Beyond any patience: it is not what gives the events back.
constexpr absl::Duration kAckDeadline = absl::Minutes(10);
constexpr int64_t kCallbacks = 10;

TEST(HalfOpenTest, WhatASilentlyLostSubscriberHeldGoesToAnotherLongBeforeItsDeadline) {
  const TemporaryDirectory directory;
  CallLedger ledger("half-open");
  ChaosProxy proxy(/*seed=*/7);
  GatewayAddress near;
  GatewayAddress far;
  OnhookdProcess::Options options;
  options.store_directory = directory.path() + "/store";
  std::optional<OnhookdProcess> gateway(options);
  ASSERT_TRUE(gateway->WaitUntilListening(kPatience)) << gateway->log();
  proxy.LeadTo(gateway->grpc_port());
  near.Publish(gateway->http_port(), gateway->grpc_port());
  far.Publish(gateway->http_port(), proxy.port());

  using Mode = RecordingSubscriber::Mode;
  const RecordingSubscriber::Options terms{{}, kAckDeadline};
  RecordingSubscriber lost("crm", Mode::kAckNothing, 1, &far, &ledger, terms);
  CallbackLoad load(&near, &ledger, /*connections=*/1, kCallbacks);
  // Answered "0", so it was written to the only one there is.
  EXPECT_TRUE(ledger.WaitUntilPromised(kCallbacks, kPatience));
  EXPECT_TRUE(load.Finish(kPatience));
  for (const auto direction : {ChaosProxy::kToServer, ChaosProxy::kToClient}) {
    proxy.SetWeather(direction, {absl::ZeroDuration(), 0, /*vanishes=*/true}, 100);
  }
  RecordingSubscriber other("crm", Mode::kAckAll, 2, &near, &ledger, terms);
  EXPECT_TRUE(ledger.WaitUntilSettled(kPatience)) << gateway->log();
  EXPECT_THAT(ledger.Findings(), testing::IsEmpty());
  EXPECT_GT(proxy.tally().vanished, 0);
  near.Close();
  far.Close();
  gateway.reset();
}

}  // namespace
}  // namespace onhook
