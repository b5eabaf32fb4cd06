// What a cluster of three servers does to those who read from it while each of them dies in turn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/base/periodic_thread.h"
#include "gateway/store/jetstream/pull_consumer.h"
#include "gateway/store/jetstream/stream_follower.h"
#include "tests/support/nats_cluster.h"
#include "tests/unit/store/jetstream/nats_fixture.h"

namespace onhook {
namespace {

using ::testing::IsEmpty;

constexpr int kEachTurn = 100;

class NatsClusterTest : public testing::TestWithParam<NatsVersion> {
 protected:
  void SetUp() override {
    const std::string missing = NatsServer::Missing(GetParam());
    if (!missing.empty()) GTEST_SKIP() << missing;
    NatsCluster::Options options;
    options.version = GetParam();
    options.sync_always = false;
    cluster_ = std::make_unique<NatsCluster>(options);
    ASSERT_TRUE(cluster_->Start()) << cluster_->log();
    NatsOptions servers;
    servers.servers = cluster_->urls();
    auto connection = NatsConnection::Open(servers, kLongAtMost, &log_);
    ASSERT_TRUE(connection.ok()) << connection.status();
    connection_ = *std::move(connection);
    api_ = std::make_unique<JetStreamApi>(connection_.get(), absl::Seconds(2));
    StreamConfig config;
    config.name = "CALLS";
    config.subjects = {"calls.>"};
    config.replicas = NatsCluster::kServers;
    ASSERT_TRUE(Stubbornly<StreamInfo>([&](JetStreamApi::Done<StreamInfo> done) {
                  api_->CreateStream(config, std::move(done));
                }).ok());
    ConsumerConfig consumer;
    consumer.name = "who";
    consumer.durable = true;
    consumer.ack_wait = absl::Seconds(3);
    ASSERT_TRUE(Stubbornly<ConsumerInfo>([&](JetStreamApi::Done<ConsumerInfo> done) {
                  api_->CreateConsumer("CALLS", consumer, std::move(done));
                }).ok());
    Follow();
    Pull();
    ticks_ = std::make_unique<PeriodicThread>(absl::Milliseconds(50), [this] {
      follower_->Tick();
      pulling_->Tick();
    });
  }
  void TearDown() override {
    ticks_ = nullptr;
    follower_ = nullptr;
    pulling_ = nullptr;
    api_ = nullptr;
    connection_ = nullptr;
  }

  void Follow() {
    StreamFollower::Callbacks callbacks;
    callbacks.message = [this](const StreamMessage& message) { followed_.Add(message.data); };
    callbacks.went_back = [this](int64_t last, const SequenceMarks::Mark&) {
      went_back_.Add(last);
    };
    follower_ = std::make_unique<StreamFollower>(
        api_.get(), StreamFollower::Options{"CALLS", "", 0}, callbacks, &clock_, &log_);
    follower_->Start();
  }
  void Pull() {
    PullConsumer::Callbacks callbacks;
    callbacks.message = [this](const PulledMessage& message) {
      pulling_->Acknowledge(message.ack_subject);
      pulled_.Add(message.data);
    };
    callbacks.gone = [this] { gone_.Add(true); };
    pulling_ = std::make_unique<PullConsumer>(api_.get(), PullConsumer::Options{"CALLS", "who"},
                                              callbacks, &clock_, &log_);
    pulling_->Want(1000000);
  }

  template <typename Result, typename Ask>
  absl::StatusOr<Result> Stubbornly(const Ask& ask) {
    const absl::Duration until = clock_.Elapsed() + kLongAtMost;
    absl::StatusOr<Result> answer;
    do {
      answer = AwaitAnswer<Result>(ask);
    } while (!answer.ok() && clock_.Elapsed() < until);
    return answer;
  }
  void PublishNumbers(int first, int last) {
    for (int number = first; number <= last; ++number) {
      PublishOptions options;
      options.message_id = absl::StrCat("id", number);
      const absl::StatusOr<PublishAck> ack =
          Stubbornly<PublishAck>([&](JetStreamApi::Done<PublishAck> done) {
            api_->Publish("calls.a", {}, absl::StrCat(number), options, std::move(done));
          });
      ASSERT_TRUE(ack.ok()) << ack.status();
    }
  }
  void ExpectAll(int last) {
    std::vector<std::string> numbers;
    for (int number = 1; number <= last; ++number) numbers.push_back(absl::StrCat(number));
    EXPECT_EQ(followed_.Await(numbers.size()), numbers);
    std::set<std::string> pulled;
    for (size_t count = numbers.size(); pulled.size() < numbers.size(); ++count) {
      const std::vector<std::string> messages = pulled_.Await(count);
      pulled.insert(messages.begin(), messages.end());
      if (messages.size() < count) break;
    }
    EXPECT_EQ(pulled.size(), numbers.size());
    EXPECT_THAT(gone_.Get(), IsEmpty());
    EXPECT_THAT(went_back_.Get(), IsEmpty());
  }

  const SystemClock clock_;
  const Log log_{&clock_, LogLevel::kInfo, Log::Format::kText, Log::StandardError()};
  std::unique_ptr<NatsCluster> cluster_;
  Recorded<std::string> followed_;
  Recorded<std::string> pulled_;
  Recorded<bool> gone_;
  Recorded<int64_t> went_back_;
  std::unique_ptr<NatsConnection> connection_;
  std::unique_ptr<JetStreamApi> api_;
  std::unique_ptr<StreamFollower> follower_;
  std::unique_ptr<PullConsumer> pulling_;
  std::unique_ptr<PeriodicThread> ticks_;
};

TEST_P(NatsClusterTest, EachServerDiesInTurnAndNothingIsMissed) {
  int last = 0;
  for (int i = 0; i < NatsCluster::kServers; ++i) {
    std::thread publisher([this, last] { PublishNumbers(last + 1, last + kEachTurn); });
    followed_.Await(static_cast<size_t>(last) + kEachTurn / 2);
    cluster_->server(i).Kill();
    publisher.join();
    last += kEachTurn;
    ExpectAll(last);
    ASSERT_TRUE(cluster_->Start()) << cluster_->log();
  }
}

TEST_P(NatsClusterTest, EachServerIsPausedInTurnAndNothingIsMissed) {
  int last = 0;
  for (int i = 0; i < NatsCluster::kServers; ++i) {
    std::thread publisher([this, last] { PublishNumbers(last + 1, last + kEachTurn); });
    followed_.Await(static_cast<size_t>(last) + kEachTurn / 2);
    cluster_->server(i).Pause();
    publisher.join();
    last += kEachTurn;
    ExpectAll(last);
    cluster_->server(i).Continue();
    // An old server that was paused may not call itself level for a minute, and works all the same.
    ASSERT_TRUE(cluster_->WaitUntilLed()) << cluster_->log();
  }
}

TEST_P(NatsClusterTest, AllServersDieAtOnceAndNothingIsMissed) {
  PublishNumbers(1, kEachTurn);
  ExpectAll(kEachTurn);
  for (int i = 0; i < NatsCluster::kServers; ++i) cluster_->server(i).Kill();
  ASSERT_TRUE(cluster_->Start()) << cluster_->log();
  PublishNumbers(kEachTurn + 1, 2 * kEachTurn);
  ExpectAll(2 * kEachTurn);
}

INSTANTIATE_TEST_SUITE_P(Versions, NatsClusterTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

}  // namespace
}  // namespace onhook
