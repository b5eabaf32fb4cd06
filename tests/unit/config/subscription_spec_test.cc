#include "gateway/store/subscription_spec.h"

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

TEST(SubscriptionSpecTest, WhatTheEnginesHonourIsTaken) {
  for (const char* text : {"", "start_position: START_POSITION_LATEST", "max_unacked_events: 1",
                           "start_position: START_POSITION_EARLIEST max_unacked_events: 500000"}) {
    EXPECT_TRUE(CheckSubscriptionSpec(Spec(text)).ok()) << text;
  }
}

TEST(SubscriptionSpecTest, WhatTheyWouldIgnoreIsRefusedByName) {
  const struct {
    const char* text;
    const char* field;
  } kRows[] = {
      {"filter { sources: 'a' }", "spec.filter"},
      {"filter {}", "spec.filter"},
      {"ack_deadline { seconds: 1 }", "spec.ack_deadline"},
      {"max_delivery_attempts: 3", "spec.max_delivery_attempts"},
      {"unlimited_delivery_attempts {}", "spec.unlimited_delivery_attempts"},
      {"minimum_retry_time { seconds: 1 }", "spec.minimum_retry_time"},
      {"expire_after_unused { seconds: 1 }", "spec.expire_after_unused"},
      {"backlog_limit {}", "spec.backlog_limit"},
  };
  for (const auto& row : kRows) {
    const absl::Status status = CheckSubscriptionSpec(Spec(row.text));
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << row.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.field));
  }
}

TEST(SubscriptionSpecTest, ValuesOutOfBoundsAreRefused) {
  v1::SubscriptionSpec unknown_position;
  unknown_position.set_start_position(static_cast<v1::StartPosition>(17));
  for (const v1::SubscriptionSpec& spec :
       {Spec("max_unacked_events: 0"), Spec("max_unacked_events: -5"), unknown_position}) {
    EXPECT_EQ(CheckSubscriptionSpec(spec).code(), absl::StatusCode::kInvalidArgument)
        << spec.ShortDebugString();
  }
}

TEST(SubscriptionSpecTest, UnsetAndDefaultAreTheSame) {
  EXPECT_TRUE(SameSubscriptionSpec(Spec(""), Spec("start_position: START_POSITION_EARLIEST")));
  EXPECT_TRUE(SameSubscriptionSpec(Spec(""), Spec("max_unacked_events: 100000")));
  EXPECT_EQ(MaxUnackedEvents(Spec("")), 100'000);
}

TEST(SubscriptionSpecTest, OtherValuesAreNotTheSame) {
  EXPECT_FALSE(SameSubscriptionSpec(Spec(""), Spec("start_position: START_POSITION_LATEST")));
  EXPECT_FALSE(SameSubscriptionSpec(Spec(""), Spec("max_unacked_events: 5")));
  EXPECT_EQ(MaxUnackedEvents(Spec("max_unacked_events: 5")), 5);
}

}  // namespace
}  // namespace onhook
