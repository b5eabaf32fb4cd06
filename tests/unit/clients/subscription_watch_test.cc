#include "clients/cli/subscription_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cli/subscription_format.h"
#include "clients/cli/time_text.h"

namespace onhook::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

v1::Subscription Crm(int64_t settled, int64_t created_at = 1) {
  v1::Subscription subscription;
  subscription.set_name("crm");
  subscription.mutable_created_at()->set_seconds(created_at);
  subscription.mutable_stats()->set_settled(settled);
  return subscription;
}

absl::Time At(double seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); }

TEST(SettleRateTest, ItIsTheDifferenceOverTheTimeBetween) {
  EXPECT_DOUBLE_EQ(*SettleRate(Crm(100), Crm(350), absl::Seconds(2)), 125.0);
  EXPECT_DOUBLE_EQ(*SettleRate(Crm(100), Crm(100), absl::Seconds(2)), 0.0);
}

TEST(SettleRateTest, WhereTheDifferenceMeansNothingThereIsNone) {
  EXPECT_EQ(SettleRate(Crm(100), Crm(3), absl::Seconds(1)), std::nullopt) << "restarted";
  EXPECT_EQ(SettleRate(Crm(100), Crm(300, 2), absl::Seconds(1)), std::nullopt) << "made anew";
  EXPECT_EQ(SettleRate(Crm(100), Crm(300), absl::ZeroDuration()), std::nullopt) << "no time";
  EXPECT_EQ(SettleRate(Crm(100), Crm(300), -absl::Seconds(1)), std::nullopt) << "clock set back";
}

TEST(SettleMeterTest, TheFirstLookHasNoRateAndTheSecondHas) {
  SettleMeter meter;
  EXPECT_EQ(meter.Look({Crm(10)}, At(0))[0].settle_rate, std::nullopt);
  EXPECT_DOUBLE_EQ(*meter.Look({Crm(15)}, At(0.5))[0].settle_rate, 10.0);
}

TEST(SettleMeterTest, WhatWasForgottenOrGoneIsNotComparedWith) {
  SettleMeter meter;
  meter.Look({Crm(10)}, At(0));
  meter.Forget();
  EXPECT_EQ(meter.Look({Crm(15)}, At(1))[0].settle_rate, std::nullopt);
  meter.Look({}, At(2));
  EXPECT_EQ(meter.Look({Crm(20)}, At(3))[0].settle_rate, std::nullopt);
}

TEST(WatchTableTest, EachSubscriptionIsALineUnderTheHeadings) {
  v1::Subscription crm = Crm(10);
  crm.set_paused(true);
  crm.mutable_stats()->set_connected_streams(2);
  crm.mutable_stats()->set_backlog_events(12345);
  crm.mutable_stats()->mutable_oldest_unsettled_age()->set_seconds(192);
  crm.mutable_stats()->set_outstanding_events(7);
  crm.mutable_stats()->set_redeliveries(3);
  crm.mutable_stats()->set_dead_letters(1);
  v1::Subscription audit;
  audit.set_name("audit-of-everything");
  EXPECT_EQ(WatchTable({{audit, std::nullopt}, {crm, 99.96}}),
            // clang-format off
      "NAME                 STREAMS    BACKLOG   OLDEST  OUTSTANDING  SETTLED/S  REDELIVERIES  DEAD LETTERS  STATE\n"
      "audit-of-everything        0          0        -            0          -             0             0  active\n"
      "crm                        2      12345    3m12s            7      100.0             3             1  paused\n");
  // clang-format on
  EXPECT_THAT(WatchTable({{crm, 1500.7}}), HasSubstr("  1501  "));
}

TEST(WatchJsonTest, ALineHoldsTimeRateAndTheMessage) {
  EXPECT_EQ(WatchJson({Crm(10), 2.5}, At(1)),
            absl::StrCat("{\"time\":\"1970-01-01T00:00:01.000Z\",\"settledPerSecond\":2.500,",
                         "\"subscription\":", absl::StripSuffix(JsonText(Crm(10)), "\n"), "}\n"));
  EXPECT_THAT(WatchJson({Crm(10), std::nullopt}, At(1)), Not(HasSubstr("settledPerSecond")));
}

TEST(RedrawnTest, EachLineOverwritesTheOneBefore) {
  EXPECT_EQ(Redrawn("a\nb\n", 24), "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
}

TEST(RedrawnTest, WhatDoesNotFitIsCutOffAndSaidSo) {
  EXPECT_EQ(Redrawn("a\nb\nc\nd\n", 4),
            "\x1b[Ha\x1b[K\nb\x1b[K\n... and 2 more: the terminal is too low\x1b[K\n\x1b[J");
  EXPECT_THAT(Redrawn("a\nb\nc\nd\n", 5), Not(HasSubstr("more")));
}

TEST(SubscriptionFormatTest, DefaultsAreToldAsSuch) {
  v1::Subscription crm = Crm(0);
  crm.clear_stats();
  crm.mutable_spec()->mutable_ack_deadline()->set_seconds(90);
  crm.mutable_spec()->mutable_unlimited_delivery_attempts();
  crm.mutable_spec()->mutable_filter()->add_service_nos("");
  crm.mutable_spec()->mutable_filter()->add_service_nos("1001");
  EXPECT_EQ(SubscriptionText(crm),
            "crm\n"
            "  created                1970-01-01T00:00:01.000Z\n"
            "  state                  active\n"
            "  ack deadline           90s\n"
            "  max delivery attempts  unlimited\n"
            "  minimum retry time     1d  (default)\n"
            "  max unacked events     100000  (default)\n"
            "  expire after unused    31d  (default)\n"
            "  backlog limit, age     none  (default)\n"
            "  backlog limit, bytes   none  (default)\n"
            "  sources                all\n"
            "  service numbers        '', 1001\n"
            "  release reason codes   all\n");
}

TEST(SubscriptionFormatTest, TheStateSaysWhateverIsOutOfTheOrdinary) {
  v1::Subscription crm = Crm(0);
  EXPECT_EQ(StateText(crm), "active");
  crm.set_declared(true);
  crm.mutable_stats()->set_dropped_by_limit(12);
  EXPECT_EQ(StateText(crm), "active, declared, 12 given up");
}

TEST(SubscriptionFormatTest, WhatTheGatewayNamesCannotStartALine) {
  v1::Subscription crm = Crm(0);
  crm.set_name("a\nb");
  EXPECT_THAT(SubscriptionText(crm), StartsWith("a\\nb\n"));
  EXPECT_THAT(SubscriptionTable({crm}), HasSubstr("a\\nb "));
}

TEST(AgeTextTest, TheTwoLargestUnitsAreTold) {
  const struct {
    int64_t seconds;
    const char* text;
  } kCases[] = {{0, "0s"},        {59, "59s"},       {60, "1m00s"},
                {192, "3m12s"},   {7500, "2h05m"},   {86399, "23h59m"},
                {86400, "1d00h"}, {273600, "3d04h"}, {8640000, "100d00h"}};
  for (const auto& c : kCases) {
    google::protobuf::Duration age;
    age.set_seconds(c.seconds);
    EXPECT_EQ(AgeText(age), c.text);
  }
}

}  // namespace
}  // namespace onhook::cli
