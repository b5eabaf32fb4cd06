// What a gateway waits for ends although the machine's clock is put back by a year: each of these
// tests hangs where a wait ends at a time of the day.
#include <optional>

#include "tests/component/gateway_fixture.h"
#include "tests/support/wall_clock.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

class ClockStepTest : public GatewayTest {
 protected:
  void Serve() {
    settings_.acknowledge.timeout = absl::Milliseconds(50);
    settings_.shutdown.drain_deadline = absl::Milliseconds(200);
    ahead_.emplace(absl::Hours(365 * 24));
    StartGateway();
  }

  std::optional<WallClockAhead> ahead_;
};

TEST_F(ClockStepTest, ACallbackIsAnsweredWhenItsTimeIsOver) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kProcessed;
  Serve();
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  const RawAnswer answer = PostCall("call-1");  // which nobody acknowledges
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr(R"("retCode":"2")"));
}

TEST_F(ClockStepTest, AnAckThatLingersIsConfirmed) {
  Serve();
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  EXPECT_EQ(PostCall("call-1").status, 200);
  AckDurably(subscriber, subscriber.Deliveries(1));
}

TEST_F(ClockStepTest, AGatewayEndsThoughAPeerAndASubscriberDoNot) {
  Serve();
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  RawHttpClient peer(gateway_->http_port());
  peer.Send("POST /release-events HTTP/1.1\r\nHost: gateway\r\n");
  EXPECT_EQ(PostCall("call-1").status, 200);
  EXPECT_TRUE(gateway_->Stop().ok());
}

}  // namespace
}  // namespace onhook
