#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onhook/subscriber.h"
#include "tests/unit/clients/fake_gateway.h"
#include "tests/unit/clients/subscriber_fixture.h"

namespace onhook::client {
namespace {

using ::testing::ElementsAre;

const grpc::Status kLost(grpc::StatusCode::UNAVAILABLE, "restarting");

// Promise S8: what comes again while it is here. There are handlers to spare in every test.
class SubscriberRedeliveryTest : public SubscriberFixture {
 protected:
  SubscriberRedeliveryTest() { options_.handler_threads = 3; }

  // The event is in a handler, its stream is lost, and it comes again on the one returned.
  FakeSubscribeStream& StreamWithRedelivered(absl::Duration ack_deadline) {
    FakeSubscribeStream& first = Stream();
    first.Deliver({1}, ack_deadline);
    EXPECT_EQ(handling_.Take(), "e1");
    first.End(kLost);
    FakeSubscribeStream& second = Stream();
    second.Redeliver("e1", "again", ack_deadline);
    return second;
  }
  // The subscriber has read all that `stream` sent before: what comes last is in a handler too.
  void AwaitRead(FakeSubscribeStream& stream) {
    stream.Deliver({99});
    EXPECT_EQ(handling_.Take(), "e99");
  }
  void ExpectNothingIsHandled() { EXPECT_TRUE(handling_.empty()); }
};

TEST_F(SubscriberRedeliveryTest, WhatIsBeingHandledIsNotHandledTwiceAndSettlesByTheNewestDelivery) {
  Start();
  FakeSubscribeStream& second = StreamWithRedelivered(absl::InfiniteDuration());
  AwaitRead(second);
  verdicts_.Put(Settlement::Ack());
  const v1::SubscribeRequest ack = second.Take();
  ASSERT_TRUE(ack.has_ack());
  const bool first_is_done = AckedIds(ack) == std::vector<std::string>{"again"};
  second.Confirm(ack.ack().request_id());
  verdicts_.Put(Settlement::Ack());  // either handler had the first
  EXPECT_THAT(AckedIds(second.Take()), ElementsAre(first_is_done ? "d99" : "again"));
  ExpectNothingIsHandled();
}

TEST_F(SubscriberRedeliveryTest, ANackNamesTheNewestDelivery) {
  Start();
  FakeSubscribeStream& second = StreamWithRedelivered(absl::Milliseconds(10));
  EXPECT_THAT(second.Take().extend().delivery_ids(), ElementsAre("again"));  // so it was read
  verdicts_.Put(Settlement::Retry("busy"));
  v1::SubscribeRequest nack = second.Take();
  while (nack.has_extend()) nack = second.Take();  // a slow machine may have got so far
  EXPECT_THAT(nack.nack().delivery_ids(), ElementsAre("again"));
  ExpectNothingIsHandled();
}

TEST_F(SubscriberRedeliveryTest, TheSameStreamMayBringItAgainToo) {
  options_.drain_timeout = kPatience;
  options_.max_extension = absl::ZeroDuration();
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1}, absl::Seconds(1));
  EXPECT_EQ(handling_.Take(), "e1");
  stream.Redeliver("e1", "again", absl::Seconds(1));
  subscriber_->RequestStop();
  EXPECT_TRUE(stream.Take().flow().paused());
  stream.Redeliver("e1", "once more", absl::Seconds(1));  // not released: it is being handled
  stream.Deliver({2});
  const v1::NackRequest nack = stream.Take().nack();
  EXPECT_THAT(nack.delivery_ids(), ElementsAre("d2"));
  stream.Confirm(nack.request_id());
  verdicts_.Put(Settlement::Ack());
  const v1::SubscribeRequest ack = stream.Take();
  EXPECT_THAT(AckedIds(ack), ElementsAre("once more"));
  stream.Confirm(ack.ack().request_id());
  EXPECT_TRUE(stream.AwaitHalfClose());  // so the deliveries before are not waited for
  stream.End();
  EXPECT_TRUE(subscriber_->Stop().ok());
}

TEST_F(SubscriberRedeliveryTest, WhatWaitsIsHandledOnceAndSettlesByTheNewestDelivery) {
  options_.handler_threads = 1;
  Start();
  FakeSubscribeStream& old = Stream();
  old.Deliver({1, 2});
  EXPECT_EQ(handling_.Take(), "e1");
  old.SendGoAway(v1::GoAway::REASON_MAX_AGE);
  FakeSubscribeStream& replacement = Stream();
  replacement.Redeliver("e2", "again", absl::Milliseconds(10));
  EXPECT_THAT(replacement.Take().extend().delivery_ids(), ElementsAre("again"));  // so it was read
  verdicts_.Put(Settlement::Ack());
  const v1::SubscribeRequest ack = old.Take();
  EXPECT_THAT(AckedIds(ack), ElementsAre("d1"));
  old.Confirm(ack.ack().request_id());
  EXPECT_TRUE(old.AwaitHalfClose());  // it does not wait for the delivery that was replaced
  Handle("e2");
  v1::SubscribeRequest again = replacement.Take();
  while (again.has_extend()) again = replacement.Take();
  EXPECT_THAT(AckedIds(again), ElementsAre("again"));
  replacement.Deliver({3});
  EXPECT_EQ(handling_.Take(), "e3");
}

TEST_F(SubscriberRedeliveryTest, WhatWasSettledAndConfirmedIsHandledAgainWhenItComesAgain) {
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1});
  Handle("e1");
  stream.Confirm(stream.Take().ack().request_id());
  EXPECT_TRUE(settled_.Take().status.ok());
  stream.Redeliver("e1", "again");
  Handle("e1");
  EXPECT_THAT(AckedIds(stream.Take()), ElementsAre("again"));
}

}  // namespace
}  // namespace onhook::client
