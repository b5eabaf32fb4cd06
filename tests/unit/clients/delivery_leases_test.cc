#include "clients/cpp/delivery_leases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onhook/event_view.h"

namespace onhook::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr size_t kMost = 1000;

// Seconds after the first delivery.
absl::Time At(double seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); }

class DeliveryLeasesTest : public ::testing::Test {
 protected:
  void Come(const std::string& id, double at, absl::Duration ack_deadline = absl::Seconds(30)) {
    v1::Delivery delivery;
    delivery.set_delivery_id(id);
    *delivery.mutable_ack_deadline() = ToProto(ack_deadline);
    leases_.Add(delivery, At(at));
  }
  std::vector<std::string> DueAt(double at) { return leases_.TakeDue(At(at), kMost).delivery_ids; }

  DeliveryLeases leases_{absl::Minutes(1)};
};

TEST_F(DeliveryLeasesTest, NothingIsDueBeforeHalfTheDeadlineIsOver) {
  Come("d1", 0);
  EXPECT_EQ(leases_.next_due(), At(15));
  EXPECT_THAT(DueAt(14.9), IsEmpty());
  const DeliveryLeases::Extension extension = leases_.TakeDue(At(15), kMost);
  EXPECT_THAT(extension.delivery_ids, ElementsAre("d1"));
  EXPECT_EQ(extension.ack_deadline, absl::Seconds(30));
}

TEST_F(DeliveryLeasesTest, AnExtensionIsRepeatedUntilTheLongestTimeIsOver) {
  Come("d1", 0);
  for (const double at : {15, 30, 45, 60}) {
    EXPECT_EQ(leases_.next_due(), At(at));
    EXPECT_THAT(DueAt(at), ElementsAre("d1"));
  }
  EXPECT_EQ(leases_.next_due(), absl::InfiniteFuture());
  EXPECT_THAT(DueAt(75), IsEmpty());
}

TEST_F(DeliveryLeasesTest, WhatIsRemovedIsNotExtended) {
  Come("d1", 0);
  Come("d2", 0);
  leases_.Remove("d1");
  leases_.Remove("unknown");
  EXPECT_THAT(DueAt(15), ElementsAre("d2"));
}

TEST_F(DeliveryLeasesTest, DeliveriesThatCameTogetherAreExtendedTogether) {
  Come("d1", 0);
  Come("d2", 0.05);
  Come("d3", 5);
  EXPECT_THAT(DueAt(15), UnorderedElementsAre("d1", "d2"));
  EXPECT_EQ(leases_.next_due(), At(20));
}

TEST_F(DeliveryLeasesTest, EachDeadlineMakesARequestOfItsOwn) {
  Come("d1", 0, absl::Seconds(10));
  Come("d2", 0, absl::Seconds(8));
  EXPECT_THAT(DueAt(5), SizeIs(1));
  EXPECT_THAT(DueAt(5), SizeIs(1));
  EXPECT_THAT(DueAt(5), IsEmpty());
}

TEST_F(DeliveryLeasesTest, MoreThanARequestTakesMakesSeveral) {
  for (const char* id : {"d1", "d2", "d3"}) Come(id, 0);
  EXPECT_THAT(leases_.TakeDue(At(15), 2).delivery_ids, SizeIs(2));
  EXPECT_THAT(leases_.TakeDue(At(15), 2).delivery_ids, SizeIs(1));
  EXPECT_THAT(leases_.TakeDue(At(15), 2).delivery_ids, IsEmpty());
}

TEST_F(DeliveryLeasesTest, ADeliveryWhoseTimeIsNearlyOverGetsWhatTheProtoAllowsAtLeast) {
  Come("d1", 0, absl::Milliseconds(10));
  EXPECT_EQ(leases_.next_due(), At(0.005));
  EXPECT_EQ(leases_.TakeDue(At(0.005), kMost).ack_deadline, absl::Seconds(1));
}

TEST_F(DeliveryLeasesTest, WhatIsPostponedIsDueThen) {
  Come("d1", 0);
  EXPECT_THAT(DueAt(15), ElementsAre("d1"));
  leases_.Postpone("d1", At(15.2));
  leases_.Postpone("unknown", At(15.1));
  EXPECT_EQ(leases_.next_due(), At(15.2));
  EXPECT_THAT(DueAt(15.2), ElementsAre("d1"));
}

TEST_F(DeliveryLeasesTest, ADeliveryWithoutDeadlineIsNeverDue) {
  leases_.Add(v1::Delivery(), At(0));
  EXPECT_EQ(leases_.next_due(), absl::InfiniteFuture());
}

TEST_F(DeliveryLeasesTest, WithoutExtensionNothingIsEverDue) {
  DeliveryLeases none(absl::ZeroDuration());
  v1::Delivery delivery;
  delivery.mutable_ack_deadline()->set_seconds(30);
  none.Add(delivery, At(0));
  EXPECT_EQ(none.next_due(), absl::InfiniteFuture());
}

TEST_F(DeliveryLeasesTest, WhatWasLengthenedIsNotShortenedAgain) {
  Come("d1", 0, absl::Seconds(10));
  leases_.Lengthen("d1", absl::Seconds(40), At(1));
  leases_.Lengthen("unknown", absl::Seconds(40), At(1));
  EXPECT_THAT(DueAt(20), IsEmpty());
  const DeliveryLeases::Extension extension = leases_.TakeDue(At(21), kMost);
  EXPECT_THAT(extension.delivery_ids, ElementsAre("d1"));
  EXPECT_EQ(extension.ack_deadline, absl::Seconds(40));
}

TEST_F(DeliveryLeasesTest, WhatWasLengthenedBeyondTheLongestTimeIsLeftAtThat) {
  Come("d1", 0, absl::Seconds(10));
  leases_.Lengthen("d1", absl::Minutes(10), At(1));
  EXPECT_THAT(DueAt(60), IsEmpty());
  EXPECT_EQ(leases_.next_due(), absl::InfiniteFuture());
}

}  // namespace
}  // namespace onhook::client
