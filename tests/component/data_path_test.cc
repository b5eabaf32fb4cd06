// From the vendor's POST to a subscriber, and back.
#include <fstream>
#include <iterator>

#include "tests/component/gateway_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using DataPathTest = GatewayTest;

std::string GoldenRequest(const std::string& name) {
  std::ifstream file(std::string(ONHOOK_GOLDEN_DIRECTORY) + "/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST_F(DataPathTest, TheVendorsSamplesAreReceivedAndAnsweredWithSuccess) {
  StartGateway();
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  for (const char* sample :
       {"vendor_sample_json/request.json", "vendor_sample_javamap/request.txt"}) {
    const RawAnswer answer = Post(GoldenRequest(sample));
    EXPECT_EQ(answer.status, 200) << sample;
    EXPECT_EQ(answer.body, kSuccess) << sample;
    EXPECT_THAT(answer.head, HasSubstr("application/json;charset=UTF-8"));
    const std::vector<v1::Delivery> deliveries = subscriber.Deliveries(1);
    ASSERT_EQ(deliveries.size(), 1u);
    EXPECT_EQ(deliveries[0].event().call_serial_no(), "1197765398201387012");
    EXPECT_EQ(deliveries[0].event().called(), "88880067");
    EXPECT_EQ(deliveries[0].event().source(), "default");
    AckDurably(subscriber, deliveries);
  }
}

TEST_F(DataPathTest, WithoutASubscriberACallbackIsStoredAndDeliveredLater) {
  settings_.acknowledge.timeout = absl::Seconds(2);
  StartGateway();
  const RawAnswer answer = PostCall("1");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr(R"("retCode":"2")"));

  Subscriber subscriber = Subscribe();
  EXPECT_EQ(subscriber.Open("crm").backlog_events(), 1);
  const std::vector<v1::Delivery> deliveries = subscriber.Deliveries(1);
  EXPECT_THAT(CallsOf(deliveries), ElementsAre("1"));
  // The results are written after the deliveries: when they are here, the gateway knows that the
  // event is.
  AckDurably(subscriber, deliveries);

  // The vendor's repeat is a success now, and what comes next is not the same event again.
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_EQ(PostCall("2").body, kSuccess);
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("2"));
  EXPECT_THAT(StoredCalls(), ElementsAre("1", "2"));
}

TEST_F(DataPathTest, AWatchAloneIsAReceiver) {
  StartGateway();
  const std::unique_ptr<Watcher> watcher = FollowingWatch(/*observe_only=*/false);
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_THAT(watcher->Calls(1), ElementsAre("1"));
}

TEST_F(DataPathTest, AnObserverSeesTheEventButIsNoReceiver) {
  settings_.acknowledge.timeout = absl::Milliseconds(200);
  StartGateway();
  const std::unique_ptr<Watcher> observer = FollowingWatch(/*observe_only=*/true);
  EXPECT_THAT(PostCall("1").body, HasSubstr(R"("retCode":"2")"));
  EXPECT_THAT(observer->Calls(1), ElementsAre("1"));
}

TEST_F(DataPathTest, EverySubscriptionGetsEveryEvent) {
  StartGateway();
  Subscriber crm = Subscribe();
  Subscriber billing = Subscribe();
  crm.Open("crm");
  billing.Open("billing");
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_THAT(CallsOf(crm.Deliveries(1)), ElementsAre("1"));
  EXPECT_THAT(CallsOf(billing.Deliveries(1)), ElementsAre("1"));
}

TEST_F(DataPathTest, OneSubscriptionSharesItsEventsAmongItsStreams) {
  StartGateway();
  Subscriber first = Subscribe();
  first.MutableOpen()->set_max_outstanding_events(1);
  first.Open("crm");
  Subscriber second = Subscribe();
  second.MutableOpen()->set_max_outstanding_events(1);
  second.Open("crm");
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_EQ(PostCall("2").body, kSuccess);
  std::vector<std::string> calls = CallsOf(first.Deliveries(1));
  calls.push_back(CallsOf(second.Deliveries(1)).at(0));
  EXPECT_THAT(calls, ::testing::UnorderedElementsAre("1", "2"));
}

TEST_F(DataPathTest, AChangedRepeatOfACallIsAnotherEvent) {
  StartGateway();
  const std::unique_ptr<Watcher> watcher = FollowingWatch(/*observe_only=*/false);
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_EQ(Post(R"({"callSerialNo":"1","called":"88880067","releaseReason":"1"})").body, kSuccess);
  EXPECT_THAT(watcher->Calls(2), ElementsAre("1", "1"));
}

TEST_F(DataPathTest, AcknowledgedWhenStoredNeedsNoSubscriber) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
  StartGateway();
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_THAT(StoredCalls(), ElementsAre("1"));
}

TEST_F(DataPathTest, AnEventIsFoundByItsCall) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
  StartGateway();
  PostCall("1");
  PostCall("2");
  v1::ListEventsRequest request;
  request.set_call_serial_no("2");
  v1::ListEventsResponse response;
  grpc::ClientContext context;
  LimitTime(context);
  const grpc::Status status = stub_->ListEvents(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.stored_events_size(), 1);
  EXPECT_EQ(response.stored_events(0).event().call_serial_no(), "2");
}

TEST_F(DataPathTest, NoNumberOfTheCallGetsIntoTheLog) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
  StartGateway();
  PostCall("1");
  Post(R"({"callSerialNo":"2","called":"88880067","called":"88880067"})");
  Post(R"({"callSerialNo":"3","called":"88880067")");
  for (const std::string& line : LogLines()) EXPECT_THAT(line, Not(HasSubstr("88880067")));
}

}  // namespace
}  // namespace onhook
