#ifndef ONHOOK_TESTS_UNIT_CLIENTS_SUBSCRIBER_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_CLIENTS_SUBSCRIBER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "onhook/subscriber.h"
#include "tests/unit/clients/fake_gateway.h"

namespace onhook::client {

inline std::vector<std::string> AckedIds(const v1::SubscribeRequest& request) {
  return {request.ack().delivery_ids().begin(), request.ack().delivery_ids().end()};
}

// A subscriber of the fake gateway whose handler waits, for each event, until the test says how
// that one ends.
class SubscriberFixture : public ::testing::Test {
 protected:
  // Most tests leave acknowledgements unanswered behind.
  SubscriberFixture() { options_.drain_timeout = absl::Milliseconds(20); }
  ~SubscriberFixture() override {
    // Whatever the test left open must not hold the subscriber back.
    for (int i = 0; i < 10; ++i) verdicts_.Put(Settlement::Ack());
  }

  void Start() {
    options_.subscription = "crm";
    options_.on_settled = [this](const Settled& settled) { settled_.Put(settled); };
    options_.on_disconnected = [this](const absl::Status& why) { losses_.Put(why); };
    subscriber_ =
        Client(gateway_.client_options()).Subscribe(options_, [this](const v1::Delivery& delivery) {
          handling_.Put(delivery.event().event_id());
          return *verdicts_.Take();
        });
  }
  // The next stream, past its opening.
  FakeSubscribeStream& Stream() {
    FakeSubscribeStream* const stream = gateway_.TakeSubscribe();
    open_ = stream->Take().open();
    stream->SendOpened();
    return *stream;
  }
  // Lets the handler return `verdict` for the next event it has, which must be `event`.
  void Handle(const std::string& event, const Settlement& verdict = Settlement::Ack()) {
    EXPECT_EQ(handling_.Take(), event);
    verdicts_.Put(verdict);
  }

  // The stream asks for nothing more and gives `delivery_id` back.
  static void ExpectReleased(FakeSubscribeStream& stream, const std::string& delivery_id) {
    EXPECT_TRUE(stream.Take().flow().paused());
    const v1::NackRequest nack = stream.Take().nack();
    EXPECT_EQ(nack.action(), v1::NackRequest::ACTION_RELEASE);
    EXPECT_THAT(nack.delivery_ids(), ::testing::ElementsAre(delivery_id));
    stream.Confirm(nack.request_id());
  }

  FakeGateway gateway_;
  SubscribeOptions options_;
  v1::SubscribeOpen open_;
  Inbox<std::string> handling_;
  Inbox<std::optional<Settlement>> verdicts_;
  Inbox<Settled> settled_;
  Inbox<absl::Status> losses_;
  std::unique_ptr<Subscriber> subscriber_;
};

}  // namespace onhook::client

#endif  // ONHOOK_TESTS_UNIT_CLIENTS_SUBSCRIBER_FIXTURE_H_
