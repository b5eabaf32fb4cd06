#include "gateway/delivery/delivery_server.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/unit/delivery/delivery_fixture.h"

namespace onhook {
namespace {

class DeliveryServerTest : public DeliveryFixture {};

TEST_F(DeliveryServerTest, ATakenPortIsAnError) {
  DeliveryOptions same = options_;
  same.listen = absl::StrCat("127.0.0.1:", port_);
  DeliveryServer second(same, Around());
  EXPECT_TRUE(absl::IsAlreadyExists(second.Start().status()));
}

TEST_F(DeliveryServerTest, AnAddressWithoutPortIsAnError) {
  DeliveryOptions wrong = options_;
  wrong.listen = "localhost";
  DeliveryServer second(wrong, Around());
  EXPECT_TRUE(absl::IsInvalidArgument(second.Start().status()));
}

TEST_F(DeliveryServerTest, ADrainSaysGoAwayAndTakesAcksUntilTheClientHalfCloses) {
  Append("a");
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  const auto held = subscriber.Deliveries(1);
  std::thread draining([this] { server_->Drain(absl::Seconds(10)); });
  EXPECT_EQ(subscriber.Next().go_away().reason(), v1::GoAway::REASON_SHUTDOWN);
  subscriber.Ack(held);
  EXPECT_TRUE(subscriber.Next().has_ack_results());
  subscriber.HalfClose();
  EXPECT_TRUE(subscriber.End().ok());
  draining.join();
}

TEST_F(DeliveryServerTest, ADrainEndsStreamsThatStayAtItsDeadline) {
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  std::thread draining([this] { server_->Drain(absl::Seconds(10)); });
  EXPECT_TRUE(subscriber.Next().has_go_away());
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(subscriber.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  draining.join();
}

TEST_F(DeliveryServerTest, ADrainEndsWatchesAtOnceAndRefusesNewStreams) {
  Watcher watcher = Watch();
  watcher.Next();
  server_->Drain(absl::Seconds(10));
  EXPECT_EQ(watcher.Next().go_away().reason(), v1::GoAway::REASON_SHUTDOWN);
  EXPECT_EQ(watcher.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Watch().End().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Subscribe().End().error_code(), grpc::StatusCode::UNAVAILABLE);
}

class FewStreamsTest : public DeliveryFixture {
 protected:
  FewStreamsTest() { options_.max_streams = 1; }
};

TEST_F(FewStreamsTest, OneTooManyIsRefusedWithItsReason) {
  Watcher first = Watch();
  first.Next();
  // Another connection: the limit holds for the gateway, not for each connection.
  auto other = v1::ReleaseEventService::NewStub(grpc::CreateCustomChannel(
      absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials(), OwnConnection()));
  Watcher second(other.get(), {});
  const grpc::Status status = second.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_details(), testing::HasSubstr("TOO_MANY_STREAMS"));
}

}  // namespace
}  // namespace onhook
