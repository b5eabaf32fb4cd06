#include "onhook/consumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "onhook/client.h"
#include "tests/unit/clients/fake_gateway.h"
#include "tests/unit/clients/subscriber_fixture.h"

namespace onhook::client {
namespace {

using ::testing::ElementsAre;

const grpc::Status kLost(grpc::StatusCode::UNAVAILABLE, "lost");

// A consumer of the fake gateway; the test fetches and settles.
class ConsumerTest : public ::testing::Test {
 protected:
  ConsumerTest() {
    options_.subscription = "crm";
    options_.drain_timeout = absl::Milliseconds(20);
    options_.stop_grace = absl::ZeroDuration();
  }

  // Starts it; its first stream, past its opening.
  FakeSubscribeStream& Start() {
    consumer_ = Client(gateway_.client_options()).Consume(options_);
    return Stream();
  }
  FakeSubscribeStream& Stream() {
    FakeSubscribeStream* const stream = gateway_.TakeSubscribe();
    stream->Take();
    stream->SendOpened();
    return *stream;
  }
  Delivery Next(const std::string& event) {
    absl::StatusOr<Delivery> delivery = consumer_->Next(kPatience);
    EXPECT_EQ(delivery.status(), absl::OkStatus());
    EXPECT_EQ(delivery->event_id(), event);
    return *std::move(delivery);
  }

  FakeGateway gateway_;
  SubscribeOptions options_;
  std::unique_ptr<Consumer> consumer_;
};

TEST_F(ConsumerTest, EventsAreFetchedInOrderAndSettledInAny) {
  FakeSubscribeStream& stream = Start();
  stream.Deliver({1, 2});
  Delivery first = Next("e1");
  Delivery second = Next("e2");
  std::future<absl::Status> confirmed = std::move(second).Ack();
  const v1::SubscribeRequest ack = stream.Take();
  EXPECT_THAT(AckedIds(ack), ElementsAre("d2"));
  EXPECT_EQ(confirmed.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  stream.Confirm(ack.ack().request_id());
  EXPECT_EQ(confirmed.get(), absl::OkStatus());
  std::future<absl::Status> parked = std::move(first).Park("no such customer");
  const v1::NackRequest nack = stream.Take().nack();
  EXPECT_EQ(nack.action(), v1::NackRequest::ACTION_PARK);
  EXPECT_EQ(nack.reason(), "no such customer");
  stream.Confirm(nack.request_id());
  EXPECT_EQ(parked.get(), absl::OkStatus());
}

TEST_F(ConsumerTest, NothingComesWithinTheTime) {
  Start();
  EXPECT_EQ(consumer_->Next(absl::Milliseconds(1)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ConsumerTest, WhatTheGatewayDidNotDoIsToldToWhoAsked) {
  FakeSubscribeStream& stream = Start();
  stream.Deliver({1, 2});
  std::future<absl::Status> stale = Next("e1").Retry("busy");
  stream.Except(stream.Take().nack().request_id(), "d1", v1::AckResults::RESULT_STALE);
  EXPECT_EQ(stale.get().code(), absl::StatusCode::kAborted);
  std::future<absl::Status> unknown = Next("e2").Ack();
  stream.Except(stream.Take().ack().request_id(), "d2", v1::AckResults::RESULT_UNKNOWN);
  EXPECT_EQ(unknown.get().code(), absl::StatusCode::kNotFound);
}

TEST_F(ConsumerTest, AnAcknowledgementIsConfirmedOverTheNextStream) {
  FakeSubscribeStream& first = Start();
  first.Deliver({1});
  std::future<absl::Status> confirmed = Next("e1").Ack();
  EXPECT_THAT(AckedIds(first.Take()), ElementsAre("d1"));
  first.End(kLost);
  FakeSubscribeStream& second = Stream();
  const v1::SubscribeRequest again = second.Take();
  EXPECT_THAT(AckedIds(again), ElementsAre("d1"));
  second.Confirm(again.ack().request_id());
  EXPECT_EQ(confirmed.get(), absl::OkStatus());
}

TEST_F(ConsumerTest, WhatElseWasSaidIsGivenUpWithItsStream) {
  FakeSubscribeStream& first = Start();
  first.Deliver({1, 2});
  std::future<absl::Status> unanswered = Next("e1").Park("never");
  Delivery held = Next("e2");
  first.Take();
  first.End(kLost);
  EXPECT_EQ(unanswered.get().code(), absl::StatusCode::kUnavailable);
  Stream();
  EXPECT_EQ(std::move(held).Skip("too late").get().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ConsumerTest, AnExtensionIsAskedForAndConfirmed) {
  options_.max_extension = absl::ZeroDuration();
  FakeSubscribeStream& stream = Start();
  stream.Deliver({1}, absl::Seconds(10));
  const Delivery held = Next("e1");
  std::future<absl::Status> extended = held.Extend(absl::Seconds(90));
  const v1::ExtendRequest request = stream.Take().extend();
  EXPECT_THAT(request.delivery_ids(), ElementsAre("d1"));
  EXPECT_EQ(request.ack_deadline().seconds(), 90);
  stream.Confirm(request.request_id());
  EXPECT_EQ(extended.get(), absl::OkStatus());
}

TEST_F(ConsumerTest, AnExtensionThatIsRefusedSaysSo) {
  FakeSubscribeStream& stream = Start();
  stream.Deliver({1});
  const Delivery held = Next("e1");
  std::future<absl::Status> extended = held.Extend(absl::Seconds(90));
  stream.Except(stream.Take().extend().request_id(), "d1", v1::AckResults::RESULT_STALE);
  EXPECT_EQ(extended.get().code(), absl::StatusCode::kAborted);
}

TEST_F(ConsumerTest, WhatComesAgainWhileItIsHeldIsNotFetchedTwiceAndSettlesByTheNewestDelivery) {
  FakeSubscribeStream& first = Start();
  first.Deliver({1});
  Delivery held = Next("e1");
  first.End(kLost);
  FakeSubscribeStream& second = Stream();
  second.Redeliver("e1", "again");
  second.Deliver({2});
  const Delivery other = Next("e2");  // so what came again was read
  std::move(held).Ack();
  EXPECT_THAT(AckedIds(second.Take()), ElementsAre("again"));
}

TEST_F(ConsumerTest, WhatIsDroppedIsAFailedAttemptAndAfterAStopReleased) {
  options_.stop_grace = kPatience;
  FakeSubscribeStream& stream = Start();
  stream.Deliver({1, 2});
  { const Delivery dropped = Next("e1"); }
  EXPECT_EQ(stream.Take().nack().action(), v1::NackRequest::ACTION_RETRY);
  {
    const Delivery dropped = Next("e2");
    consumer_->RequestStop();
    EXPECT_TRUE(stream.Take().flow().paused());
  }
  const v1::NackRequest nack = stream.Take().nack();
  EXPECT_EQ(nack.action(), v1::NackRequest::ACTION_RELEASE);
  EXPECT_THAT(nack.delivery_ids(), ElementsAre("d2"));
}

TEST_F(ConsumerTest, AStopWakesWhoeverWaitsForTheNextEvent) {
  Start();
  std::future<absl::Status> next =
      std::async(std::launch::async, [this] { return consumer_->Next().status(); });
  EXPECT_TRUE(consumer_->Stop().ok());
  EXPECT_EQ(next.get().code(), absl::StatusCode::kCancelled);
}

TEST_F(ConsumerTest, WhatIsHeldWhenTheGraceIsOverIsReleasedAndNotAcknowledgedAnyMore) {
  options_.drain_timeout = kPatience;
  FakeSubscribeStream& stream = Start();
  stream.Deliver({1, 2});
  Delivery held = Next("e1");
  consumer_->RequestStop(absl::Milliseconds(1));
  EXPECT_TRUE(stream.Take().flow().paused());
  std::vector<std::string> released;
  while (released.size() < 2) {  // what waited, and what was held
    const v1::NackRequest nack = stream.Take().nack();
    ASSERT_EQ(nack.action(), v1::NackRequest::ACTION_RELEASE);
    released.insert(released.end(), nack.delivery_ids().begin(), nack.delivery_ids().end());
    stream.Confirm(nack.request_id());
  }
  EXPECT_THAT(released, ElementsAre("d2", "d1"));
  EXPECT_EQ(std::move(held).Ack().get().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(stream.AwaitHalfClose());
  stream.End();
  EXPECT_EQ(consumer_->Wait(), absl::OkStatus());
}

TEST_F(ConsumerTest, ADeliveryMayOutliveItsConsumer) {
  FakeSubscribeStream& stream = Start();
  stream.Deliver({1, 2});
  Delivery acked = Next("e1");
  const Delivery dropped = Next("e2");
  consumer_ = nullptr;
  EXPECT_EQ(acked.Extend(absl::Seconds(1)).get().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(std::move(acked).Ack().get().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ConsumerTest, WhatWasNotConfirmedBeforeTheEndIsToldBothWays) {
  FakeSubscribeStream& stream = Start();
  stream.Deliver({1});
  std::future<absl::Status> confirmed = Next("e1").Ack();
  EXPECT_THAT(AckedIds(stream.Take()), ElementsAre("d1"));
  const absl::Status ended = consumer_->Stop();
  EXPECT_EQ(ended.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(ended.message()), ::testing::HasSubstr("1 acknowledgement"));
  EXPECT_EQ(confirmed.get().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ConsumerTest, WhatEndsItIsWhatNextSays) {
  FakeSubscribeStream& stream = Start();
  stream.End(grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "no"));
  EXPECT_EQ(consumer_->Next().status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(consumer_->Wait().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(ConsumerTest, APauseIsAskedForAndHoldsOnTheNextStreamToo) {
  FakeSubscribeStream& first = Start();
  consumer_->Pause();
  EXPECT_TRUE(first.Take().flow().paused());
  first.End(kLost);
  FakeSubscribeStream& second = Stream();
  EXPECT_TRUE(second.Take().flow().paused());
  consumer_->Resume();
  const v1::SubscribeRequest resumed = second.Take();
  EXPECT_TRUE(resumed.flow().has_paused());
  EXPECT_FALSE(resumed.flow().paused());
}

}  // namespace
}  // namespace onhook::client
