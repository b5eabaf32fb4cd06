#include "gateway/delivery/call_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "gateway/delivery/rpc_rules.h"
#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

constexpr absl::string_view kWatch = "/onhook.v1.ReleaseEventService/Watch";
constexpr absl::string_view kHealth = "/grpc.health.v1.Health/Check";
constexpr absl::string_view kUnknown = "/onhook.v1.ReleaseEventService/Steal";

class CallGateTest : public testing::Test {
 protected:
  // Knows the token "good" as `identity`, null being anybody.
  static absl::StatusOr<Caller> Identify(std::shared_ptr<const Settings::Identity> identity,
                                         const PeerCredentials& shown) {
    if (identity == nullptr) return Caller::Anybody();
    if (shown.bearer_token != "good") return absl::UnauthenticatedError("no token");
    return Caller(std::move(identity), absl::InfiniteFuture());
  }
  static std::shared_ptr<const Settings::Identity> IdentityCalled(const std::string& name) {
    auto identity = std::make_shared<Settings::Identity>();
    identity->name = name;
    return identity;
  }
  // That lets everybody in who does not come too often.
  CallGate OpenGate() {
    return CallGate(
        options_, [](const PeerCredentials&) { return Caller::Anybody(); }, &refusals_, &clock_);
  }
  absl::Status Decide(const std::shared_ptr<const Settings::Identity>& identity,
                      std::optional<std::string> token, absl::string_view method) {
    const CallGate gate(
        options_, [&](const PeerCredentials& shown) { return Identify(identity, shown); },
        &refusals_, &clock_);
    PeerCredentials shown;
    shown.bearer_token = std::move(token);
    return gate.Decide(shown, method);
  }

  DeliveryOptions options_;
  ManualClock clock_;
  Metrics metrics_;
  std::vector<std::string> lines_;
  Log log_{&clock_, LogLevel::kInfo, Log::Format::kText,
           [this](absl::string_view line) { lines_.emplace_back(line); }};
  CallRefusals refusals_{&metrics_, &clock_, &log_};
};

TEST_F(CallGateTest, WhoIsNotRecognisedMayCallNothing) {
  for (const RpcRule& rule : RpcRules()) {
    EXPECT_TRUE(absl::IsUnauthenticated(Decide(IdentityCalled("crm"), std::nullopt, rule.method)))
        << rule.method;
  }
  for (const absl::string_view method : {kUnknown, absl::string_view("")}) {
    EXPECT_TRUE(absl::IsUnauthenticated(Decide(IdentityCalled("crm"), "bad", method))) << method;
  }
}

TEST_F(CallGateTest, WhoIsRecognisedPassesToWhateverHasARule) {
  for (const RpcRule& rule : RpcRules()) {
    EXPECT_TRUE(Decide(IdentityCalled("crm"), "good", rule.method).ok()) << rule.method;
  }
}

TEST_F(CallGateTest, WhatHasNoRuleIsForNobody) {
  EXPECT_TRUE(absl::IsPermissionDenied(Decide(IdentityCalled("crm"), "good", kUnknown)));
}

TEST_F(CallGateTest, WithoutAnAccessListEverythingPassesSoThatGrpcSaysWhatItDoesNotKnow) {
  for (const absl::string_view method : {kWatch, kHealth, kUnknown}) {
    EXPECT_TRUE(Decide(nullptr, std::nullopt, method).ok()) << method;
  }
}

TEST_F(CallGateTest, CallsThatComeTooFastOnAConnectionAreRefusedWhoeverMakesThem) {
  options_.max_call_burst = 3;
  options_.max_call_rate = 2;
  CallGate gate = OpenGate();
  const int connection = 0;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(gate.DecideOnCost(&connection, 10).ok()) << i;
  EXPECT_TRUE(absl::IsResourceExhausted(gate.DecideOnCost(&connection, 10)));
  clock_.Advance(absl::Seconds(1));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(gate.DecideOnCost(&connection, 10).ok()) << i;
  EXPECT_TRUE(absl::IsResourceExhausted(gate.DecideOnCost(&connection, 10)));
  EXPECT_THAT(metrics_.Text(),
              testing::HasSubstr("onhook_grpc_calls_refused_total{reason=\"too_many\"} 2\n"));
}

TEST_F(CallGateTest, ACallOfManyHeadersIsRefused) {
  options_.max_headers = 20;
  CallGate gate = OpenGate();
  const int connection = 0;
  EXPECT_TRUE(gate.DecideOnCost(&connection, 20).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(gate.DecideOnCost(&connection, 21)));
  EXPECT_EQ(lines_.size(), 1u);
}

TEST_F(CallGateTest, ARefusalIsCountedAndLoggedWithoutWhatTheCallerMadeUp) {
  EXPECT_FALSE(Decide(IdentityCalled("crm"), "stolen", kUnknown).ok());
  EXPECT_THAT(
      metrics_.Text(),
      testing::HasSubstr("onhook_grpc_calls_refused_total{reason=\"unauthenticated\"} 1\n"));
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_THAT(lines_[0], testing::Not(testing::HasSubstr("stolen")));
  EXPECT_THAT(lines_[0], testing::Not(testing::HasSubstr("Steal")));
}

TEST_F(CallGateTest, ANumberOfHeadersThatIsSetLaterHoldsForTheNextCall) {
  CallGate gate(
      options_, [](const PeerCredentials&) { return Caller::Anybody(); }, &refusals_, &clock_);
  EXPECT_TRUE(gate.DecideOnCost(this, 100).ok());
  options_.max_headers = 99;
  gate.SetLimits(options_);
  EXPECT_TRUE(absl::IsResourceExhausted(gate.DecideOnCost(this, 100)));
  EXPECT_TRUE(gate.DecideOnCost(this, 99).ok());
}

}  // namespace
}  // namespace onhook
