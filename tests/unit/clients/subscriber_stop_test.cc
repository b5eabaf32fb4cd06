#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "onhook/subscriber.h"
#include "tests/unit/clients/fake_gateway.h"
#include "tests/unit/clients/subscriber_fixture.h"

namespace onhook::client {
namespace {

using ::testing::ElementsAre;

class SubscriberStopTest : public SubscriberFixture {
 protected:
  SubscriberStopTest() { options_.drain_timeout = kPatience; }
};

TEST_F(SubscriberStopTest, WhatAHandlerHoldsWhenTheGraceIsOverIsReleased) {
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1});
  EXPECT_EQ(handling_.Take(), "e1");
  subscriber_->RequestStop(absl::Milliseconds(1));
  ExpectReleased(stream, "d1");
  EXPECT_TRUE(stream.AwaitHalfClose());
  stream.End();
  EXPECT_EQ(subscriber_->Wait(), absl::OkStatus());  // though the handler still runs
  EXPECT_TRUE(stream.NothingCame());
}

TEST_F(SubscriberStopTest, TheGraceIsThatOfTheOptionsUnlessAnotherIsGiven) {
  options_.stop_grace = absl::Milliseconds(1);
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1});
  EXPECT_EQ(handling_.Take(), "e1");
  subscriber_->RequestStop();
  ExpectReleased(stream, "d1");
}

TEST_F(SubscriberStopTest, ASecondStopCanOnlyShortenTheGrace) {
  options_.stop_grace = absl::InfiniteDuration();
  Start();
  FakeSubscribeStream& stream = Stream();
  stream.Deliver({1});
  EXPECT_EQ(handling_.Take(), "e1");
  subscriber_->RequestStop();
  EXPECT_TRUE(stream.Take().flow().paused());
  subscriber_->RequestStop(absl::ZeroDuration());
  const v1::NackRequest nack = stream.Take().nack();
  EXPECT_EQ(nack.action(), v1::NackRequest::ACTION_RELEASE);
  subscriber_->RequestStop(absl::InfiniteDuration());
  stream.Confirm(nack.request_id());
  EXPECT_TRUE(stream.AwaitHalfClose());
  stream.End();
  EXPECT_EQ(subscriber_->Wait(), absl::OkStatus());
}

TEST_F(SubscriberStopTest, WhatIsUnconfirmedBetweenTwoStreamsIsConfirmedOnAnother) {
  Start();
  FakeSubscribeStream& first = Stream();
  first.Deliver({1});
  Handle("e1");
  EXPECT_THAT(AckedIds(first.Take()), ElementsAre("d1"));
  first.End({grpc::StatusCode::UNAVAILABLE, "cut"});
  EXPECT_FALSE(losses_.Take().ok());
  subscriber_->RequestStop();
  for (int lost = 0; lost < 3; ++lost) {
    FakeSubscribeStream& stream = Stream();
    EXPECT_TRUE(stream.Take().flow().paused());
    EXPECT_THAT(AckedIds(stream.Take()), ElementsAre("d1"));
    stream.End({grpc::StatusCode::UNAVAILABLE, "cut"});
  }
  FakeSubscribeStream& last = Stream();
  EXPECT_TRUE(last.Take().flow().paused());
  last.Confirm(last.Take().ack().request_id());
  EXPECT_TRUE(last.AwaitHalfClose());
  last.End();
  EXPECT_EQ(subscriber_->Wait(), absl::OkStatus());
}

TEST_F(SubscriberStopTest, AfterAPauseAStopIsLikeAnyOther) {
  Start();
  FakeSubscribeStream& stream = Stream();
  subscriber_->Pause();
  EXPECT_TRUE(stream.Take().flow().paused());
  subscriber_->RequestStop();
  EXPECT_TRUE(stream.AwaitHalfClose());
  subscriber_->Resume();  // says nothing any more
  stream.End();
  EXPECT_EQ(subscriber_->Wait(), absl::OkStatus());
  EXPECT_TRUE(stream.NothingCame());
}

// A subscriber whose handler does what the test says of each event.
class SubscriberHandlerTest : public ::testing::Test {
 protected:
  FakeSubscribeStream& Subscribe(Subscriber::Handler handler) {
    SubscribeOptions options;
    options.subscription = "crm";
    options.drain_timeout = absl::ZeroDuration();
    subscriber_ = Client(gateway_.client_options()).Subscribe(options, std::move(handler));
    FakeSubscribeStream* const stream = gateway_.TakeSubscribe();
    stream->Take();
    stream->SendOpened();
    stream->Deliver({1});
    return *stream;
  }

  FakeGateway gateway_;
  std::unique_ptr<Subscriber> subscriber_;
};

TEST_F(SubscriberHandlerTest, AStatusThatIsOkAcknowledges) {
  FakeSubscribeStream& stream = Subscribe([](const v1::Delivery&) { return absl::OkStatus(); });
  EXPECT_THAT(AckedIds(stream.Take()), ElementsAre("d1"));
}

TEST_F(SubscriberHandlerTest, AnErrorGivesTheEventBackWithItsWordsAndNoDelay) {
  FakeSubscribeStream& stream =
      Subscribe([](const v1::Delivery&) { return absl::UnavailableError("the database is away"); });
  const v1::NackRequest nack = stream.Take().nack();
  EXPECT_EQ(nack.action(), v1::NackRequest::ACTION_RETRY);
  EXPECT_EQ(nack.reason(), "the database is away");
  EXPECT_FALSE(nack.has_delay());
}

TEST_F(SubscriberHandlerTest, AnExceptionGivesTheEventBackWithItsWords) {
  FakeSubscribeStream& stream = Subscribe(
      [](const v1::Delivery&) -> Settlement { throw std::runtime_error("no such customer"); });
  const v1::NackRequest nack = stream.Take().nack();
  EXPECT_EQ(nack.action(), v1::NackRequest::ACTION_RETRY);
  EXPECT_EQ(nack.reason(), "no such customer");
}

TEST_F(SubscriberHandlerTest, WordsThatAreNoUtf8DoNotBreakTheStream) {
  FakeSubscribeStream& stream = Subscribe([](const v1::Delivery&) -> Settlement {
    // In Latin-1, overlong, half of a pair, too large, cut; and what is right, up to four bytes.
    throw std::runtime_error("K\xF6ln \xC0\x80 \xED\xA0\x80 \xF4\x90\x80\x80 \xE2\x82|ö€😀\xF0\x9F");
  });
  EXPECT_EQ(stream.Take().nack().reason(), "K?ln ?? ??? ???? ??|ö€😀??");
}

TEST_F(SubscriberHandlerTest, AReasonIsItsFirstCharacters) {
  std::string words;
  for (int i = 0; i < 1025; ++i) words += "ö";
  FakeSubscribeStream& stream =
      Subscribe([words](const v1::Delivery&) { return Settlement::Park(words); });
  EXPECT_EQ(stream.Take().nack().reason(), words.substr(2));
}

TEST_F(SubscriberHandlerTest, AnExceptionOfAnyKindGivesTheEventBack) {
  FakeSubscribeStream& stream = Subscribe([](const v1::Delivery&) -> Settlement { throw 7; });
  EXPECT_EQ(stream.Take().nack().action(), v1::NackRequest::ACTION_RETRY);
}

}  // namespace
}  // namespace onhook::client
