#include "gateway/delivery/request_budget.h"

#include <gtest/gtest.h>

namespace onhook {
namespace {

DeliveryOptions Most(int requests, size_t bytes) {
  DeliveryOptions options;
  options.max_requests_under_way = requests;
  options.max_unanswered_bytes = bytes;
  return options;
}

TEST(RequestBudgetTest, OneRequestIsLetThroughWhateverItsSize) {
  EXPECT_TRUE(RequestBudget(Most(1, 1)).HasRoom(0, 0));
}

TEST(RequestBudgetTest, RequestsUnderWayAndAnswersCountTogether) {
  RequestBudget budget(Most(3, 1000));
  budget.Begin(10);
  EXPECT_TRUE(budget.HasRoom(1, 10));
  EXPECT_FALSE(budget.HasRoom(2, 20)) << "three of three";
  EXPECT_FALSE(budget.HasRoom(1, 990)) << "all bytes";
  EXPECT_TRUE(budget.HasRoom(1, 989));
}

TEST(RequestBudgetTest, WhatEndedCountsNoMore) {
  RequestBudget budget(Most(1, 1000));
  budget.Begin(2000);
  EXPECT_FALSE(budget.none_under_way());
  EXPECT_FALSE(budget.HasRoom(0, 0));
  budget.End(2000);
  EXPECT_TRUE(budget.none_under_way());
  EXPECT_TRUE(budget.HasRoom(0, 0));
}

TEST(RequestBudgetTest, ManyShortIdsCostMoreThanTheirText) {
  EXPECT_GE(RequestBudget::CostOf(std::vector<std::string>(10000)), 10000 * sizeof(std::string));
  EXPECT_GT(RequestBudget::CostOf({std::string(64, 'x')}), RequestBudget::CostOf({""}));
}

}  // namespace
}  // namespace onhook
