// What metrics say of what has happened, through the whole gateway.
#include <atomic>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/event/vendor_time.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/component/gateway_fixture.h"
#include "tests/support/metrics_text.h"

namespace onhook {
namespace {

using ::testing::IsEmpty;

using Labels = MetricsText::Labels;

const Labels kOfDefault = {{"source", "default"}};
const Labels kOfCrm = {{"subscription", "crm"}};

class MetricsOfGatewayTest : public GatewayTest {
 protected:
  MetricsOfGatewayTest() { settings_.acknowledge.when = Settings::Acknowledge::When::kStored; }

  MetricsText Shown() const { return MetricsText(AskAdmin("/metrics").body); }
  double Value(const std::string& name, const Labels& labels = {}) const {
    return Shown().Value(name, labels);
  }
  // Waits until it is so: a client may know before what it knows is counted.
  void Await(const std::string& name, const Labels& labels, double value) const {
    while (Value(name, labels) != value) {
    }
  }
  // How many values of a histogram are at most `bound`.
  double AtMost(const std::string& bound, const std::string& name, Labels labels) const {
    labels["le"] = bound;
    return Value(absl::StrCat(name, "_bucket"), labels);
  }

  // A callback of a call that ended so long ago.
  static std::string CallbackAfter(absl::string_view call, absl::Duration ago) {
    return absl::StrCat(R"({"callSerialNo":")", call, R"(","called":"88880067","releaseTime":")",
                        FormatVendorTime(absl::Now() - ago, absl::UTCTimeZone()), R"("})");
  }
  std::unique_ptr<v1::SubscriptionService::Stub> Administration() const {
    return v1::SubscriptionService::NewStub(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", gateway_->grpc_port()),
                                  grpc::InsecureChannelCredentials(), OwnConnection()));
  }
};

TEST_F(MetricsOfGatewayTest, ACallbackIsCountedByItsOutcomeAndTimed) {
  StartGateway();
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_EQ(Post("garbage").status, 400);
  const MetricsText shown = Shown();
  EXPECT_EQ(shown.Value("onhook_callbacks_total", {{"source", "default"}, {"outcome", "success"}}),
            2);
  EXPECT_EQ(shown.Value("onhook_callbacks_total", {{"source", "default"}, {"outcome", "rejected"}}),
            1);
  EXPECT_EQ(shown.Value("onhook_events_duplicate_total", kOfDefault), 1);
  EXPECT_EQ(shown.Value("onhook_callback_duration_seconds_count", kOfDefault), 3);
  EXPECT_GT(shown.Value("onhook_callback_duration_seconds_sum", kOfDefault), 0);
}

TEST_F(MetricsOfGatewayTest, TheVendorsDelayIsThatOfFirstReceiptsOnly) {
  StartGateway();
  const std::string callback = CallbackAfter("1", absl::Minutes(2));
  EXPECT_EQ(Post(callback).body, kSuccess);
  EXPECT_EQ(Post(callback).body, kSuccess);  // a repeat
  EXPECT_EQ(PostCall("2").body, kSuccess);   // without a time
  EXPECT_EQ(Post(R"({"callSerialNo":"3","called":"1","releaseTime":"yesterday"})").body, kSuccess);
  EXPECT_EQ(Value("onhook_vendor_delay_seconds_count", kOfDefault), 1);
  EXPECT_EQ(AtMost("60", "onhook_vendor_delay_seconds", kOfDefault), 0);
  EXPECT_GE(Value("onhook_vendor_delay_seconds_sum", kOfDefault), 119);
  EXPECT_EQ(Value("onhook_vendor_clock_ahead_total", kOfDefault), 0);
}

TEST_F(MetricsOfGatewayTest, ACallThatEndsInTheFutureHasNoDelayAndIsSeen) {
  StartGateway();
  EXPECT_EQ(Post(CallbackAfter("1", -absl::Hours(8))).body, kSuccess);
  EXPECT_EQ(AtMost("0.1", "onhook_vendor_delay_seconds", kOfDefault), 1);
  EXPECT_EQ(Value("onhook_vendor_delay_seconds_sum", kOfDefault), 0);
  EXPECT_EQ(Value("onhook_vendor_clock_ahead_total", kOfDefault), 1);
}

TEST_F(MetricsOfGatewayTest, CommitsAreTimedAndTheirEventsCounted) {
  StartGateway();
  const double before = Value("onhook_store_commit_duration_seconds_count");
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_EQ(PostCall("2").body, kSuccess);
  EXPECT_GE(Value("onhook_store_commit_duration_seconds_count"), before + 2);
  EXPECT_EQ(AtMost("1", "onhook_store_commit_batch_events", {}), 2);
  EXPECT_EQ(Value("onhook_store_commit_batch_events_sum"), 2);
  EXPECT_EQ(Value("onhook_store_commit_failures_total"), 0);
}

TEST_F(MetricsOfGatewayTest, TheStoreTellsWhatItHoldsAndTakes) {
  settings_.store.minimum_free_disk = 4096;
  StartGateway();
  EXPECT_EQ(Value("onhook_store_events"), 0);
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_EQ(Value("onhook_store_events"), 1);
  EXPECT_GT(Value("onhook_store_bytes"), 4096);
  EXPECT_GT(Value("onhook_store_free_disk_bytes"), 4096);
  EXPECT_EQ(Value("onhook_store_minimum_free_disk_bytes"), 4096);
  EXPECT_EQ(Value("onhook_store_info", {{"engine", "sqlite"}, {"durability", "disk"}}), 1);
}

TEST_F(MetricsOfGatewayTest, FreeDiskIsToldWhereNoMinimumIsKept) {
  settings_.store.minimum_free_disk = 0;
  StartGateway();
  EXPECT_GT(Value("onhook_store_free_disk_bytes"), 0);
}

TEST_F(MetricsOfGatewayTest, WhatIsRejectedAndKeptIsMeasured) {
  StartGateway();
  EXPECT_EQ(Post("garbage").status, 400);
  EXPECT_EQ(Post("rubbish!").status, 400);
  EXPECT_EQ(Value("onhook_quarantine_callbacks"), 2);
  EXPECT_EQ(Value("onhook_quarantine_bytes"), 7 + 8 + 2 * 256);
  EXPECT_EQ(Value("onhook_quarantine_removed_total", {{"cause", "size"}}), 0);
}

TEST_F(MetricsOfGatewayTest, WhatTheQuarantinesSizeRemovesIsCounted) {
  settings_.quarantine.size = 600;
  StartGateway();
  for (const char* body : {"garbage", "rubbish!", "litter"}) EXPECT_EQ(Post(body).status, 400);
  EXPECT_EQ(Value("onhook_quarantine_callbacks"), 2);
  EXPECT_EQ(Value("onhook_quarantine_removed_total", {{"cause", "size"}}), 1);
  EXPECT_EQ(Value("onhook_quarantine_removed_total", {{"cause", "age"}}), 0);
}

TEST_F(MetricsOfGatewayTest, ASubscriptionTellsHowFarBehindItIs) {
  settings_.subscriptions.push_back({"crm", {}});
  StartGateway();
  EXPECT_EQ(Value("onhook_subscription_oldest_unacked_age_seconds", kOfCrm), 0);
  EXPECT_EQ(PostCall("1").body, kSuccess);
  EXPECT_EQ(PostCall("2").body, kSuccess);
  EXPECT_EQ(Value("onhook_subscription_backlog_events", kOfCrm), 2);
  const double age = Value("onhook_subscription_oldest_unacked_age_seconds", kOfCrm);
  EXPECT_GT(age, 0);
  EXPECT_GT(Value("onhook_subscription_oldest_unacked_age_seconds", kOfCrm), age);
  EXPECT_EQ(Value("onhook_subscription_streams", kOfCrm), 0);
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  const std::vector<v1::Delivery> deliveries = subscriber.Deliveries(2);
  EXPECT_EQ(Value("onhook_subscription_streams", kOfCrm), 1);
  EXPECT_EQ(Value("onhook_grpc_streams"), 1);
  EXPECT_EQ(Value("onhook_grpc_connections"), 1);
  EXPECT_EQ(Value("onhook_subscription_outstanding_events", kOfCrm), 2);
  AckDurably(subscriber, deliveries);
  EXPECT_EQ(Value("onhook_subscription_backlog_events", kOfCrm), 0);
  EXPECT_EQ(Value("onhook_subscription_outstanding_events", kOfCrm), 0);
  EXPECT_EQ(Value("onhook_subscription_oldest_unacked_age_seconds", kOfCrm), 0);
  subscriber.Cancel();
  Await("onhook_grpc_streams", {}, 0);
}

TEST_F(MetricsOfGatewayTest, DeliveriesAreCountedAndTheFirstOnesTimed) {
  StartGateway();
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  EXPECT_EQ(PostCall("1").body, kSuccess);
  v1::SubscribeRequest nack;
  nack.mutable_nack()->add_delivery_ids(subscriber.Deliveries(1).at(0).delivery_id());
  nack.mutable_nack()->set_action(v1::NackRequest::ACTION_RETRY);
  nack.mutable_nack()->mutable_delay();  // at once
  subscriber.Send(nack);
  EXPECT_THAT(subscriber.Results().exceptions(), IsEmpty());
  AckDurably(subscriber, subscriber.Deliveries(1));
  Await("onhook_deliveries_total", {{"subscription", "crm"}, {"redelivery", "true"}}, 1);
  EXPECT_EQ(Value("onhook_deliveries_total", {{"subscription", "crm"}, {"redelivery", "false"}}),
            1);
  EXPECT_EQ(Value("onhook_delivery_latency_seconds_count", kOfCrm), 1);
  EXPECT_GT(Value("onhook_delivery_latency_seconds_sum", kOfCrm), 0);
}

TEST_F(MetricsOfGatewayTest, EveryAckAndNackIsCountedByItsResult) {
  StartGateway();
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  const auto next = [&](const char* call) {
    EXPECT_EQ(PostCall(call).body, kSuccess);
    return subscriber.Deliveries(1).at(0).delivery_id();
  };
  const auto nack = [&](const std::string& id, v1::NackRequest::Action action) {
    v1::SubscribeRequest request;
    request.mutable_nack()->add_delivery_ids(id);
    request.mutable_nack()->set_action(action);
    if (action == v1::NackRequest::ACTION_RETRY) {
      request.mutable_nack()->mutable_delay()->set_seconds(3600);
    }
    subscriber.Send(request);
    subscriber.Results();
  };
  const auto of = [&](const char* result) {
    return Value("onhook_acks_total", {{"subscription", "crm"}, {"result", result}});
  };
  const std::string acked = next("1");
  v1::SubscribeRequest ack;
  ack.mutable_ack()->add_delivery_ids(acked);
  ack.mutable_ack()->add_delivery_ids("nonsense");
  subscriber.Send(ack);
  subscriber.Results();
  nack(next("2"), v1::NackRequest::ACTION_PARK);
  nack(next("3"), v1::NackRequest::ACTION_SKIP);
  nack(next("4"), v1::NackRequest::ACTION_RETRY);
  nack(acked, v1::NackRequest::ACTION_RETRY);
  nack(next("5"), v1::NackRequest::ACTION_RELEASE);
  for (const char* once : {"acked", "unknown", "park", "skip", "retry", "stale", "release"}) {
    EXPECT_EQ(of(once), 1) << once;
  }
  EXPECT_EQ(of("expired"), 0);
  EXPECT_EQ(of("retry_later"), 0);
  EXPECT_EQ(Value("onhook_dead_letters", kOfCrm), 1);
  EXPECT_EQ(Value("onhook_dead_letters_parked_total", kOfCrm), 1);
}

TEST_F(MetricsOfGatewayTest, ASubscriptionThatIsDeletedTakesItsSeriesWithIt) {
  StartGateway();
  const auto administration = Administration();
  for (const char* name : {"crm", "billing"}) {
    grpc::ClientContext context;
    v1::CreateSubscriptionRequest request;
    v1::CreateSubscriptionResponse response;
    request.set_name(name);
    ASSERT_TRUE(administration->CreateSubscription(&context, request, &response).ok());
  }
  EXPECT_EQ(Value("onhook_subscription_backlog_events", kOfCrm), 0);
  grpc::ClientContext context;
  v1::DeleteSubscriptionRequest request;
  v1::DeleteSubscriptionResponse response;
  request.set_name("crm");
  ASSERT_TRUE(administration->DeleteSubscription(&context, request, &response).ok());
  const std::string text = AskAdmin("/metrics").body;
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("crm")));
  EXPECT_EQ(
      MetricsText(text).Value("onhook_subscription_backlog_events", {{"subscription", "billing"}}),
      0);
}

TEST_F(MetricsOfGatewayTest, APausedSubscriptionIsSeen) {
  settings_.subscriptions.push_back({"crm", {}});
  StartGateway();
  EXPECT_EQ(Value("onhook_subscription_paused", kOfCrm), 0);
  grpc::ClientContext context;
  v1::PauseSubscriptionRequest request;
  v1::PauseSubscriptionResponse response;
  request.set_name("crm");
  ASSERT_TRUE(Administration()->PauseSubscription(&context, request, &response).ok());
  EXPECT_EQ(Value("onhook_subscription_paused", kOfCrm), 1);
}

TEST_F(MetricsOfGatewayTest, ReadinessAndConnectionsAreSeen) {
  StartGateway();
  EXPECT_EQ(Value("onhook_ready"), 1);
  EXPECT_EQ(Value("onhook_http_connections"), 0);
  RawHttpClient client(gateway_->http_port());
  Await("onhook_http_connections", {}, 1);
  gateway_.reset();
  settings_.store.minimum_free_disk = std::numeric_limits<int64_t>::max();
  StartGateway();
  EXPECT_EQ(Value("onhook_ready"), 0);
}

TEST_F(MetricsOfGatewayTest, SettingsThatCanBeUsedAreDated) {
  StartGateway();
  const char* const date = "onhook_config_last_reload_success_timestamp_seconds";
  const double started = Value(date);
  EXPECT_GT(started, absl::ToUnixSeconds(absl::Now()) - 3600);
  gateway_->Reload(absl::InvalidArgumentError("f:1:1: a: no such key"));
  EXPECT_EQ(Value(date), started);
  Invocation invocation;
  invocation.settings = settings_;
  gateway_->Reload(invocation);
  EXPECT_GT(Value(date), started);
}

TEST_F(MetricsOfGatewayTest, AScrapeWhileTheGatewayStopsIsAnswered) {
  settings_.subscriptions.push_back({"crm", {}});
  StartGateway();
  EXPECT_EQ(PostCall("1").body, kSuccess);
  std::atomic<bool> stopped{false};
  std::thread scraper([&] {
    while (!stopped) AskAdmin("/metrics");
  });
  EXPECT_TRUE(gateway_->Stop().ok());
  stopped = true;
  scraper.join();
}

}  // namespace
}  // namespace onhook
