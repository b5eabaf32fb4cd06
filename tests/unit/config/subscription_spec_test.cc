#include "gateway/config/subscription_spec.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace onhook {
namespace {

using ::testing::HasSubstr;

v1::SubscriptionSpec Spec(const std::string& text) {
  v1::SubscriptionSpec spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec)) << text;
  return spec;
}

TEST(SubscriptionNameTest, UsualNamesAreTaken) {
  for (const std::string& name :
       {std::string("crm"), std::string("9"), std::string("a-b_c.d9"), std::string(63, 'x')}) {
    EXPECT_TRUE(CheckSubscriptionName(name).ok()) << name;
  }
}

TEST(SubscriptionNameTest, OthersAreRefusedAndToldTheRule) {
  const struct {
    std::string name;
    const char* reason;
  } kRows[] = {
      {"", "empty"},
      {std::string(64, 'x'), "64 characters"},
      {"-crm", "begins with a dash"},
      {".crm", "begins with a dot"},
      {"_crm", "begins with an underscore"},
      {"CRM", "capitals"},
      {"a b", "a space"},
      {"a/b", "a slash"},
      {"cr\xC3\xBC", "not ASCII"},
      {std::string("a\0b", 3), "a zero byte"},
      {"a\n", "a newline"},
  };
  for (const auto& row : kRows) {
    const absl::Status status = CheckSubscriptionName(row.name);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << row.reason;
    EXPECT_THAT(std::string(status.message()), HasSubstr("1 to 63 characters")) << row.reason;
  }
}

TEST(SubscriptionSpecTest, WhatIsWithinBoundsIsTaken) {
  for (const char* text :
       {"", "start_position: START_POSITION_LATEST", "max_unacked_events: 1",
        "filter { sources: 'a' service_nos: '' }", "ack_deadline { seconds: 600 }",
        "max_delivery_attempts: 1", "unlimited_delivery_attempts {}", "minimum_retry_time {}",
        "expire_after_unused { seconds: 60 }", "backlog_limit { bytes: 1 age { seconds: 1 } }"}) {
    EXPECT_TRUE(CheckSubscriptionSpec(Spec(text)).ok()) << text;
  }
}

TEST(SubscriptionSpecTest, WhatIsNotIsRefusedByItsPath) {
  const struct {
    const char* text;
    const char* field;
  } kRows[] = {
      {"ack_deadline { nanos: 999999999 }", "ack_deadline"},
      {"ack_deadline { seconds: 601 }", "ack_deadline"},
      {"ack_deadline { seconds: 1 nanos: 2000000000 }", "ack_deadline"},
      {"ack_deadline { seconds: 5 nanos: -1 }", "ack_deadline"},
      {"max_delivery_attempts: 0", "max_delivery_attempts"},
      {"minimum_retry_time { seconds: -1 }", "minimum_retry_time"},
      {"max_unacked_events: 0", "max_unacked_events"},
      {"max_unacked_events: 1000001", "max_unacked_events"},
      {"expire_after_unused { seconds: 59 }", "expire_after_unused"},
      {"expire_after_unused { seconds: 9223372036854775807 }", "expire_after_unused"},
      {"backlog_limit { bytes: 0 }", "backlog_limit.bytes"},
      {"backlog_limit { age {} }", "backlog_limit.age"},
  };
  for (const auto& row : kRows) {
    const std::optional<SpecFault> fault = FindSpecFault(Spec(row.text));
    ASSERT_TRUE(fault.has_value()) << row.text;
    EXPECT_EQ(fault->field, row.field);
    EXPECT_THAT(std::string(CheckSubscriptionSpec(Spec(row.text)).message()),
                HasSubstr(std::string("spec.") + row.field));
  }
}

TEST(SubscriptionSpecTest, ListsBeyondTheirBoundsAreRefusedByName) {
  v1::SubscriptionSpec spec;
  for (int i = 0; i < 1000; ++i) spec.mutable_filter()->add_service_nos("1");
  EXPECT_FALSE(FindSpecFault(spec).has_value());
  spec.mutable_filter()->add_service_nos("1");
  EXPECT_EQ(FindSpecFault(spec)->field, "filter.service_nos");
  v1::EventFilter long_entry;
  long_entry.add_sources(std::string(129, 'x'));
  EXPECT_EQ(FindFilterFault(long_entry)->field, "sources");
}

TEST(SubscriptionSpecTest, RulesHaveTheirDefaults) {
  const SubscriptionRules rules = RulesOf(Spec(""), /*declared=*/false);
  EXPECT_EQ(rules.ack_deadline, absl::Seconds(30));
  EXPECT_EQ(rules.max_delivery_attempts, 20);
  EXPECT_EQ(rules.minimum_retry_time, absl::Hours(24));
  EXPECT_EQ(rules.max_unacked_events, 100'000);
  EXPECT_EQ(rules.expire_after_unused, absl::Hours(31 * 24));
  EXPECT_FALSE(RulesOf(Spec("unlimited_delivery_attempts {}"), false).max_delivery_attempts);
}

TEST(SubscriptionSpecTest, DeclaredOnesNeverExpire) {
  EXPECT_FALSE(RulesOf(Spec("expire_after_unused { seconds: 60 }"), true).expire_after_unused);
}

TEST(SubscriptionSpecTest, UnsetAndDefaultAreTheSame) {
  EXPECT_TRUE(SameSubscriptionSpec(Spec(""), Spec("start_position: START_POSITION_EARLIEST")));
  EXPECT_TRUE(SameSubscriptionSpec(Spec(""), Spec("max_unacked_events: 100000")));
  EXPECT_TRUE(SameSubscriptionSpec(Spec("filter { sources: ['a', 'b'] }"),
                                   Spec("filter { sources: ['b', 'a'] }")));
}

TEST(SubscriptionSpecTest, OtherValuesAreNotTheSame) {
  for (const char* text : {"start_position: START_POSITION_LATEST", "max_unacked_events: 5",
                           "filter { sources: 'a' }", "backlog_limit { bytes: 5 }"}) {
    EXPECT_FALSE(SameSubscriptionSpec(Spec(""), Spec(text))) << text;
  }
}

}  // namespace
}  // namespace onhook
