#include "gateway/delivery/spec_update.h"

#include <gtest/gtest.h>

namespace onhook {
namespace {

v1::UpdateSubscriptionRequest Naming(std::initializer_list<const char*> paths) {
  v1::UpdateSubscriptionRequest request;
  for (const char* path : paths) request.mutable_update_mask()->add_paths(path);
  return request;
}

v1::SubscriptionSpec Stored() {
  v1::SubscriptionSpec spec;
  spec.mutable_filter()->add_sources("sales");
  spec.mutable_ack_deadline()->set_seconds(5);
  spec.set_max_delivery_attempts(3);
  return spec;
}

TEST(SpecUpdateTest, OnlyWhatTheMaskNamesChanges) {
  v1::UpdateSubscriptionRequest request = Naming({"filter"});
  request.mutable_spec()->mutable_filter()->add_sources("service");
  request.mutable_spec()->mutable_ack_deadline()->set_seconds(60);
  const auto updated = UpdatedSpec(Stored(), request);
  ASSERT_TRUE(updated.ok());
  ASSERT_EQ(updated->filter().sources_size(), 1);
  EXPECT_EQ(updated->filter().sources(0), "service");
  EXPECT_EQ(updated->ack_deadline().seconds(), 5);
}

TEST(SpecUpdateTest, WhatTheRequestLeavesUnsetGoesBackToItsDefault) {
  const auto updated = UpdatedSpec(Stored(), Naming({"ack_deadline", "filter.sources"}));
  ASSERT_TRUE(updated.ok());
  EXPECT_FALSE(updated->has_ack_deadline());
  EXPECT_EQ(updated->filter().sources_size(), 0);
}

TEST(SpecUpdateTest, EitherMemberOfTheAttemptsReplacesTheOther) {
  v1::UpdateSubscriptionRequest unlimited = Naming({"unlimited_delivery_attempts"});
  unlimited.mutable_spec()->mutable_unlimited_delivery_attempts();
  const auto updated = UpdatedSpec(Stored(), unlimited);
  ASSERT_TRUE(updated.ok());
  EXPECT_TRUE(updated->has_unlimited_delivery_attempts());
  const auto cleared = UpdatedSpec(*updated, Naming({"max_delivery_attempts"}));
  ASSERT_TRUE(cleared.ok());
  EXPECT_EQ(cleared->delivery_attempts_case(), v1::SubscriptionSpec::DELIVERY_ATTEMPTS_NOT_SET);
}

TEST(SpecUpdateTest, AWrongRequestIsRefusedAndTheSpecStays) {
  v1::UpdateSubscriptionRequest out_of_bounds = Naming({"ack_deadline"});
  out_of_bounds.mutable_spec()->mutable_ack_deadline()->set_seconds(601);
  const std::pair<const char*, v1::UpdateSubscriptionRequest> rows[] = {
      {"no path", Naming({})},
      {"an unknown path", Naming({"colour"})},
      {"an unknown part of a path", Naming({"filter.colour"})},
      {"an empty path", Naming({""})},
      {"half a path", Naming({"filter."})},
      {"a part of a value", Naming({"ack_deadline.seconds"})},
      {"a part of a list", Naming({"filter.sources.x"})},
      {"what matters at creation only", Naming({"start_position"})},
      {"a value out of its bounds", out_of_bounds},
  };
  for (const auto& [why, request] : rows) {
    EXPECT_TRUE(absl::IsInvalidArgument(UpdatedSpec(Stored(), request).status())) << why;
  }
}

}  // namespace
}  // namespace onhook
