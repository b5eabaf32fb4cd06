// Two gateways on one NATS server: the callback comes to one, its subscriber is at the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/config/settings.h"
#include "gateway/gateway.h"
#include "onhook/v1/release_event_service.grpc.pb.h"
#include "tests/support/nats_server.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/stream_clients.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using When = Settings::Acknowledge::When;

constexpr char kSuccess[] = R"({"retCode":"0","retMsg":"success"})";

// A gateway with a client of its streams.
class Node {
 public:
  explicit Node(Settings settings)
      : gateway_(std::make_unique<Gateway>(std::move(settings), &clock_, &log_)) {
    const absl::Status started = gateway_->Start();
    EXPECT_TRUE(started.ok()) << started;
    if (!started.ok()) return;
    stub_ = v1::ReleaseEventService::NewStub(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", gateway_->grpc_port()),
                                  grpc::InsecureChannelCredentials(), OwnConnection()));
  }

  std::string Post(absl::string_view call) const {
    const std::string body =
        absl::StrCat(R"({"callSerialNo":")", call, R"(","called":"88880067"})");
    return RawHttpClient(gateway_->http_port())
        .Send(absl::StrCat("POST /release-events HTTP/1.1\r\nHost: gateway\r\nContent-Length: ",
                           body.size(), "\r\n\r\n", body))
        .ReadAnswer()
        .body;
  }
  std::string Metrics() const {
    return RawHttpClient(gateway_->admin_port())
        .Send("GET /metrics HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .ReadAnswer()
        .body;
  }
  Subscriber Subscribe() { return Subscriber(stub_.get()); }
  std::vector<std::string> LogLines() {
    absl::MutexLock lock(&mutex_);
    return log_lines_;
  }

 private:
  SystemClock clock_;
  absl::Mutex mutex_;
  std::vector<std::string> log_lines_ ABSL_GUARDED_BY(mutex_);
  Log log_{&clock_, LogLevel::kInfo, Log::Format::kJson, [this](absl::string_view line) {
             absl::MutexLock lock(&mutex_);
             log_lines_.emplace_back(line);
           }};
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<v1::ReleaseEventService::Stub> stub_;
};

class TwoGatewaysTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = NatsServer::Missing(NatsVersion::kNewest); !missing.empty()) {
      GTEST_SKIP() << missing;
    }
    ASSERT_TRUE(server_.Start()) << server_.log();
    settings_.http.server.listen = "127.0.0.1:0";
    settings_.grpc.server.listen = "127.0.0.1:0";
    settings_.admin.server.listen = "127.0.0.1:0";
    settings_.store.engine = Settings::Store::Engine::kJetStream;
    settings_.store.jetstream.servers = {server_.url()};
    settings_.store.jetstream.replicas = 1;
    settings_.store.jetstream.servers_sync_always = true;
    settings_.acknowledge.timeout = absl::Seconds(20);
    // Clients go without a word; nobody has to be waited for.
    settings_.shutdown.drain_deadline = absl::Seconds(2);
  }
  void StartBoth() {
    for (Settings::Source& source : settings_.sources) source.acknowledge = settings_.acknowledge;
    here_ = std::make_unique<Node>(settings_);
    there_ = std::make_unique<Node>(settings_);
  }
  static void AckAll(Subscriber& subscriber, const std::vector<v1::Delivery>& deliveries) {
    subscriber.Ack(deliveries, 7);
    const v1::AckResults results = subscriber.Results();
    EXPECT_EQ(results.exceptions_size(), 0) << results.ShortDebugString();
  }

  // Acks what comes, until that was confirmed for so many calls: these. What is not confirmed comes
  // again.
  static std::set<std::string> Process(Subscriber& subscriber, size_t count) {
    std::set<std::string> processed;
    while (processed.size() < count) {
      const std::vector<v1::Delivery> deliveries = subscriber.Deliveries(1);
      if (deliveries.empty()) break;
      for (const v1::Delivery& delivery : deliveries) {
        subscriber.Ack({delivery}, 7);
        const v1::AckResults results = subscriber.Results();
        if (results.exceptions_size() == 0) processed.insert(delivery.event().call_serial_no());
      }
    }
    return processed;
  }
  // As the vendor does, who is told meanwhile that it is stored.
  static void RepeatUntilSuccess(const Node& node, absl::string_view call) {
    for (int i = 0; i < 1000; ++i) {
      const std::string answer = node.Post(call);
      if (answer == kSuccess) return;
      ASSERT_THAT(answer, HasSubstr(R"("retCode":"2")"));
    }
    FAIL() << "no repeat was answered with success";
  }

  NatsServer server_;
  Settings settings_;
  std::unique_ptr<Node> here_;
  std::unique_ptr<Node> there_;
};

TEST_F(TwoGatewaysTest, ACallbackIsAnsweredOnceTheSubscriberAtTheOtherGatewayHasIt) {
  StartBoth();
  Subscriber subscriber = there_->Subscribe();
  subscriber.Open("crm");
  EXPECT_EQ(here_->Post("a"), kSuccess);
  const std::vector<v1::Delivery> deliveries = subscriber.Deliveries(1);
  EXPECT_THAT(CallsOf(deliveries), ElementsAre("a"));
  EXPECT_EQ(here_->Post("a"), kSuccess) << "a repeat, while it is with its consumer";
  EXPECT_EQ(there_->Post("a"), kSuccess) << "a repeat at the other gateway";
  AckAll(subscriber, deliveries);
  EXPECT_EQ(there_->Post("b"), kSuccess);
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("b")) << "and no repeat before it";
}

TEST_F(TwoGatewaysTest, ACallbackIsAnsweredOnceItIsProcessedAtTheOtherGateway) {
  settings_.acknowledge.when = When::kProcessed;
  StartBoth();
  Subscriber subscriber = there_->Subscribe();
  subscriber.Open("crm");
  std::thread consumer([&] { AckAll(subscriber, subscriber.Deliveries(1)); });
  EXPECT_EQ(here_->Post("a"), kSuccess);
  consumer.join();
  EXPECT_EQ(here_->Post("a"), kSuccess);
  EXPECT_EQ(there_->Post("a"), kSuccess);
}

TEST_F(TwoGatewaysTest, ASubscriptionThatIsNamedMayBeAtTheOtherGateway) {
  settings_.subscriptions = {{"crm", {}}, {"billing", {}}};
  settings_.acknowledge.subscriptions = {"crm", "billing"};
  StartBoth();
  Subscriber crm = there_->Subscribe();
  crm.Open("crm");
  Subscriber billing = here_->Subscribe();
  billing.Open("billing");
  EXPECT_EQ(here_->Post("a"), kSuccess);
  EXPECT_EQ(there_->Post("b"), kSuccess);
  EXPECT_EQ(CallsOf(crm.Deliveries(2)).size(), 2u);
  EXPECT_EQ(CallsOf(billing.Deliveries(2)).size(), 2u);
}

TEST_F(TwoGatewaysTest, WhoIsNowhereIsNotSucceededFor) {
  settings_.acknowledge.timeout = absl::Milliseconds(300);
  StartBoth();
  EXPECT_THAT(here_->Post("a"), HasSubstr(R"("retCode":"2")"));
  Subscriber subscriber = there_->Subscribe();
  subscriber.Open("crm");
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("a"));
  RepeatUntilSuccess(*here_, "a");
}

TEST_F(TwoGatewaysTest, OneSubscriptionsEventsAreSharedByItsStreamsAtBoth) {
  settings_.acknowledge.when = When::kStored;
  StartBoth();
  Subscriber one = here_->Subscribe();
  Subscriber other = there_->Subscribe();
  one.MutableOpen()->set_max_outstanding_events(1);
  other.MutableOpen()->set_max_outstanding_events(1);
  one.Open("crm");
  other.Open("crm");
  EXPECT_EQ(here_->Post("a"), kSuccess);
  EXPECT_EQ(there_->Post("b"), kSuccess);
  std::vector<std::string> calls = CallsOf(one.Deliveries(1));
  calls.push_back(CallsOf(other.Deliveries(1)).at(0));
  EXPECT_THAT(calls, ::testing::UnorderedElementsAre("a", "b"));
}

TEST_F(TwoGatewaysTest, WhatStoredMeansIsInMetricsInStreamsAndInTheLog) {
  settings_.store.jetstream.servers_sync_always = false;
  StartBoth();
  EXPECT_THAT(here_->Metrics(),
              HasSubstr(R"(onhook_store_info{durability="unsynced",engine="jetstream"} 1)"));
  Subscriber subscriber = here_->Subscribe();
  EXPECT_EQ(subscriber.Open("crm").durability_class(), v1::DURABILITY_CLASS_UNSYNCED);
  EXPECT_THAT(here_->LogLines(), Contains(HasSubstr("not known to sync what it stores")));
}

TEST_F(TwoGatewaysTest, AStreamThatIsAnotherFleetsIsNotTaken) {
  here_ = std::make_unique<Node>(settings_);
  settings_.store.jetstream.subject_prefix = "another";
  const SystemClock clock;
  Log silent(&clock, LogLevel::kError, Log::Format::kText, [](absl::string_view) {});
  Gateway gateway(settings_, &clock, &silent);
  const absl::Status started = gateway.Start();
  EXPECT_EQ(started.code(), absl::StatusCode::kFailedPrecondition) << started;
  EXPECT_THAT(std::string(started.message()),
              ::testing::StartsWith("store.jetstream.subject_prefix: "));
}

TEST_F(TwoGatewaysTest, WithASpoolAnOutageOfTheServersCostsNoCallback) {
  const TemporaryDirectory spool;
  settings_.acknowledge.when = When::kStored;
  settings_.store.spool.directory = absl::StrCat(spool.path(), "/spool");
  settings_.store.spool.patience = absl::Milliseconds(300);
  for (Settings::Source& source : settings_.sources) source.acknowledge = settings_.acknowledge;
  here_ = std::make_unique<Node>(settings_);
  settings_.store.spool.directory = "";
  there_ = std::make_unique<Node>(settings_);
  Subscriber subscriber = there_->Subscribe();
  subscriber.Open("crm");
  server_.Kill();
  EXPECT_EQ(here_->Post("a"), kSuccess);
  EXPECT_EQ(here_->Post("a"), kSuccess);
  EXPECT_EQ(here_->Post("b"), kSuccess);
  EXPECT_THAT(here_->Metrics(), HasSubstr("\nonhook_spool_events 2\n"));
  ASSERT_TRUE(server_.Start()) << server_.log();
  EXPECT_THAT(Process(subscriber, 2), ElementsAre("a", "b"));
  EXPECT_EQ(here_->Post("a"), kSuccess);
  EXPECT_EQ(here_->Post("c"), kSuccess);
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("c")) << "and no repeat before it";
}

}  // namespace
}  // namespace onhook
