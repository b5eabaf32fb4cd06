#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "onhook/client.h"
#include "onhook/event_view.h"
#include "onhook/status.h"
#include "tests/unit/clients/fake_gateway.h"

namespace onhook::client {
namespace {

v1::SubscribeResponse Opened(absl::Duration heartbeat_interval) {
  v1::SubscribeResponse response;
  *response.mutable_opened()->mutable_heartbeat_interval() = ToProto(heartbeat_interval);
  return response;
}

v1::SubscribeResponse Heartbeat(absl::Duration interval) {
  v1::SubscribeResponse response;
  *response.mutable_heartbeat()->mutable_interval() = ToProto(interval);
  return response;
}

v1::WatchResponse Heartbeat(const std::string& cursor, absl::Duration interval) {
  v1::WatchResponse response;
  response.mutable_heartbeat()->set_cursor(cursor);
  *response.mutable_heartbeat()->mutable_interval() = ToProto(interval);
  return response;
}

// Contract point 11: a connection over which nothing comes is given up.
class SilenceTest : public ::testing::Test {
 protected:
  SilenceTest() {
    options_.subscription = "crm";
    options_.drain_timeout = absl::ZeroDuration();
    options_.on_disconnected = [this](const absl::Status& why) { losses_.Put(why); };
  }
  std::unique_ptr<Subscriber> Subscribe(const Client& client) const {
    return client.Subscribe(options_, [](const v1::Delivery&) { return Settlement::Ack(); });
  }

  FakeGateway gateway_;
  SubscribeOptions options_;
  Inbox<absl::Status> losses_;
};

TEST_F(SilenceTest, ASilentGatewaysStreamIsOpenedAgainOverAnotherConnection) {
  const auto subscriber = Subscribe(Client(gateway_.client_options()));
  gateway_.TakeSubscribe()->Send(Opened(absl::Milliseconds(10)));
  const std::string first = gateway_.peers.Take();
  const absl::Status why = losses_.Take();
  EXPECT_EQ(why.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(why), "SILENT");
  ASSERT_NE(gateway_.TakeSubscribe(), nullptr);
  EXPECT_NE(gateway_.peers.Take(), first);
}

TEST_F(SilenceTest, AnIntervalThatAHeartbeatTellsHoldsFromThenOn) {
  const auto subscriber = Subscribe(Client(gateway_.client_options()));
  FakeSubscribeStream* const stream = gateway_.TakeSubscribe();
  stream->Send(Opened(kPatience));
  stream->Send(Heartbeat(absl::Milliseconds(10)));
  EXPECT_EQ(ErrorReason(losses_.Take()), "SILENT");
}

TEST_F(SilenceTest, AnEventOnTheOldConnectionIsAcknowledgedOnTheNew) {
  const auto subscriber = Subscribe(Client(gateway_.client_options()));
  FakeSubscribeStream* const first = gateway_.TakeSubscribe();
  first->Take();
  first->Send(Opened(kPatience));
  first->Deliver({1});
  EXPECT_EQ(first->Take().ack().delivery_ids_size(), 1);  // and it is never answered
  // Twice that is enough to open the next.
  first->Send(Heartbeat(absl::Milliseconds(500)));
  FakeSubscribeStream* const second = gateway_.TakeSubscribe();
  second->Take();
  second->Send(Opened(kPatience));
  EXPECT_THAT(second->Take().ack().delivery_ids(), ::testing::ElementsAre("d1"));
}

TEST_F(SilenceTest, WhoNeverAnswersIsGivenUpToo) {
  const Client client(gateway_.client_options());
  const auto told = Subscribe(client);
  gateway_.TakeSubscribe()->Send(Opened(absl::Milliseconds(10)));
  EXPECT_EQ(ErrorReason(losses_.Take()), "SILENT");
  ASSERT_NE(gateway_.TakeSubscribe(), nullptr);  // which says nothing at all
  EXPECT_EQ(ErrorReason(losses_.Take()), "SILENT");
}

TEST_F(SilenceTest, ASilentWatchGoesOnOverAnotherConnection) {
  WatchOptions options;
  options.on_disconnected = [this](const absl::Status& why) { losses_.Put(why); };
  const auto watcher =
      Client(gateway_.client_options()).Watch(options, [](const v1::WatchedEvent&) {
        return absl::OkStatus();
      });
  gateway_.TakeWatch()->Send(Heartbeat("c7", absl::Milliseconds(10)));
  const std::string first = gateway_.peers.Take();
  EXPECT_EQ(ErrorReason(losses_.Take()), "SILENT");
  EXPECT_EQ(gateway_.TakeWatch()->request().after_cursor(), "c7");
  EXPECT_NE(gateway_.peers.Take(), first);
}

TEST_F(SilenceTest, TheTimeThatAHandlerOfAWatchTakesIsNoSilence) {
  WatchOptions options;
  options.on_disconnected = [this](const absl::Status& why) { losses_.Put(why); };
  Inbox<bool> verdicts;
  Inbox<std::string> handled;
  const auto watcher =
      Client(gateway_.client_options()).Watch(options, [&](const v1::WatchedEvent& event) {
        handled.Put(event.event().event_id());
        if (event.event().event_id() == "e1") verdicts.Take();
        return absl::OkStatus();
      });
  FakeWatchStream* const stream = gateway_.TakeWatch();
  stream->Send(Heartbeat("c0", absl::Milliseconds(200)));
  stream->SendEvents({1});
  EXPECT_EQ(handled.Take(), "e1");
  // Meanwhile another stream may be silent for longer, is so, and that is noticed.
  const auto subscriber = Subscribe(Client(gateway_.client_options()));
  gateway_.TakeSubscribe()->Send(Opened(absl::Milliseconds(300)));
  EXPECT_EQ(ErrorReason(losses_.Take()), "SILENT");
  stream->Send(Heartbeat("c1", kPatience));
  stream->SendEvents({2});
  verdicts.Put(true);
  EXPECT_EQ(handled.Take(), "e2");  // over the same stream
}

}  // namespace
}  // namespace onhook::client
