// What a restart leaves behind: everything that was promised.
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/component/gateway_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kRetCodeTwo[] = R"("retCode":"2")";

class RestartTest : public GatewayTest {
 protected:
  RestartTest() {
    settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
    // Clients here go without a word; nobody has to be waited for.
    settings_.shutdown.drain_deadline = absl::Seconds(2);
  }
  void SeekToLatest(const std::string& subscription) {
    const auto stub = v1::SubscriptionService::NewStub(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", gateway_->grpc_port()), grpc::InsecureChannelCredentials()));
    v1::SeekRequest request;
    request.set_name(subscription);
    request.set_position(v1::START_POSITION_LATEST);
    grpc::ClientContext context;
    v1::SeekResponse response;
    const grpc::Status sought = stub->Seek(&context, request, &response);
    ASSERT_TRUE(sought.ok()) << sought.error_message();
  }
};

TEST_F(RestartTest, WhatWasAckedDoesNotComeAgainAndWhatWasNotDoes) {
  StartGateway();
  {
    Subscriber subscriber = Subscribe();
    subscriber.Open("crm");
    for (const char* call : {"1", "2", "3"}) PostCall(call);
    std::vector<v1::Delivery> deliveries = subscriber.Deliveries(3);
    ASSERT_THAT(CallsOf(deliveries), ElementsAre("1", "2", "3"));
    AckDurably(subscriber, {deliveries[0], deliveries[2]});
  }
  RestartGateway();
  Subscriber subscriber = Subscribe();
  EXPECT_EQ(subscriber.Open("crm").backlog_events(), 1);
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("2"));
  PostCall("4");
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("4"));
}

TEST_F(RestartTest, AnAckOfADeliveryFromBeforeStillSettles) {
  StartGateway();
  std::vector<v1::Delivery> before;
  {
    Subscriber subscriber = Subscribe();
    subscriber.Open("crm");
    PostCall("1");
    before = subscriber.Deliveries(1);
  }
  RestartGateway();
  {
    Subscriber subscriber = Subscribe();
    subscriber.MutableOpen()->set_max_outstanding_events(1);
    subscriber.Open("crm");
    EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("1"));
    AckDurably(subscriber, before);
  }
  RestartGateway();
  Subscriber subscriber = Subscribe();
  EXPECT_EQ(subscriber.Open("crm").backlog_events(), 0);
}

TEST_F(RestartTest, TheVendorsRepeatIsKnownAgain) {
  StartGateway();
  PostCall("1");
  RestartGateway();
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_THAT(StoredCalls(), ElementsAre("1"));
}

TEST_F(RestartTest, WhatWasForwardedNeedsNoReceiverAfterwards) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kForwarded;
  StartGateway();
  {
    const std::unique_ptr<Watcher> watcher = FollowingWatch(/*observe_only=*/false);
    EXPECT_EQ(PostCall("1").body, kSuccess);
  }
  RestartGateway();
  EXPECT_EQ(PostCall("1").body, kSuccess);
}

TEST_F(RestartTest, AnEventFromBeforeANamedSubscriptionsStartWasNotProcessedByIt) {
  settings_.acknowledge.timeout = absl::Milliseconds(1);
  settings_.acknowledge.when = Settings::Acknowledge::When::kProcessed;
  StartGateway();
  EXPECT_THAT(PostCall("1").body, HasSubstr(kRetCodeTwo));
  Settings::Subscription crm{"crm", {}};
  crm.spec.set_start_position(v1::START_POSITION_LATEST);
  settings_.subscriptions = {crm};
  settings_.acknowledge.subscriptions = {"crm"};
  RestartGateway();
  EXPECT_THAT(PostCall("1").body, HasSubstr(kRetCodeTwo));
}

TEST_F(RestartTest, ASeekOfANamedSubscriptionPastAnEventMakesItNoReceiver) {
  settings_.acknowledge.timeout = absl::Milliseconds(1);
  settings_.acknowledge.when = Settings::Acknowledge::When::kForwarded;
  settings_.subscriptions = {{"crm", {}}};
  settings_.acknowledge.subscriptions = {"crm"};
  StartGateway();
  EXPECT_THAT(PostCall("1").body, HasSubstr(kRetCodeTwo));
  SeekToLatest("crm");
  EXPECT_THAT(PostCall("1").body, HasSubstr(kRetCodeTwo));
}

TEST_F(RestartTest, AWatchGoesOnBehindItsCursor) {
  StartGateway();
  PostCall("1");
  PostCall("2");
  v1::WatchRequest request;
  {
    request.set_position(v1::START_POSITION_EARLIEST);
    Watcher watcher = Watch(request);
    ASSERT_THAT(watcher.Calls(2), ElementsAre("1", "2"));
    request.set_after_cursor(watcher.last_cursor());
  }
  RestartGateway();
  PostCall("3");
  EXPECT_THAT(Watch(request).Calls(1), ElementsAre("3"));
}

}  // namespace
}  // namespace onhook
