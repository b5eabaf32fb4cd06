// What becomes of deliveries that are not simply acked.
#include <gmock/gmock.h>

#include "tests/unit/delivery/delivery_fixture.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SubscribeSettlingTest : public DeliveryFixture {
 protected:
  // Sends a nack and returns what the gateway says to it.
  static v1::AckResults Nack(Subscriber& subscriber, const v1::Delivery& delivery,
                             v1::NackRequest::Action action) {
    v1::SubscribeRequest request;
    request.mutable_nack()->add_delivery_ids(delivery.delivery_id());
    request.mutable_nack()->set_action(action);
    request.mutable_nack()->set_reason("because");
    if (action == v1::NackRequest::ACTION_RETRY) request.mutable_nack()->mutable_delay();
    subscriber.Send(request);
    return subscriber.Results();
  }
  static v1::AckResults Extend(Subscriber& subscriber, const v1::Delivery& delivery) {
    v1::SubscribeRequest request;
    request.mutable_extend()->add_delivery_ids(delivery.delivery_id());
    request.mutable_extend()->mutable_ack_deadline()->set_seconds(600);
    subscriber.Send(request);
    return subscriber.Results();
  }
  v1::SubscriptionStats StatsOf(const std::string& name) {
    v1::GetSubscriptionRequest request;
    request.set_name(name);
    v1::GetSubscriptionResponse response;
    EXPECT_TRUE(Call(&v1::SubscriptionService::Stub::GetSubscription, request, &response).ok());
    return response.subscription().stats();
  }
};

TEST_F(SubscribeSettlingTest, ANackToRetryBringsTheNextAttempt) {
  Append("a");
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  const auto first = subscriber.Deliveries(1);
  EXPECT_EQ(Nack(subscriber, first[0], v1::NackRequest::ACTION_RETRY).exceptions_size(), 0);
  const auto second = subscriber.Deliveries(1);
  EXPECT_EQ(second[0].attempt(), 2);
  EXPECT_EQ(second[0].redelivery_reason(), v1::Delivery::REDELIVERY_REASON_NACKED);
  EXPECT_NE(second[0].delivery_id(), first[0].delivery_id());
}

TEST_F(SubscribeSettlingTest, ANackToParkMakesADeadLetterAtOnce) {
  Append("a");
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  EXPECT_EQ(
      Nack(subscriber, subscriber.Deliveries(1)[0], v1::NackRequest::ACTION_PARK).exceptions_size(),
      0);
  EXPECT_EQ(StatsOf("crm").dead_letters(), 1);
  EXPECT_EQ(StatsOf("crm").backlog_events(), 0);
}

TEST_F(SubscribeSettlingTest, ANackToSkipSettlesWithoutADeadLetter) {
  Append("a");
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  EXPECT_EQ(
      Nack(subscriber, subscriber.Deliveries(1)[0], v1::NackRequest::ACTION_SKIP).exceptions_size(),
      0);
  EXPECT_EQ(StatsOf("crm").dead_letters(), 0);
  EXPECT_EQ(StatsOf("crm").backlog_events(), 0);
}

TEST_F(SubscribeSettlingTest, AReleasedDeliveryComesAgainAndSaysSo) {
  Append("a");
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  const auto first = subscriber.Deliveries(1);
  EXPECT_EQ(Nack(subscriber, first[0], v1::NackRequest::ACTION_RELEASE).exceptions_size(), 0);
  const auto again = subscriber.Deliveries(1);
  EXPECT_THAT(CallsOf(again), ElementsAre("a"));
  EXPECT_EQ(again[0].redelivery_reason(), v1::Delivery::REDELIVERY_REASON_RELEASED);
}

TEST_F(SubscribeSettlingTest, OnlyTheLatestAttemptMayBeNackedOrExtendedButAnyMayBeAcked) {
  Append("a");
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  const auto first = subscriber.Deliveries(1);
  Nack(subscriber, first[0], v1::NackRequest::ACTION_RETRY);
  subscriber.Deliveries(1);
  const auto nacked = Nack(subscriber, first[0], v1::NackRequest::ACTION_PARK);
  ASSERT_EQ(nacked.exceptions_size(), 1);
  EXPECT_EQ(nacked.exceptions(0).result(), v1::AckResults::RESULT_STALE);
  const auto extended = Extend(subscriber, first[0]);
  ASSERT_EQ(extended.exceptions_size(), 1);
  EXPECT_EQ(extended.exceptions(0).result(), v1::AckResults::RESULT_STALE);
  subscriber.Ack(first);
  EXPECT_EQ(subscriber.Next().ack_results().exceptions_size(), 0);
  EXPECT_EQ(StatsOf("crm").backlog_events(), 0);
}

TEST_F(SubscribeSettlingTest, ADeliveryOfAnotherSubscriptionIsUnknownAndStaysOwedThere) {
  Append("a");
  Subscriber crm = Subscribe();
  Subscriber billing = Subscribe();
  crm.Open("crm");
  billing.Open("billing");
  const auto foreign = crm.Deliveries(1);
  billing.Deliveries(1);
  billing.Ack(foreign);
  const v1::AckResults results = billing.Next().ack_results();
  ASSERT_EQ(results.exceptions_size(), 1);
  EXPECT_EQ(results.exceptions(0).result(), v1::AckResults::RESULT_UNKNOWN);
  EXPECT_EQ(StatsOf("crm").backlog_events(), 1);
}

TEST_F(SubscribeSettlingTest, WhatIsNotSettledInTimeComesAgainUnlessItWasExtended) {
  Append("kept");
  Append("late");
  Subscriber subscriber = Subscribe();
  subscriber.MutableOpen()->mutable_ack_deadline()->set_seconds(1);
  EXPECT_EQ(subscriber.Open("crm").ack_deadline().seconds(), 1);
  const auto held = subscriber.Deliveries(2);
  ASSERT_EQ(Extend(subscriber, held[0]).exceptions_size(), 0);
  const auto again = subscriber.Deliveries(1);
  EXPECT_THAT(CallsOf(again), ElementsAre("late"));
  EXPECT_EQ(again[0].redelivery_reason(), v1::Delivery::REDELIVERY_REASON_DEADLINE_EXPIRED);
  EXPECT_EQ(Extend(subscriber, held[0]).exceptions_size(), 0) << "still its latest attempt";
}

TEST_F(SubscribeSettlingTest, ADeletionTellsTheStreamAndEndsIt) {
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  v1::DeleteSubscriptionRequest request;
  request.set_name("crm");
  v1::DeleteSubscriptionResponse response;
  ASSERT_TRUE(Call(&v1::SubscriptionService::Stub::DeleteSubscription, request, &response).ok());
  EXPECT_EQ(subscriber.Next().go_away().reason(), v1::GoAway::REASON_SUBSCRIPTION_DELETED);
  const grpc::Status end = subscriber.End();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(end.error_details(), HasSubstr("SUBSCRIPTION_DELETED"));
}

// The clock jumps here: a write that is under way then must not look stalled. The store does
// nothing by itself: a signal that went to the stream that is to go would be lost.
class HandOverTest : public SubscribeSettlingTest {
 protected:
  HandOverTest() {
    options_.stalled_after = absl::Hours(1);
    store_options_.tick_interval = absl::Hours(24);
  }
};

TEST_F(HandOverTest, AnOldStreamDeliversUntilAnotherHasOpened) {
  Subscriber old = Subscribe();
  old.Open("crm");
  clock_.Advance(absl::Minutes(33));
  v1::SubscribeResponse response = old.Next();
  if (response.has_heartbeat()) response = old.Next();
  ASSERT_EQ(response.go_away().reason(), v1::GoAway::REASON_MAX_AGE);
  Append("a");
  const auto held = old.Deliveries(1);
  EXPECT_THAT(CallsOf(held), ElementsAre("a"));
  Subscriber replacement = Subscribe();
  replacement.Open("crm");
  Append("b");
  EXPECT_THAT(CallsOf(replacement.Deliveries(1)), ElementsAre("b"));
  old.Ack(held);
  EXPECT_TRUE(old.Next().has_ack_results());
  old.HalfClose();
  EXPECT_TRUE(old.End().ok());
}

}  // namespace
}  // namespace onhook
