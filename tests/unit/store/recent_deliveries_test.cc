#include "gateway/store/embedded/recent_deliveries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Entry = v1::TimelineEntry;

class RecentDeliveriesTest : public ::testing::Test {
 protected:
  void Deliver(Sequence sequence, int32_t attempt, const RecentDeliveries::ConsumerName& consumer,
               absl::Time at) {
    recent_.Add(sequence, Entry::KIND_DELIVERED, attempt, consumer, "", at);
  }
  // "consumer attempt" of each entry.
  std::vector<std::string> Told(Sequence sequence) const {
    v1::SubscriptionTimeline timeline;
    recent_.Tell(sequence, timeline);
    std::vector<std::string> told;
    for (const Entry& entry : timeline.entries()) {
      told.push_back(entry.consumer_name() + " " + std::to_string(entry.attempt()));
    }
    return told;
  }

  const RecentDeliveries::ConsumerName a_ = std::make_shared<const std::string>("a");
  const RecentDeliveries::ConsumerName b_ = std::make_shared<const std::string>("b");
  const absl::Time noon_ = absl::FromUnixSeconds(1'700'000'000);
  RecentDeliveries recent_;
};

TEST_F(RecentDeliveriesTest, EachEventOfARunIsTold) {
  for (Sequence sequence = 3; sequence <= 5; ++sequence) Deliver(sequence, 1, a_, noon_);
  EXPECT_THAT(Told(2), IsEmpty());
  EXPECT_THAT(Told(3), ElementsAre("a 1"));
  EXPECT_THAT(Told(5), ElementsAre("a 1"));
  EXPECT_THAT(Told(6), IsEmpty());
}

TEST_F(RecentDeliveriesTest, WhatDiffersIsToldApart) {
  Deliver(3, 1, a_, noon_);
  Deliver(4, 2, a_, noon_);
  Deliver(5, 2, b_, noon_);
  Deliver(6, 2, b_, noon_ + absl::Seconds(1));
  Deliver(8, 2, b_, noon_ + absl::Seconds(1));
  Deliver(3, 2, b_, noon_ + absl::Seconds(1));
  EXPECT_THAT(Told(3), ElementsAre("a 1", "b 2"));
  EXPECT_THAT(Told(4), ElementsAre("a 2"));
  EXPECT_THAT(Told(5), ElementsAre("b 2"));
  EXPECT_THAT(Told(7), IsEmpty());
}

TEST_F(RecentDeliveriesTest, TheOldestAreForgottenAndTheOrderIsKept) {
  constexpr auto kMost = static_cast<Sequence>(RecentDeliveries::kMost);
  for (Sequence i = 0; i < kMost; ++i) Deliver(2 * i + 1, 1, a_, noon_);
  Deliver(2 * kMost - 1, 2, b_, noon_);
  Deliver(2 * kMost, 2, b_, noon_);  // joins the newest, which stands at the ring's beginning
  EXPECT_THAT(Told(1), IsEmpty());
  EXPECT_THAT(Told(3), ElementsAre("a 1"));
  EXPECT_THAT(Told(2 * kMost - 1), ElementsAre("a 1", "b 2"));
  EXPECT_THAT(Told(2 * kMost), ElementsAre("b 2"));
}

}  // namespace
}  // namespace onhook
