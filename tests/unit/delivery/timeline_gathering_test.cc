#include "gateway/delivery/timeline_gathering.h"

#include "tests/unit/delivery/delivery_fixture.h"

namespace onhook {
namespace {

class TimelineGatheringTest : public DeliveryFixture {
 protected:
  void CreateLatest(const std::string& name) {
    v1::SubscriptionSpec spec;
    spec.set_start_position(v1::START_POSITION_LATEST);
    ASSERT_TRUE(store_->CreateSubscription(name, spec).ok());
  }
  absl::Status Gather(std::vector<TimelineWish> wishes) {
    absl::Status status;
    absl::Notification gathered;
    GatherTimelines(*store_, std::move(wishes), [&](absl::Status result) {
      status = std::move(result);
      gathered.Notify();
    });
    gathered.WaitForNotification();
    return status;
  }
};

// The queue of a subscription that never owed an event answers before it returns.
TEST_F(TimelineGatheringTest, AnswersThatComeAtOnceDoNotGrowTheStack) {
  const Sequence sequence = Append("a");
  for (int i = 0; i < 100; ++i) CreateLatest(absl::StrCat("late-", i));
  v1::StoredEvent stored;
  EXPECT_TRUE(Gather(std::vector<TimelineWish>(1000, {sequence, &stored})).ok());
  EXPECT_EQ(stored.timelines_size(), 0);
}

TEST_F(TimelineGatheringTest, ALateSubscriptionHidesNothingOfAnEarlierOne) {
  ASSERT_TRUE(store_->CreateSubscription("early", {}).ok());
  const Sequence first = Append("a");
  const Sequence second = Append("b");
  CreateLatest("late");
  v1::StoredEvent a;
  v1::StoredEvent b;
  ASSERT_TRUE(Gather({{first, &a}, {second, &b}}).ok());
  for (const v1::StoredEvent* stored : {&a, &b}) {
    ASSERT_EQ(stored->timelines_size(), 1);
    EXPECT_EQ(stored->timelines(0).subscription(), "early");
  }
}

TEST_F(TimelineGatheringTest, NoEventsAreAnsweredAtOnce) { EXPECT_TRUE(Gather({}).ok()); }

}  // namespace
}  // namespace onhook
