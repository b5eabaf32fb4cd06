#include "onhook/testing/fake_gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "onhook/client.h"

namespace onhook::testing {
namespace {

using client::Settlement;
using ::testing::ElementsAre;
using Action = Settlement::Action;
using State = v1::SubscriptionTimeline;

v1::ReleaseEvent Call(const std::string& call_serial_no) {
  v1::ReleaseEvent event;
  event.set_call_serial_no(call_serial_no);
  return event;
}

// Everything here goes over the library itself, as in the tests of its users.
class PublicFakeGatewayTest : public ::testing::Test {
 protected:
  PublicFakeGatewayTest() : client_(gateway_.client_options()) {
    options_.subscription = "crm";
    options_.stop_grace = absl::ZeroDuration();
  }
  void Consume() { consumer_ = client_.Consume(options_); }
  client::Delivery Next() { return *consumer_->Next(FakeGateway::kPatience); }

  FakeGateway gateway_;
  const client::Client client_;
  client::SubscribeOptions options_;
  std::unique_ptr<client::Consumer> consumer_;
};

TEST_F(PublicFakeGatewayTest, WhatIsPublishedIsHandledAndItsAcknowledgementIsTold) {
  const std::string event_id = gateway_.Publish(Call("call-1"));
  std::vector<std::string> handled;
  const auto subscriber = client_.Subscribe(options_, [&](const v1::Delivery& delivery) {
    handled.push_back(delivery.event().call_serial_no());
    return Settlement::Ack();
  });
  const std::optional<Outcome> outcome = gateway_.NextOutcome();
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->settlement.action, Action::kAck);
  EXPECT_EQ(outcome->subscription, "crm");
  EXPECT_EQ(outcome->event_id, event_id);
  EXPECT_EQ(outcome->attempt, 1);
  EXPECT_EQ(gateway_.StateOf("crm", event_id), State::STATE_ACKED);
  EXPECT_EQ(subscriber->Stop(), absl::OkStatus());
  EXPECT_THAT(handled, ElementsAre("call-1"));
}

TEST_F(PublicFakeGatewayTest, WhatIsGivenBackComesAgainAsTheNextAttempt) {
  Consume();
  gateway_.Publish(Call("call-1"));
  EXPECT_EQ(Next().Retry("busy", absl::Hours(1)).get(), absl::OkStatus());
  client::Delivery again = Next();
  EXPECT_EQ(again.attempt(), 2);
  EXPECT_EQ(again.redelivery_reason(), v1::Delivery::REDELIVERY_REASON_NACKED);
  EXPECT_EQ(gateway_.NextOutcome()->settlement.delay, absl::Hours(1));
  EXPECT_EQ(std::move(again).Release("not mine").get(), absl::OkStatus());
  client::Delivery released = Next();
  EXPECT_EQ(released.attempt(), 2);
  EXPECT_EQ(released.redelivery_reason(), v1::Delivery::REDELIVERY_REASON_RELEASED);
  EXPECT_EQ(std::move(released).Park("never").get(), absl::OkStatus());
  EXPECT_EQ(gateway_.outcomes().back().settlement.reason, "never");
}

TEST_F(PublicFakeGatewayTest, ALostStreamBringsBackWhatItHeld) {
  Consume();
  gateway_.Publish(Call("call-1"));
  const client::Delivery held = Next();
  gateway_.EndStreams();
  ASSERT_TRUE(gateway_.AwaitStreams(1));
  // It is held here all the while, so it is not fetched twice: it settles by its new delivery.
  gateway_.Publish(Call("call-2"));
  EXPECT_EQ(Next().event().call_serial_no(), "call-2");
}

TEST_F(PublicFakeGatewayTest, AnAnswerThatWasLostIsAskedForAgain) {
  Consume();
  const std::string event_id = gateway_.Publish(Call("call-1"));
  gateway_.AnswerSettlements(false);
  std::future<absl::Status> confirmed = Next().Ack();
  EXPECT_EQ(gateway_.NextOutcome()->event_id, event_id);
  gateway_.AnswerSettlements(true);
  gateway_.EndStreams();
  EXPECT_EQ(confirmed.get(), absl::OkStatus());
  EXPECT_EQ(gateway_.outcomes().size(), 1);  // done once
}

TEST_F(PublicFakeGatewayTest, APauseHoldsNewEventsBack) {
  Consume();
  ASSERT_TRUE(gateway_.AwaitStreams(1));
  consumer_->Pause();
  ASSERT_TRUE(gateway_.AwaitPaused(true));
  const std::string event_id = gateway_.Publish(Call("call-1"));
  EXPECT_EQ(gateway_.StateOf("crm", event_id), State::STATE_PENDING);
  consumer_->Resume();
  EXPECT_EQ(Next().event_id(), event_id);
}

TEST_F(PublicFakeGatewayTest, NoMoreIsHandedOutThanTheClientWants) {
  options_.max_outstanding_events = 1;
  Consume();
  gateway_.Publish(Call("call-1"));
  const std::string second = gateway_.Publish(Call("call-2"));
  client::Delivery first = Next();
  EXPECT_EQ(gateway_.StateOf("crm", second), State::STATE_PENDING);
  std::move(first).Ack();
  EXPECT_EQ(Next().event_id(), second);
}

TEST_F(PublicFakeGatewayTest, GoAwayIsFollowedByAnotherStream) {
  Consume();
  ASSERT_TRUE(gateway_.AwaitStreams(1));
  gateway_.GoAway(v1::GoAway::REASON_SHUTDOWN);
  gateway_.Publish(Call("call-1"));
  EXPECT_EQ(Next().event().call_serial_no(), "call-1");
  EXPECT_TRUE(gateway_.AwaitStreams(1));
}

TEST_F(PublicFakeGatewayTest, WhoIsRefusedIsTold) {
  gateway_.Refuse(absl::PermissionDeniedError("not you"));
  Consume();
  EXPECT_EQ(consumer_->Next().status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(client_.GetEvent("e").status().code(), absl::StatusCode::kPermissionDenied);
  gateway_.Refuse(absl::OkStatus());
  EXPECT_EQ(client_.GetEvent("e").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(PublicFakeGatewayTest, ASilentGatewayIsNoticed) {
  FakeGatewayOptions options;
  options.heartbeat_interval = absl::Milliseconds(100);
  FakeGateway gateway(options);
  const auto consumer = client::Client(gateway.client_options()).Consume(options_);
  ASSERT_TRUE(gateway.AwaitStreams(1));
  gateway.FallSilent();
  gateway.Publish(Call("call-1"));  // which only another stream brings
  EXPECT_EQ(consumer->Next(FakeGateway::kPatience)->event().call_serial_no(), "call-1");
}

TEST_F(PublicFakeGatewayTest, AWatchReadsWhatIsThereAndWhatComes) {
  gateway_.Publish(Call("call-1"));
  client::WatchOptions options;
  options.request.set_position(v1::START_POSITION_EARLIEST);
  std::vector<std::string> calls;
  const auto watcher = client_.Watch(options, [&](const v1::WatchedEvent& event) {
    calls.push_back(event.event().call_serial_no());
    return calls.size() == 2 ? absl::AbortedError("enough") : absl::OkStatus();
  });
  ASSERT_TRUE(gateway_.AwaitStreams(1));
  gateway_.Publish(Call("call-2"));
  EXPECT_EQ(watcher->Wait(), absl::AbortedError("enough"));
  EXPECT_THAT(calls, ElementsAre("call-1", "call-2"));
  options.request.set_after_cursor("of another gateway");
  const auto lost =
      client_.Watch(options, [](const v1::WatchedEvent&) { return absl::OkStatus(); });
  EXPECT_EQ(lost->Wait().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PublicFakeGatewayTest, AListingGoesOverAllPages) {
  for (int i = 0; i < 5; ++i) gateway_.Publish(Call("call-1"));
  gateway_.Publish(Call("call-2"));
  v1::ListEventsRequest request;
  request.set_call_serial_no("call-1");
  request.set_page_size(2);
  int seen = 0;
  EXPECT_EQ(client_.ForEachEvent(request,
                                 [&](const v1::StoredEvent&) {
                                   ++seen;
                                   return absl::OkStatus();
                                 }),
            absl::OkStatus());
  EXPECT_EQ(seen, 5);
  EXPECT_EQ(client_.ForEachEvent(
                request, [](const v1::StoredEvent&) { return absl::AbortedError("enough"); }),
            absl::AbortedError("enough"));
}

TEST(MadeMessageTest, AHandlerCanBeCalledWithoutAnyGateway) {
  const auto handler = [](const v1::Delivery& delivery) {
    return delivery.attempt() > 1 ? Settlement::Park("twice") : Settlement::Ack();
  };
  EXPECT_EQ(handler(MakeMessage(Call("call-1"))).action, Action::kAck);
  EXPECT_EQ(handler(MakeMessage(Call("call-1"), 2)).action, Action::kPark);
}

TEST(MadeMessageTest, ADeliveryCanBeRefused) {
  std::vector<Outcome> outcomes;
  client::Delivery delivery =
      MakeDelivery(Call("call-1"), &outcomes, absl::UnavailableError("lost"));
  EXPECT_EQ(std::move(delivery).Ack().get(), absl::UnavailableError("lost"));
  EXPECT_EQ(outcomes.size(), 1);
}

}  // namespace
}  // namespace onhook::testing
