// What a supervisor is told: the probes of the admin port, and grpc.health.v1 beside them.
#include <limits>
#include <thread>

#include "tests/component/gateway_fixture.h"
#include "tests/support/health_client.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class HealthTest : public GatewayTest {
 protected:
  std::string Health(const std::string& service) const {
    return CheckHealth(gateway_->grpc_port(), service);
  }
};

TEST_F(HealthTest, EverythingServesOnceItHasStarted) {
  StartGateway();
  for (const char* service : {"", "ingress", "delivery"}) {
    EXPECT_EQ(Health(service), "SERVING") << service;
    HealthCall watch(gateway_->grpc_port(), "Watch", service);
    EXPECT_EQ(watch.Next(), "SERVING") << service;
  }
}

TEST_F(HealthTest, AServiceThatThereIsNotIsUnknown) {
  StartGateway();
  EXPECT_EQ(Health("onhook"), "") << "an error";
  HealthCall watch(gateway_->grpc_port(), "Watch", "onhook");
  EXPECT_EQ(watch.Next(), "SERVICE_UNKNOWN");
}

// Another gateway would not help a backend that is not there, and events are kept for it.
TEST_F(HealthTest, AnAbsentSubscriberIsNoReasonAgainstIt) {
  settings_.acknowledge.timeout = absl::Milliseconds(1);
  StartGateway();
  EXPECT_THAT(PostCall("1").body, HasSubstr(R"("retCode":"2")"));
  EXPECT_EQ(AskAdmin("/readyz").status, 200);
  EXPECT_EQ(Health("ingress"), "SERVING");
}

TEST_F(HealthTest, AFullDiskTakesNoCallbacksAndStillDelivers) {
  settings_.store.minimum_free_disk = std::numeric_limits<int64_t>::max();
  StartGateway();
  EXPECT_EQ(AskAdmin("/readyz").status, 503);
  EXPECT_THAT(AskAdmin("/readyz").body, HasSubstr("store: "));
  EXPECT_EQ(AskAdmin("/livez").status, 200) << "a new process would find the same disk";
  EXPECT_EQ(AskAdmin("/startupz").status, 200);
  EXPECT_EQ(PostCall("1").status, 503);
  EXPECT_EQ(Health("ingress"), "NOT_SERVING");
  EXPECT_EQ(Health(""), "NOT_SERVING");
  EXPECT_EQ(Health("delivery"), "SERVING");
}

TEST_F(HealthTest, WhoWatchesHearsOfTheEndAsItComes) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
  StartGateway();
  HealthCall ingress(gateway_->grpc_port(), "Watch", "ingress");
  HealthCall delivery(gateway_->grpc_port(), "Watch", "delivery");
  HealthCall overall(gateway_->grpc_port(), "Watch", "");
  for (HealthCall* watch : {&ingress, &delivery, &overall}) ASSERT_EQ(watch->Next(), "SERVING");
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");

  std::thread stopping([&] { EXPECT_TRUE(gateway_->Stop().ok()); });
  EXPECT_EQ(ingress.Next(), "NOT_SERVING");
  EXPECT_EQ(overall.Next(), "NOT_SERVING");
  EXPECT_TRUE(subscriber.Next().has_go_away());
  EXPECT_EQ(delivery.Next(), "NOT_SERVING");
  subscriber.HalfClose();
  EXPECT_TRUE(subscriber.End().ok());
  stopping.join();
  EXPECT_EQ(ingress.Next(), "") << "told once";
}

}  // namespace
}  // namespace onhook
