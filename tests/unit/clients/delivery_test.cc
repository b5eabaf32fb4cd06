#include "onhook/delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <type_traits>
#include <utility>
#include <vector>

#include "onhook/testing/fake_gateway.h"

namespace onhook::client {
namespace {

using onhook::testing::MakeDelivery;
using onhook::testing::Outcome;
using Action = Settlement::Action;

static_assert(!std::is_copy_constructible_v<Delivery> && !std::is_copy_assignable_v<Delivery>);
static_assert(std::is_nothrow_move_constructible_v<Delivery>);
// Only what is given away can be settled.
template <typename T>
auto CanAck(int) -> decltype(std::declval<T>().Ack(), std::true_type());
template <typename T>
std::false_type CanAck(...);
static_assert(decltype(CanAck<Delivery>(0))::value && !decltype(CanAck<Delivery&>(0))::value);

class DeliveryTest : public ::testing::Test {
 protected:
  Delivery Make() {
    v1::ReleaseEvent event;
    event.set_event_id("e1");
    return MakeDelivery(event, &outcomes_);
  }

  std::vector<Outcome> outcomes_;
};

TEST_F(DeliveryTest, EachWayOfSettlingSaysWhatItIs) {
  EXPECT_TRUE(Make().Ack().get().ok());
  EXPECT_TRUE(Make().Retry("busy", absl::Seconds(3)).get().ok());
  EXPECT_TRUE(Make().Park("no such customer").get().ok());
  EXPECT_TRUE(Make().Skip("a test call").get().ok());
  EXPECT_TRUE(Make().Release("not mine").get().ok());
  ASSERT_EQ(outcomes_.size(), 5);
  const Action actions[] = {Action::kAck, Action::kRetry, Action::kPark, Action::kSkip,
                            Action::kRelease};
  for (size_t i = 0; i < outcomes_.size(); ++i) {
    EXPECT_EQ(outcomes_[i].settlement.action, actions[i]);
    EXPECT_EQ(outcomes_[i].event_id, "e1");
  }
  EXPECT_EQ(outcomes_[1].settlement.delay, absl::Seconds(3));
  EXPECT_EQ(outcomes_[2].settlement.reason, "no such customer");
}

TEST_F(DeliveryTest, WhatIsDroppedUnsettledIsGivenBack) {
  { const Delivery dropped = Make(); }
  ASSERT_EQ(outcomes_.size(), 1);
  EXPECT_EQ(outcomes_[0].settlement.action, Action::kRetry);
}

TEST_F(DeliveryTest, OnlyItsLastOwnerGivesItBack) {
  {
    Delivery first = Make();
    const std::vector<Delivery> moved = [&] {
      std::vector<Delivery> deliveries;
      deliveries.push_back(std::move(first));
      return deliveries;
    }();
    EXPECT_TRUE(outcomes_.empty());
  }
  EXPECT_EQ(outcomes_.size(), 1);
}

TEST_F(DeliveryTest, WhatIsAssignedOverIsGivenBack) {
  Delivery delivery = Make();
  delivery = Make();
  EXPECT_EQ(outcomes_.size(), 1);
  EXPECT_TRUE(std::move(delivery).Ack().get().ok());
  EXPECT_EQ(outcomes_.size(), 2);
}

#ifdef NDEBUG
TEST_F(DeliveryTest, WhatWasSettledIsNotSettledAgain) {
  Delivery delivery = Make();
  std::move(delivery).Ack();
  // NOLINTNEXTLINE(bugprone-use-after-move): what that comes to is the test
  const absl::Status again = std::move(delivery).Park("after all").get();
  EXPECT_EQ(again.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(outcomes_.size(), 1);
}
#else
TEST_F(DeliveryTest, SettlingWhatWasSettledFailsAnAssertion) {
  Delivery delivery = Make();
  std::move(delivery).Ack();
  // NOLINTNEXTLINE(bugprone-use-after-move): what that comes to is the test
  EXPECT_DEATH((void)std::move(delivery).Ack(), "settled once");
}
#endif

TEST_F(DeliveryTest, AHandlersStatusIsASettlement) {
  EXPECT_EQ(Settlement(absl::OkStatus()).action, Action::kAck);
  const Settlement failed = absl::UnavailableError("the database is away");
  EXPECT_EQ(failed.action, Action::kRetry);
  EXPECT_EQ(failed.reason, "the database is away");
  EXPECT_FALSE(failed.delay.has_value());
  EXPECT_EQ(Settlement(absl::InternalError("")).reason, "INTERNAL: ");
}

}  // namespace
}  // namespace onhook::client
