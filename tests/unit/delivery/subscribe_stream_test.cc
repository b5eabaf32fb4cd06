#include <gmock/gmock.h>

#include <thread>

#include "tests/unit/delivery/delivery_fixture.h"

namespace onhook {
namespace {

using testing::ElementsAre;

class SubscribeStreamTest : public DeliveryFixture {};

TEST_F(SubscribeStreamTest, OpenedComesFirstAndTellsTheTerms) {
  Append("a");
  Subscriber subscriber = Subscribe();
  subscriber.MutableOpen()->set_max_outstanding_events(5);
  const v1::SubscribeOpened opened = subscriber.Open("crm");
  EXPECT_EQ(opened.max_outstanding_events(), 5);
  EXPECT_EQ(opened.max_outstanding_bytes(), 16 << 20);
  EXPECT_EQ(opened.ack_deadline().seconds(), 30);
  EXPECT_EQ(opened.store_id(), store_->store_id());
  EXPECT_EQ(opened.backlog_events(), 1);
  EXPECT_EQ(opened.durability_class(), v1::DURABILITY_CLASS_MEMORY);
  EXPECT_FALSE(opened.server_version().empty());
  EXPECT_EQ(opened.heartbeat_interval().seconds(),
            absl::ToInt64Seconds(options_.heartbeat_interval));
}

TEST_F(SubscribeStreamTest, LimitsAboveTheGatewaysAreCut) {
  Subscriber subscriber = Subscribe();
  subscriber.MutableOpen()->set_max_outstanding_events(1000000);
  EXPECT_EQ(subscriber.Open("crm").max_outstanding_events(), 1000);
}

TEST_F(SubscribeStreamTest, StoredAndNewEventsAreDeliveredInOrder) {
  Append("a");
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("a"));
  Append("b");
  Append("c");
  EXPECT_THAT(CallsOf(subscriber.Deliveries(2)), ElementsAre("b", "c"));
}

TEST_F(SubscribeStreamTest, AnAckedEventDoesNotComeAgainAndAnUnackedOneDoes) {
  Append("a");
  Append("b");
  {
    Subscriber subscriber = Subscribe();
    subscriber.Open("crm");
    const auto deliveries = subscriber.Deliveries(2);
    subscriber.Ack({deliveries[0]}, 7);
    const v1::AckResults results = subscriber.Next().ack_results();
    EXPECT_EQ(results.request_id(), 7u);
    EXPECT_EQ(results.exceptions_size(), 0);
  }
  Subscriber again = Subscribe();
  again.Open("crm");
  const auto deliveries = again.Deliveries(1);
  EXPECT_THAT(CallsOf(deliveries), ElementsAre("b"));
  EXPECT_EQ(deliveries[0].redelivery_reason(), v1::Delivery::REDELIVERY_REASON_STREAM_LOST);
}

TEST_F(SubscribeStreamTest, ARestartKeepsWhatWasAckedAndOldDeliveryIdsStillSettle) {
  Append("a");
  Append("b");
  std::vector<v1::Delivery> before;
  {
    Subscriber subscriber = Subscribe();
    subscriber.Open("crm");
    before = subscriber.Deliveries(2);
    subscriber.Ack({before[0]});
    ASSERT_TRUE(subscriber.Next().has_ack_results());
  }
  RestartGateway();
  Subscriber subscriber = Subscribe();
  EXPECT_EQ(subscriber.Open("crm").backlog_events(), 1);
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("b"));
  subscriber.Ack({before[1]});
  EXPECT_EQ(subscriber.Next().ack_results().exceptions_size(), 0);
}

TEST_F(SubscribeStreamTest, StreamsOfOneSubscriptionShareTheWork) {
  Subscriber one = Subscribe();
  Subscriber other = Subscribe();
  one.MutableOpen()->set_max_outstanding_events(1);
  other.MutableOpen()->set_max_outstanding_events(1);
  one.Open("crm");
  other.Open("crm");
  Append("a");
  Append("b");
  const auto first = CallsOf(one.Deliveries(1));
  const auto second = CallsOf(other.Deliveries(1));
  EXPECT_NE(first, second);
}

TEST_F(SubscribeStreamTest, AStreamHoldsNoMoreThanItAskedFor) {
  for (const char* call : {"a", "b", "c"}) Append(call);
  Subscriber subscriber = Subscribe();
  subscriber.MutableOpen()->set_max_outstanding_events(2);
  subscriber.Open("crm");
  const auto held = subscriber.Deliveries(2);
  EXPECT_THAT(CallsOf(held), ElementsAre("a", "b"));
  subscriber.Ack({held[0]});
  // Had the third come before, it would be read here.
  EXPECT_TRUE(subscriber.Next().has_ack_results());
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("c"));
}

TEST_F(SubscribeStreamTest, OneEventIsLetThroughWhateverItsSize) {
  call_data_ = std::string(4000, 'x');
  Append("a");
  Append("b");
  Subscriber subscriber = Subscribe();
  subscriber.MutableOpen()->set_max_outstanding_bytes(100);
  subscriber.Open("crm");
  const auto held = subscriber.Deliveries(1);
  subscriber.Ack(held);
  EXPECT_TRUE(subscriber.Next().has_ack_results());
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("b"));
}

TEST_F(SubscribeStreamTest, APausedStreamGetsNothingUntilItGoesOn) {
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  subscriber.Pause(true);
  subscriber.Ack({});  // its answer shows that the pause was taken
  EXPECT_TRUE(subscriber.Next().has_ack_results());
  Append("a");
  subscriber.Ack({});
  EXPECT_TRUE(subscriber.Next().has_ack_results());
  subscriber.Pause(false);
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("a"));
}

TEST_F(SubscribeStreamTest, AnUnknownDeliveryIdIsAnExceptionAndNotAnEnd) {
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  v1::Delivery made_up;
  made_up.set_delivery_id(std::string(100, 'x'));
  subscriber.Ack({made_up}, 3);
  const v1::AckResults results = subscriber.Next().ack_results();
  ASSERT_EQ(results.exceptions_size(), 1);
  EXPECT_EQ(results.exceptions(0).result(), v1::AckResults::RESULT_UNKNOWN);
  EXPECT_EQ(results.exceptions(0).delivery_id(), std::string(64, 'x'));
  Append("a");
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("a"));
}

TEST_F(SubscribeStreamTest, AHalfCloseEndsWithOkOnceAcksAreAnswered) {
  Append("a");
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  subscriber.Ack(subscriber.Deliveries(1), 9);
  subscriber.HalfClose();
  EXPECT_EQ(subscriber.Next().ack_results().request_id(), 9u);
  EXPECT_TRUE(subscriber.End().ok());
}

TEST_F(SubscribeStreamTest, WhatACancelledStreamHeldGoesToAnother) {
  Subscriber lost = Subscribe();
  lost.Open("crm");
  Append("a");
  ASSERT_THAT(CallsOf(lost.Deliveries(1)), ElementsAre("a"));
  Subscriber other = Subscribe();
  other.Open("crm");
  lost.Cancel();
  EXPECT_THAT(CallsOf(other.Deliveries(1)), ElementsAre("a"));
}

TEST_F(SubscribeStreamTest, AMissingSubscriptionIsNamedUnlessItMayBeCreated) {
  Subscriber subscriber = Subscribe();
  v1::SubscribeRequest open;
  open.mutable_open()->set_subscription("nobody");
  subscriber.Send(open);
  const grpc::Status status = subscriber.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("nobody"));
}

TEST_F(SubscribeStreamTest, AWrongFirstMessageIsRefused) {
  Subscriber acking = Subscribe();
  acking.Ack({});
  EXPECT_EQ(acking.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  Subscriber silent = Subscribe();
  silent.HalfClose();
  EXPECT_EQ(silent.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SubscribeStreamTest, ASecondOpenIsRefused) {
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  v1::SubscribeRequest open;
  open.mutable_open()->set_subscription("crm");
  subscriber.Send(open);
  EXPECT_EQ(subscriber.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SubscribeStreamTest, TooManyIdsInOneAckAreRefused) {
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  subscriber.Ack(std::vector<v1::Delivery>(10001));
  EXPECT_EQ(subscriber.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SubscribeStreamTest, ALimitBelowOneInFlowIsRefused) {
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  v1::SubscribeRequest flow;
  flow.mutable_flow()->set_max_outstanding_events(0);
  subscriber.Send(flow);
  EXPECT_EQ(subscriber.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SubscribeStreamTest, AnIdleStreamGetsAHeartbeat) {
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  clock_.Advance(absl::Seconds(15));
  EXPECT_TRUE(subscriber.Next().has_heartbeat());
}

TEST_F(SubscribeStreamTest, AStreamThatIsNotOpenedInTimeIsEnded) {
  Subscriber subscriber = Subscribe();
  // Its call must have reached the gateway before the time is turned.
  Subscriber later = Subscribe();
  later.Open("crm");
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(subscriber.End().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(SubscribeStreamTest, ACallbackIsAcknowledgedOnceItsEventWasWritten) {
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  EXPECT_TRUE(Accept("a").ok());
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("a"));
}

// The clock jumps here: a write that is under way then must not look stalled.
class OldSubscriberTest : public DeliveryFixture {
 protected:
  OldSubscriberTest() { options_.stalled_after = absl::Hours(1); }
};

TEST_F(OldSubscriberTest, AnOldStreamIsAskedToComeAgainAndItsAcksAreStillTaken) {
  Append("a");
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  const auto held = subscriber.Deliveries(1);
  clock_.Advance(absl::Minutes(33));
  v1::SubscribeResponse response = subscriber.Next();
  if (response.has_heartbeat()) response = subscriber.Next();
  EXPECT_EQ(response.go_away().reason(), v1::GoAway::REASON_MAX_AGE);
  subscriber.Ack(held);
  EXPECT_TRUE(subscriber.Next().has_ack_results());
  clock_.Advance(options_.drain_timeout);
  EXPECT_EQ(subscriber.End().error_code(), grpc::StatusCode::UNAVAILABLE);
}

// One that sends large requests and reads their answers late.
class LateReaderTest : public DeliveryFixture {
 protected:
  LateReaderTest() { options_.max_unanswered_bytes = 1; }
};

TEST_F(LateReaderTest, ItGetsEveryAnswerInOrder) {
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  v1::Delivery made_up;
  made_up.set_delivery_id(std::string(64, 'x'));
  for (uint64_t i = 1; i <= 10; ++i) {
    subscriber.Ack(std::vector<v1::Delivery>(100, made_up), i);
  }
  for (uint64_t i = 1; i <= 10; ++i) {
    const v1::AckResults results = subscriber.Next().ack_results();
    EXPECT_EQ(results.request_id(), i);
    EXPECT_EQ(results.exceptions_size(), 100);
  }
}

// A subscriber that takes nothing, on a connection whose windows stay as small as they begin.
class StalledSubscriberTest : public DeliveryFixture {
 protected:
  StalledSubscriberTest() {
    options_.max_stream_age = absl::Hours(1000);
    options_.heartbeat_interval = options_.stalled_after / 30;
  }
  void SetUp() override {
    DeliveryFixture::SetUp();
    grpc::ChannelArguments small_windows = OwnConnection();
    small_windows.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    stalled_stub_ = StubOfItsOwn(small_windows);
  }
  void AppendMoreThanAWindow() {
    call_data_ = std::string(60 << 10, 'x');
    for (int i = 0; i < 40; ++i) Append(absl::StrCat("call-", i));
  }

  std::unique_ptr<v1::ReleaseEventService::Stub> stalled_stub_;
};

TEST_F(StalledSubscriberTest, ItDelaysNoOther) {
  Subscriber stalled(stalled_stub_.get());
  stalled.Open("slow");
  Subscriber reading = Subscribe();
  reading.Open("fast");
  AppendMoreThanAWindow();
  EXPECT_EQ(reading.Deliveries(40).size(), 40u);
}

TEST_F(StalledSubscriberTest, ItIsEndedAfterAWhileAndItsDeliveriesGoElsewhere) {
  Subscriber stalled(stalled_stub_.get());
  stalled.Open("crm");
  AppendMoreThanAWindow();
  Subscriber other = Subscribe();
  other.Open("crm");
  // Each turn of the clock brings `other` at least a heartbeat, so its own writes are done in time:
  // turns are so small that what was sent ahead of its reading makes no difference.
  int delivered = 0;
  while (delivered < 40) {
    clock_.Advance(options_.heartbeat_interval);
    const v1::SubscribeResponse response = other.Next();
    ASSERT_TRUE(response.has_heartbeat() || response.has_deliveries())
        << other.End().error_message();
    delivered += response.deliveries().deliveries_size();
  }
  EXPECT_EQ(stalled.End().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(StalledSubscriberTest, WhatNeverReachedItIsNotGivenUpForIt) {
  v1::SubscriptionSpec spec;
  spec.set_max_delivery_attempts(1);
  spec.mutable_minimum_retry_time();
  AppendMoreThanAWindow();  // first, so that the very first message does not fit
  Subscriber stalled(stalled_stub_.get());
  *stalled.MutableOpen()->mutable_create_if_missing() = spec;
  stalled.Open("crm");
  const auto queue = *store_->FindQueue("crm");
  while (queue->Stats().outstanding_events == 0) std::this_thread::yield();
  store_clock_.Advance(absl::Seconds(31));
  Subscriber other = Subscribe();
  *other.MutableOpen()->mutable_create_if_missing() = spec;
  other.Open("crm");
  for (const v1::Delivery& delivery : other.Deliveries(40)) EXPECT_EQ(delivery.attempt(), 1);
  EXPECT_EQ(queue->Stats().dead_letters, 0);
}

}  // namespace
}  // namespace onhook
