// A gateway and the cluster that it starts on: one that is still forming, and one that is given
// more replicas.
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gateway/store/jetstream/jetstream_store.h"
#include "gmock/gmock.h"
#include "tests/contract/engine.h"
#include "tests/contract/subscription_queue_contract.h"
#include "tests/support/nats_cluster.h"
#include "tests/unit/store/jetstream/store_fixture.h"

namespace onhook {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class JetStreamClusterTest : public testing::TestWithParam<NatsVersion> {
 protected:
  void SetUp() override {
    const std::string missing = NatsServer::Missing(GetParam());
    if (!missing.empty()) GTEST_SKIP() << missing;
    NatsCluster::Options options;
    options.version = GetParam();
    options.sync_always = false;
    cluster_ = std::make_unique<NatsCluster>(options);
  }

  JetStreamOptions Options(int replicas) const {
    JetStreamOptions options;
    options.nats.servers = cluster_->urls();
    options.replicas = replicas;
    options.tick_interval = absl::Milliseconds(5);
    return options;
  }
  absl::StatusOr<std::unique_ptr<Store>> TryOpen(int replicas) {
    return OpenJetStreamStore(Options(replicas), &clock_, &log_, nullptr);
  }
  // As a gateway that starts: it asks again while the servers cannot serve.
  std::unique_ptr<Store> Open(int replicas) {
    const absl::Duration until = clock_.Elapsed() + kLongAtMost;
    absl::StatusOr<std::unique_ptr<Store>> store;
    do {
      store = TryOpen(replicas);
    } while (absl::IsUnavailable(store.status()) && clock_.Elapsed() < until);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  SystemClock clock_;
  const Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  std::unique_ptr<NatsCluster> cluster_;
};

INSTANTIATE_TEST_SUITE_P(Versions, JetStreamClusterTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

TEST_P(JetStreamClusterTest, AClusterThatIsStillFormingIsWaitedFor) {
  for (int i = 0; i < 2; ++i) {
    cluster_->server(i).Launch();
    ASSERT_TRUE(cluster_->server(i).WaitUntilReady(kLongAtMost));
  }
  ASSERT_TRUE(cluster_->WaitUntilLed());
  // So long that who waits for them has waited enough.
  const std::string refusal(TryOpen(3).status().message());
  EXPECT_THAT(refusal, AllOf(StartsWith("store.jetstream.replicas: stream ONHOOK"),
                             HasSubstr("there must be 3 servers with room for it")));
  absl::Status opened = absl::UnknownError("not tried");
  std::thread opening([&] { opened = TryOpen(3).status(); });
  ASSERT_TRUE(cluster_->Start()) << cluster_->log();
  opening.join();
  EXPECT_EQ(opened, absl::OkStatus());
}

TEST_P(JetStreamClusterTest, FromOneReplicaToThreeNothingIsForgotten) {
  ASSERT_TRUE(cluster_->Start()) << cluster_->log();
  {
    const std::unique_ptr<Store> store = Open(1);
    ASSERT_NE(store, nullptr);
    const QueuePtr queue = *store->FindOrCreateQueue("crm", {});
    for (const char* call : {"a", "b", "c"}) AppendOne(store->log(), MakeEvent(call, call));
    TestConsumer consumer(queue);
    std::vector<Lease> leases = consumer.Take(3);
    leases.erase(leases.begin() + 1, leases.end());
    EXPECT_THAT(Ack(queue, leases), IsEmpty());
  }
  auto connection = NatsConnection::Open(Options(1).nats, kLongAtMost, &log_);
  ASSERT_TRUE(connection.ok()) << connection.status();
  JetStreamApi api(connection->get(), absl::Seconds(5));
  for (const char* stream :
       {"ONHOOK", "ONHOOK_STATE", "ONHOOK_DEAD", "ONHOOK_REJECTED", "ONHOOK_NONCES"}) {
    EXPECT_THAT(std::string(TryOpen(3).status().message()), HasSubstr("1 replicas, not 3"));
    absl::StatusOr<StreamInfo> info =
        AwaitAnswer<StreamInfo>([&](auto done) { api.GetStream(stream, std::move(done)); });
    ASSERT_TRUE(info.ok()) << info.status();
    info->config.replicas = 3;
    info = AwaitAnswer<StreamInfo>(
        [&](auto done) { api.UpdateStream(info->config, std::move(done)); });
    ASSERT_TRUE(info.ok()) << info.status();
  }
  const std::unique_ptr<Store> store = Open(3);
  ASSERT_NE(store, nullptr);
  const QueuePtr queue = *store->FindOrCreateQueue("crm", {});
  TestConsumer consumer(queue);
  EXPECT_THAT(ContentsOf(consumer.Take(2)), UnorderedElementsAre("b", "c"));
  EXPECT_EQ(queue->Stats().backlog_events, 2);
}

}  // namespace
}  // namespace onhook
