#include "clients/cpp/held_events.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

namespace onhook::client {
namespace {

std::shared_ptr<SubscriberStream> Stream() {
  return std::make_shared<SubscriberStream>(nullptr, v1::SubscribeOpen(),
                                            SubscriberStream::Options(), nullptr);
}

class HeldEventsTest : public ::testing::Test {
 protected:
  std::optional<HeldEvents::Place> Take(const std::string& event, const std::string& delivery_id,
                                        const std::shared_ptr<SubscriberStream>& stream) {
    v1::Delivery delivery;
    delivery.set_delivery_id(delivery_id);
    delivery.mutable_event()->set_event_id(event);
    return held_.Take({stream, delivery});
  }

  const std::shared_ptr<SubscriberStream> first_ = Stream();
  const std::shared_ptr<SubscriberStream> second_ = Stream();
  HeldEvents held_;
};

TEST_F(HeldEventsTest, EventsAreBegunInTheOrderTheyCame) {
  EXPECT_FALSE(held_.HasWaiting());
  EXPECT_FALSE(Take("e1", "d1", first_).has_value());
  EXPECT_FALSE(Take("e2", "d2", first_).has_value());
  EXPECT_EQ(held_.Begin().delivery.delivery_id(), "d1");
  EXPECT_EQ(held_.Begin().delivery.delivery_id(), "d2");
  EXPECT_FALSE(held_.HasWaiting());
}

TEST_F(HeldEventsTest, WhatIsInAHandlerDoesNotWaitAgainAndEndsAtItsNewestPlace) {
  Take("e1", "d1", first_);
  held_.Begin();
  const auto replaced = Take("e1", "again", second_);
  ASSERT_TRUE(replaced.has_value());
  EXPECT_EQ(replaced->stream, first_);
  EXPECT_EQ(replaced->delivery_id, "d1");
  EXPECT_FALSE(held_.HasWaiting());
  const auto place = held_.End("e1");
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->stream, second_);
  EXPECT_EQ(place->delivery_id, "again");
  EXPECT_FALSE(held_.Has("e1"));
}

TEST_F(HeldEventsTest, WhatWaitsKeepsItsTurnAndIsBegunAsItsNewestDelivery) {
  Take("e1", "d1", first_);
  Take("e2", "d2", first_);
  EXPECT_EQ(Take("e1", "again", second_)->delivery_id, "d1");
  EXPECT_EQ(held_.Begin().delivery.delivery_id(), "again");
  EXPECT_EQ(held_.Begin().delivery.delivery_id(), "d2");
  EXPECT_FALSE(held_.HasWaiting());
}

TEST_F(HeldEventsTest, AnEndedStreamTakesAlongWhatWaitsOfItAndNothingElse) {
  Take("running", "d1", first_);
  held_.Begin();
  Take("waiting", "d2", first_);
  Take("came again", "d3", first_);
  Take("came again", "d4", second_);
  held_.DropWaiting(first_.get());
  EXPECT_TRUE(held_.Has("running"));
  EXPECT_FALSE(held_.Has("waiting"));
  EXPECT_EQ(held_.Begin().delivery.delivery_id(), "d4");
  EXPECT_FALSE(held_.HasWaiting());
  EXPECT_FALSE(Take("waiting", "d5", second_).has_value());  // as if it had never been here
}

TEST_F(HeldEventsTest, TakingAllThatWaitsLeavesWhatIsInAHandler) {
  Take("running", "d1", first_);
  held_.Begin();
  Take("waiting", "d2", first_);
  const auto waiting = held_.TakeWaiting();
  ASSERT_EQ(waiting.size(), 1);
  EXPECT_EQ(waiting.front().delivery.delivery_id(), "d2");
  EXPECT_FALSE(held_.Has("waiting"));
  EXPECT_EQ(held_.End("running")->delivery_id, "d1");
}

}  // namespace
}  // namespace onhook::client
