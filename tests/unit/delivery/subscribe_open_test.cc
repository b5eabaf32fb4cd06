#include "gateway/delivery/subscribe_open.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace onhook {
namespace {

TEST(SubscribeOpenTest, WhatIsUnsetGetsItsDefault) {
  v1::SubscribeOpen open;
  open.set_subscription("crm");
  const auto terms = CheckOpen(open, {});
  ASSERT_TRUE(terms.ok());
  EXPECT_EQ(terms->limits.max_outstanding_events, 1000);
  EXPECT_EQ(terms->limits.max_outstanding_bytes, 16 << 20);
  EXPECT_FALSE(terms->create_if_missing.has_value());
}

TEST(SubscribeOpenTest, AnAckDeadlineIsTakenAtBothItsBounds) {
  for (const int64_t seconds : {1, 600}) {
    v1::SubscribeOpen open;
    open.set_subscription("crm");
    open.mutable_ack_deadline()->set_seconds(seconds);
    const auto terms = CheckOpen(open, {});
    ASSERT_TRUE(terms.ok());
    EXPECT_EQ(terms->ack_deadline, absl::Seconds(seconds));
  }
}

TEST(SubscribeOpenTest, WhatIsOutOfBoundsIsRefusedByName) {
  struct Row {
    const char* field;
    std::function<void(v1::SubscribeOpen&)> spoil;
  };
  const Row rows[] = {
      {"open.subscription", [](auto& open) { open.clear_subscription(); }},
      {"open.subscription", [](auto& open) { open.set_subscription("No Capitals"); }},
      {"open.consumer_name", [](auto& open) { open.set_consumer_name(std::string(129, 'x')); }},
      {"open.max_outstanding_events", [](auto& open) { open.set_max_outstanding_events(0); }},
      {"open.max_outstanding_bytes", [](auto& open) { open.set_max_outstanding_bytes(-1); }},
      {"open.ack_deadline", [](auto& open) { open.mutable_ack_deadline()->set_seconds(0); }},
      {"open.ack_deadline", [](auto& open) { open.mutable_ack_deadline()->set_seconds(601); }},
      {"open.ack_deadline",
       [](auto& open) {
         open.mutable_ack_deadline()->set_seconds(std::numeric_limits<int64_t>::min());
       }},
      {"open.ack_deadline", [](auto& open) { open.mutable_ack_deadline()->set_nanos(-5); }},
  };
  for (const Row& row : rows) {
    v1::SubscribeOpen open;
    open.set_subscription("crm");
    row.spoil(open);
    const absl::Status status = CheckOpen(open, {}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << row.field;
    EXPECT_EQ(status.message().substr(0, status.message().find(':')), row.field);
  }
}

TEST(SubscribeOpenTest, FlowChangesOnlyWhatItSets) {
  v1::FlowControl flow;
  flow.set_max_outstanding_events(3);
  const auto limits = ChangedLimits({10, 20}, flow, {});
  ASSERT_TRUE(limits.ok());
  EXPECT_EQ(limits->max_outstanding_events, 3);
  EXPECT_EQ(limits->max_outstanding_bytes, 20);
}

}  // namespace
}  // namespace onhook
