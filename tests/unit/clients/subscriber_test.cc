#include "onhook/subscriber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onhook/status.h"
#include "tests/unit/clients/fake_gateway.h"
#include "tests/unit/clients/subscriber_fixture.h"

namespace onhook::client {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class SubscriberTest : public SubscriberFixture {};

TEST_F(SubscriberTest, TheStreamIsOpenedWithNameAndFlowControl) {
  options_.consumer_name = "pod-1";
  options_.max_outstanding_events = 7;
  options_.max_outstanding_bytes = 4096;
  options_.ack_deadline = absl::Milliseconds(1500);
  Start();
  Stream();
  EXPECT_EQ(open_.subscription(), "crm");
  EXPECT_EQ(open_.consumer_name(), "pod-1");
  EXPECT_EQ(open_.max_outstanding_events(), 7);
  EXPECT_EQ(open_.max_outstanding_bytes(), 4096);
  EXPECT_EQ(open_.ack_deadline().seconds(), 1);
  EXPECT_EQ(open_.ack_deadline().nanos(), 500'000'000);
  EXPECT_FALSE(open_.has_create_if_missing());
}

TEST_F(SubscriberTest, NothingIsAcknowledgedBeforeItsHandlerReturned) {
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1, 2});
  Handle("e1", Settlement::Retry("database is away", absl::Seconds(3)));
  // Would there have been an acknowledgement, it would have come before.
  const v1::NackRequest nack = stream.Take().nack();
  EXPECT_THAT(nack.delivery_ids(), ElementsAre("d1"));
  EXPECT_EQ(nack.action(), v1::NackRequest::ACTION_RETRY);
  EXPECT_EQ(nack.reason(), "database is away");
  EXPECT_EQ(nack.delay().seconds(), 3);
  stream.Confirm(nack.request_id());
  Handle("e2");
  EXPECT_THAT(AckedIds(stream.Take()), ElementsAre("d2"));
}

TEST_F(SubscriberTest, AConfirmedAcknowledgementIsReported) {
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1});
  Handle("e1");
  const uint64_t request_id = stream.Take().ack().request_id();
  EXPECT_TRUE(settled_.empty());
  stream.Confirm(request_id);
  const Settled settled = settled_.Take();
  EXPECT_EQ(settled.event_id, "e1");
  EXPECT_EQ(settled.delivery_id, "d1");
  EXPECT_TRUE(settled.status.ok());
}

TEST_F(SubscriberTest, ADeliveryThatTheGatewayDoesNotKnowIsReported) {
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1});
  Handle("e1");
  stream.Except(stream.Take().ack().request_id(), "d1", v1::AckResults::RESULT_UNKNOWN);
  EXPECT_EQ(settled_.Take().status.code(), absl::StatusCode::kNotFound);
}

TEST_F(SubscriberTest, WhatCouldNotBeStoredNowIsAskedAgain) {
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1});
  Handle("e1");
  stream.Except(stream.Take().ack().request_id(), "d1", v1::AckResults::RESULT_RETRY_LATER);
  const v1::SubscribeRequest again = stream.Take();
  EXPECT_THAT(AckedIds(again), ElementsAre("d1"));
  stream.Confirm(again.ack().request_id());
  EXPECT_TRUE(settled_.Take().status.ok());
}

TEST_F(SubscriberTest, AcknowledgementsGatherWhileOneIsUnanswered) {
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1, 2, 3, 4});
  Handle("e1");
  const v1::SubscribeRequest first = stream.Take();
  EXPECT_THAT(AckedIds(first), ElementsAre("d1"));
  Handle("e2");
  Handle("e3");
  EXPECT_EQ(handling_.Take(), "e4");  // so 2 and 3 are handed in
  EXPECT_TRUE(stream.NothingCame());
  stream.Confirm(first.ack().request_id());
  EXPECT_THAT(AckedIds(stream.Take()), ElementsAre("d2", "d3"));
}

TEST_F(SubscriberTest, AFullBatchDoesNotWaitForTheAnswer) {
  options_.ack_batch = 2;
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1, 2, 3});
  Handle("e1");
  EXPECT_THAT(AckedIds(stream.Take()), ElementsAre("d1"));
  Handle("e2");
  Handle("e3");
  EXPECT_THAT(AckedIds(stream.Take()), ElementsAre("d2", "d3"));
}

TEST_F(SubscriberTest, ALostStreamIsOpenedAgain) {
  Start();
  Stream().End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"));
  EXPECT_EQ(losses_.Take().message(), "restarting");
  FakeSubscribeStream& second = Stream();
  EXPECT_EQ(open_.subscription(), "crm");
  second.Deliver({1});
  Handle("e1");
  EXPECT_THAT(AckedIds(second.Take()), ElementsAre("d1"));
}

TEST_F(SubscriberTest, AnUnansweredAcknowledgementIsSentAgainOnTheNextStream) {
  Start();
  FakeSubscribeStream& first = Stream();
  first.Deliver({1});
  Handle("e1");
  EXPECT_THAT(AckedIds(first.Take()), ElementsAre("d1"));
  first.End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost"));
  EXPECT_THAT(AckedIds(Stream().Take()), ElementsAre("d1"));
}

TEST_F(SubscriberTest, AHandlerThatOutlivesItsStreamIsAcknowledgedOnTheNext) {
  Start();
  FakeSubscribeStream& first = Stream();
  first.Deliver({1});
  EXPECT_EQ(handling_.Take(), "e1");
  first.End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost"));
  FakeSubscribeStream& second = Stream();
  verdicts_.Put(Settlement::Ack());
  EXPECT_THAT(AckedIds(second.Take()), ElementsAre("d1"));
}

TEST_F(SubscriberTest, EventsThatWaitedOnALostStreamAreNotHandled) {
  Start();
  FakeSubscribeStream& first = Stream();
  first.Deliver({1, 2});
  EXPECT_EQ(handling_.Take(), "e1");
  first.End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost"));
  FakeSubscribeStream& second = Stream();
  second.Deliver({3});
  verdicts_.Put(Settlement::Ack());
  EXPECT_EQ(handling_.Take(), "e3");
}

TEST_F(SubscriberTest, GoAwayOpensTheReplacementWhileTheOldStreamFinishes) {
  Start();
  FakeSubscribeStream& old = Stream();
  old.Deliver({1});
  EXPECT_EQ(handling_.Take(), "e1");
  old.SendGoAway(v1::GoAway::REASON_MAX_AGE);
  FakeSubscribeStream& replacement = Stream();
  verdicts_.Put(Settlement::Ack());
  const v1::SubscribeRequest ack = old.Take();
  EXPECT_THAT(AckedIds(ack), ElementsAre("d1"));
  old.Confirm(ack.ack().request_id());
  EXPECT_TRUE(old.AwaitHalfClose());
  old.End();
  replacement.Deliver({2});
  Handle("e2");
  EXPECT_THAT(AckedIds(replacement.Take()), ElementsAre("d2"));
}

TEST_F(SubscriberTest, ADeletedSubscriptionIsNotOpenedAgain) {
  options_.drain_timeout = kPatience;
  options_.create_if_missing.emplace();
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.SendGoAway(v1::GoAway::REASON_SUBSCRIPTION_DELETED);
  EXPECT_TRUE(stream.AwaitHalfClose());
  stream.End();
  EXPECT_EQ(subscriber_->Wait().code(), absl::StatusCode::kNotFound);
}

TEST_F(SubscriberTest, ThatItEndsByItselfIsToldWhileAHandlerStillRuns) {
  Inbox<absl::Status> endings;
  options_.on_ending = [&](const absl::Status& why) { endings.Put(why); };
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1});
  EXPECT_EQ(handling_.Take(), "e1");
  stream.SendGoAway(v1::GoAway::REASON_SUBSCRIPTION_DELETED);
  EXPECT_EQ(endings.Take().code(), absl::StatusCode::kNotFound);
  verdicts_.Put(Settlement::Ack());
  EXPECT_EQ(subscriber_->Wait().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(endings.empty());
  subscriber_.reset();  // before what it calls
}

TEST_F(SubscriberTest, AMissingSubscriptionEndsItWithTheGatewaysReason) {
  Start();
  gateway_.TakeSubscribe()->End(
      StatusWithReason(grpc::StatusCode::NOT_FOUND, "no such subscription", "NO_SUBSCRIPTION"));
  const absl::Status status = subscriber_->Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no such subscription");
  EXPECT_EQ(ErrorReason(status), "NO_SUBSCRIPTION");
}

TEST_F(SubscriberTest, StopWaitsForTheConfirmationOfWhatWasHandled) {
  options_.drain_timeout = kPatience;
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1, 2});
  EXPECT_EQ(handling_.Take(), "e1");
  subscriber_->RequestStop();
  ExpectReleased(stream, "d2");
  verdicts_.Put(Settlement::Ack());
  const v1::SubscribeRequest ack = stream.Take();
  EXPECT_THAT(AckedIds(ack), ElementsAre("d1"));
  stream.Confirm(ack.ack().request_id());
  EXPECT_TRUE(stream.AwaitHalfClose());
  stream.End();
  EXPECT_TRUE(subscriber_->Stop().ok());
  EXPECT_FALSE(settled_.empty());
  // The second event waited for the handler: it is the gateway's again.
  EXPECT_TRUE(handling_.empty());
}

TEST_F(SubscriberTest, WhatComesAfterAStopIsReleasedThoughAHandlerStillRuns) {
  options_.drain_timeout = kPatience;
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1});
  EXPECT_EQ(handling_.Take(), "e1");
  subscriber_->RequestStop();
  EXPECT_TRUE(stream.Take().flow().paused());
  stream.Deliver({2, 3});  // was on its way
  std::vector<std::string> released;
  while (released.size() < 2) {  // in one request or in two
    const v1::NackRequest nack = stream.Take().nack();
    ASSERT_EQ(nack.action(), v1::NackRequest::ACTION_RELEASE);
    released.insert(released.end(), nack.delivery_ids().begin(), nack.delivery_ids().end());
    stream.Confirm(nack.request_id());
  }
  EXPECT_THAT(released, ElementsAre("d2", "d3"));
  verdicts_.Put(Settlement::Ack());
  stream.Confirm(stream.Take().ack().request_id());
  EXPECT_TRUE(stream.AwaitHalfClose());
  stream.End();
  EXPECT_TRUE(subscriber_->Stop().ok());
}

TEST_F(SubscriberTest, AHandlerThatOutlivesItsStreamAfterAStopIsAcknowledgedOnTheNext) {
  options_.drain_timeout = kPatience;
  Start();
  FakeSubscribeStream& first = Stream();
  first.Deliver({1});
  EXPECT_EQ(handling_.Take(), "e1");
  subscriber_->RequestStop();
  EXPECT_TRUE(first.Take().flow().paused());
  first.End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"));
  FakeSubscribeStream& second = Stream();
  EXPECT_TRUE(second.Take().flow().paused());
  verdicts_.Put(Settlement::Ack());
  const v1::SubscribeRequest ack = second.Take();
  EXPECT_THAT(AckedIds(ack), ElementsAre("d1"));
  second.Confirm(ack.ack().request_id());
  EXPECT_TRUE(second.AwaitHalfClose());
  second.End();
  EXPECT_TRUE(subscriber_->Stop().ok());
}

TEST_F(SubscriberTest, StopTellsOfAcknowledgementsThatWereNotConfirmed) {
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1});
  Handle("e1");
  EXPECT_THAT(AckedIds(stream.Take()), ElementsAre("d1"));
  EXPECT_EQ(subscriber_->Stop().code(), absl::StatusCode::kUnavailable);
}

TEST_F(SubscriberTest, StopEndsASubscriberThatNeverReachedItsGateway) {
  ClientOptions nowhere = gateway_.client_options();
  nowhere.server = "127.0.0.1:1";
  const auto subscriber = Client(nowhere).Subscribe(
      SubscribeOptions(), [](const v1::Delivery&) { return Settlement::Ack(); });
  EXPECT_TRUE(subscriber->Stop().ok());
}

TEST(SubscriberOfALostGatewayTest, ThatItIsAwayIsToldOnceAndItsReturnIsNoticed) {
  auto gateway = std::make_unique<FakeGateway>();
  const std::string address = gateway->address();
  Inbox<absl::Status> losses;
  SubscribeOptions options;
  options.drain_timeout = absl::ZeroDuration();
  options.on_disconnected = [&](const absl::Status& why) { losses.Put(why); };
  const auto subscriber =
      Client(gateway->client_options()).Subscribe(options, [](const v1::Delivery&) {
        return Settlement::Ack();
      });
  gateway->TakeSubscribe()->SendOpened();
  gateway = nullptr;
  EXPECT_FALSE(losses.Take().ok());         // the stream
  const absl::Status away = losses.Take();  // the gateway
  EXPECT_EQ(away.code(), absl::StatusCode::kUnavailable);
  gateway = std::make_unique<FakeGateway>(address);
  EXPECT_NE(gateway->TakeSubscribe(), nullptr);
  EXPECT_TRUE(losses.empty());
}

TEST_F(SubscriberTest, AnEventThatIsLeftIsNotSpokenOfAndHoldsUpNoStop) {
  options_.drain_timeout = kPatience;
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1});
  Handle("e1", Settlement::Leave());
  subscriber_->RequestStop();
  EXPECT_TRUE(stream.Take().flow().paused());
  EXPECT_TRUE(stream.AwaitHalfClose());
  EXPECT_TRUE(stream.NothingCame());
  stream.End();
  EXPECT_TRUE(subscriber_->Stop().ok());
}

TEST_F(SubscriberTest, WhatIsHandledAndWhatWaitsIsExtendedUntilItIsSettled) {
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1, 2}, absl::Milliseconds(10));
  EXPECT_EQ(handling_.Take(), "e1");
  const v1::ExtendRequest extend = stream.Take().extend();
  EXPECT_THAT(extend.delivery_ids(), UnorderedElementsAre("d1", "d2"));
  EXPECT_EQ(extend.ack_deadline().seconds(), 1);
  verdicts_.Put(Settlement::Ack());
  EXPECT_EQ(handling_.Take(), "e2");
  v1::SubscribeRequest ack = stream.Take();
  while (ack.has_extend()) ack = stream.Take();  // a slow machine may have got so far
  EXPECT_THAT(AckedIds(ack), ElementsAre("d1"));
  EXPECT_THAT(stream.Take().extend().delivery_ids(), ElementsAre("d2"));
}

TEST_F(SubscriberTest, WhatSomebodyElseHasByNowIsNotExtendedAgain) {
  options_.handler_threads = 2;
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1, 2}, absl::Milliseconds(10));
  const v1::ExtendRequest extend = stream.Take().extend();
  EXPECT_EQ(extend.delivery_ids_size(), 2);
  stream.Except(extend.request_id(), "d1", v1::AckResults::RESULT_STALE);
  EXPECT_THAT(stream.Take().extend().delivery_ids(), ElementsAre("d2"));
}

TEST_F(SubscriberTest, AnExtensionThatCouldNotBeMadeNowIsAskedForAgain) {
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1}, absl::Milliseconds(10));
  const v1::ExtendRequest first = stream.Take().extend();
  stream.Except(first.request_id(), "d1", v1::AckResults::RESULT_RETRY_LATER);
  EXPECT_THAT(stream.Take().extend().delivery_ids(), ElementsAre("d1"));
}

TEST_F(SubscriberTest, WithoutExtensionTheGatewaysDeadlineHolds) {
  options_.max_extension = absl::ZeroDuration();
  options_.handler_threads = 2;
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1}, absl::Milliseconds(1));
  EXPECT_EQ(handling_.Take(), "e1");
  stream.Deliver({2});
  Handle("e2");
  // An extension would have been asked for before.
  EXPECT_TRUE(stream.Take().has_ack());
}

TEST_F(SubscriberTest, AHandlerThatRunsOnAfterAStopIsStillExtended) {
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1}, absl::Seconds(1));
  EXPECT_EQ(handling_.Take(), "e1");
  subscriber_->RequestStop();
  EXPECT_TRUE(stream.Take().flow().paused());
  EXPECT_THAT(stream.Take().extend().delivery_ids(), ElementsAre("d1"));
}

TEST_F(SubscriberTest, SeveralHandlersWorkAtOnce) {
  options_.handler_threads = 2;
  Start();
  Stream().Deliver({1, 2});
  // Both are in the handler, which nobody has let return.
  EXPECT_NE(handling_.Take(), "");
  EXPECT_NE(handling_.Take(), "");
}

}  // namespace
}  // namespace onhook::client
