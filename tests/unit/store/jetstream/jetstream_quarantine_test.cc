// What the contract does not say: several gateways on one stream, servers that die, what others
// wrote there.
#include "gateway/store/jetstream/jetstream_quarantine.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/store/jetstream/rejected_message.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/nats_cluster.h"
#include "tests/support/nats_server.h"
#include "tests/unit/store/jetstream/quarantine_gateway.h"

namespace onhook {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int64_t kBytesOfOne = 256 + 10;

// Waits for what happens by itself a moment later.
template <typename Condition>
void Until(Condition condition) {
  absl::Mutex mutex;
  absl::CondVar never;
  absl::MutexLock lock(&mutex);
  while (!condition()) never.WaitWithTimeout(&mutex, absl::Milliseconds(2));
}

class JetStreamQuarantineTest : public ::testing::TestWithParam<NatsVersion> {
 protected:
  void SetUp() override {
    if (const std::string missing = NatsServer::Missing(GetParam()); !missing.empty()) {
      GTEST_SKIP() << missing;
    }
    Begin("");
  }
  // A server anew, with `more_configuration`.
  void Begin(const std::string& more_configuration) {
    NatsServer::Options options;
    options.version = GetParam();
    options.more_configuration = more_configuration;
    server_ = std::make_unique<NatsServer>(options);
    ASSERT_TRUE(server_->Start()) << server_->log();
  }
  std::unique_ptr<QuarantineGateway> Open(QuarantineOptions limits = {}) {
    limits.age = absl::InfiniteDuration();
    return std::make_unique<QuarantineGateway>(std::vector<std::string>{server_->url()}, limits);
  }
  // Hands in `count` of 256 + 10 bytes each at once, and returns what was answered.
  static std::vector<absl::StatusOr<int64_t>> KeepMany(QuarantineGateway& gateway, int count,
                                                       const std::string& source, int first = 0) {
    absl::BlockingCounter missing(count);
    std::vector<absl::StatusOr<int64_t>> ids(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      gateway.quarantine().Keep(Numbered(first + i, source), [&, i](absl::StatusOr<int64_t> id) {
        ids[static_cast<size_t>(i)] = std::move(id);
        missing.DecrementCount();
      });
    }
    missing.Wait();
    return ids;
  }
  static NewRejectedCallback Numbered(int number, const std::string& source) {
    return QuarantineGateway::MakeCallback(absl::StrCat("body ", 10'000 + number), source);
  }
  static void DeleteSilently(QuarantineGateway& gateway, int64_t id) {
    absl::Notification done;
    gateway.api().DeleteMessage(gateway.subjects().rejected_stream(), id,
                                [&](const absl::Status& status) {
                                  EXPECT_TRUE(status.ok()) << status;
                                  done.Notify();
                                });
    done.WaitForNotification();
  }
  static int64_t Publish(QuarantineGateway& gateway, const std::string& subject,
                         const std::string& data) {
    const absl::StatusOr<PublishAck> ack = QuarantineGateway::Answer<PublishAck>(
        [&](auto done) { gateway.api().Publish(subject, {}, data, {}, std::move(done)); });
    EXPECT_TRUE(ack.ok()) << ack.status();
    return ack.ok() ? ack->sequence : -1;
  }

  std::unique_ptr<NatsServer> server_;
};

TEST_P(JetStreamQuarantineTest, AnEqualOneIsKeptOnceOverAllGateways) {
  const auto one = Open();
  const auto other = Open();
  const int64_t id = one->Keep("body").value_or(-1);
  EXPECT_EQ(other->Keep("body").value_or(-2), id);
  EXPECT_THAT(other->Ids(), ElementsAre(id));
  EXPECT_THAT(one->Ids(), ElementsAre(id));
  EXPECT_EQ(other->Get(id)->callback.raw_body, "body");
}

TEST_P(JetStreamQuarantineTest, OfEqualOnesThatComeTogetherAtTwoGatewaysOneIsKept) {
  const auto one = Open();
  const auto other = Open();
  std::vector<absl::StatusOr<int64_t>> of_one;
  std::thread thread([&] { of_one = KeepMany(*one, 100, "default"); });
  const std::vector<absl::StatusOr<int64_t>> of_other = KeepMany(*other, 100, "default");
  thread.join();
  for (size_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(of_one[i].ok()) << of_one[i].status();
    EXPECT_EQ(*of_one[i], of_other[i].value_or(-1));
  }
  EXPECT_EQ(one->Ids().size(), 100);
}

TEST_P(JetStreamQuarantineTest, WhatOneGatewayKeptTheOtherListsAndWhatItDiscardedTheOtherDoesNot) {
  const auto one = Open();
  const auto other = Open();
  const int64_t first = one->Keep("one").value_or(-1);
  const int64_t second = other->Keep("two").value_or(-1);
  Until([&] { return other->Ids().size() == 2; });
  EXPECT_THAT(*one->Discard({first}), IsEmpty());
  EXPECT_THAT(one->Ids(), Not(Contains(first))) << "here at once";
  Until([&] { return one->Ids() == std::vector<int64_t>{second}; });
  EXPECT_EQ(other->Get(first).status().code(), absl::StatusCode::kNotFound);
  Until([&] { return other->Ids() == std::vector<int64_t>{second}; });
  EXPECT_THAT(*other->Discard({first, second}), ElementsAre(first));
  EXPECT_EQ(other->Measure().bytes, 0);
}

TEST_P(JetStreamQuarantineTest, WhatWentUnheardIsFoundByComparing) {
  const auto gateway = Open();
  std::vector<int64_t> ids;
  for (const auto& id : KeepMany(*gateway, 30, "default")) ids.push_back(id.value_or(-1));
  std::sort(ids.begin(), ids.end());
  for (size_t i = 0; i < 10; ++i) DeleteSilently(*gateway, ids[2 * i]);
  Until([&] {
    gateway->clock().Advance(absl::Seconds(10));
    return gateway->Measure().callbacks == 20;
  });
  EXPECT_EQ(gateway->Ids().size(), 20);
  EXPECT_THAT(*gateway->Discard({ids[0]}), ElementsAre(ids[0]));
}

TEST_P(JetStreamQuarantineTest, AnOperatorMayEmptyTheStream) {
  const auto gateway = Open();
  KeepMany(*gateway, 30, "default");
  absl::Notification purged;
  gateway->api().Purge(gateway->subjects().rejected_stream(), 1'000'000, "",
                       [&](const absl::Status& status) {
                         EXPECT_TRUE(status.ok()) << status;
                         purged.Notify();
                       });
  purged.WaitForNotification();
  Until([&] {
    gateway->clock().Advance(absl::Seconds(10));
    return gateway->Measure().callbacks == 0;
  });
  EXPECT_TRUE(gateway->Keep("body").ok());
  EXPECT_EQ(gateway->Ids().size(), 1);
}

TEST_P(JetStreamQuarantineTest, WhatLiesInAStreamThatWasMadeAnewIsListed) {
  const auto gateway = Open();
  const int64_t first = gateway->Keep("first").value_or(-1);
  const int64_t second = gateway->Keep("second").value_or(-1);
  Until([&] { return gateway->Ids().size() == 2; });
  EXPECT_THAT(*gateway->Discard({first}), IsEmpty());
  const std::string stream = gateway->subjects().rejected_stream();
  const StreamConfig config = QuarantineGateway::Answer<StreamInfo>([&](auto done) {
                                gateway->api().GetStream(stream, std::move(done));
                              })->config;
  absl::Notification deleted;
  gateway->api().DeleteStream(stream, [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    deleted.Notify();
  });
  deleted.WaitForNotification();
  ASSERT_TRUE(QuarantineGateway::Answer<StreamInfo>([&](auto done) {
                gateway->api().CreateStream(config, std::move(done));
              }).ok());
  EXPECT_EQ(gateway->Keep("another").value_or(-2), first);
  Until([&] { return gateway->Ids() == std::vector<int64_t>{first}; });
  EXPECT_EQ(gateway->Get(first)->callback.raw_body, "another");
  EXPECT_EQ(gateway->Get(second).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(JetStreamQuarantineTest, SeveralGatewaysHoldTheLimitAndCountEachRemovalOnce) {
  QuarantineOptions limits;
  limits.bytes = 50 * kBytesOfOne;
  const auto one = Open(limits);
  const auto other = Open(limits);
  std::thread thread([&] {
    for (const auto& id : KeepMany(*one, 200, "default")) EXPECT_TRUE(id.ok()) << id.status();
  });
  for (const auto& id : KeepMany(*other, 200, "default", 200)) EXPECT_TRUE(id.ok()) << id.status();
  thread.join();
  // A gateway that heard late of what the other kept may have removed more than it had to.
  Until([&] {
    one->clock().Advance(absl::Seconds(1));
    return one->Measure().callbacks <= 50 && one->Ids() == other->Ids();
  });
  const auto left = static_cast<int64_t>(one->Ids().size());
  EXPECT_GE(left, 1);
  EXPECT_EQ(one->quarantine().removed_by_limit() + other->quarantine().removed_by_limit(),
            400 - left);
  EXPECT_EQ(one->quarantine().removed_by_age(), 0);
}

TEST_P(JetStreamQuarantineTest, OneKeepRemovesSomeHundredsAndTheNextOnesTheRest) {
  const auto filler = Open();
  for (const auto& id : KeepMany(*filler, 1000, "flood")) ASSERT_TRUE(id.ok()) << id.status();
  QuarantineOptions limits;
  const auto gateway = Open(limits);
  EXPECT_EQ(gateway->Measure().callbacks, 1000) << "all are known once it is open";
  gateway->StopTicking();
  limits.bytes = 500 * kBytesOfOne;
  gateway->quarantine().SetLimits(limits);
  EXPECT_TRUE(gateway->Keep("0123456789").ok());
  EXPECT_EQ(gateway->quarantine().removed_by_limit(), 300);
  EXPECT_TRUE(gateway->Keep("9876543210").ok());
  EXPECT_EQ(gateway->quarantine().removed_by_limit(), 502);
  EXPECT_TRUE(gateway->Keep("another...").ok());
  EXPECT_EQ(gateway->quarantine().removed_by_limit(), 503);
  EXPECT_EQ(gateway->Ids().size(), 500);
}

TEST_P(JetStreamQuarantineTest, WhatWasAnsweredBeforeAServerDiedIsThereAndRepeatsFindIt) {
  const auto gateway = Open();
  const auto other = Open();
  std::map<int, int64_t> kept;
  absl::Mutex mutex;
  absl::BlockingCounter missing(300);
  for (int i = 0; i < 300; ++i) {
    gateway->quarantine().Keep(Numbered(i, "default"), [&, i](const absl::StatusOr<int64_t>& id) {
      {
        absl::MutexLock lock(&mutex);
        if (id.ok()) kept[i] = *id;
        EXPECT_TRUE(id.ok() || absl::IsUnavailable(id.status())) << id.status();
      }
      missing.DecrementCount();
    });
    if (i == 150) server_->Kill();
  }
  missing.Wait();
  EXPECT_EQ(gateway->List().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(gateway->Discard({1}).status().code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(server_->Start()) << server_->log();
  std::vector<int64_t> all;
  for (int i = 0; i < 300; ++i) {
    absl::StatusOr<int64_t> id;
    Until([&] {
      id = gateway->Keep(Numbered(i, "default").raw_body);
      return id.ok();
    });
    EXPECT_EQ(*id, kept.emplace(i, *id).first->second);
    all.push_back(*id);
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
  EXPECT_EQ(gateway->Ids(), all);
  Until([&] { return other->Ids() == all; });
}

TEST_P(JetStreamQuarantineTest, ADamagedOneIsListedDiscardedAndReplacedByAnEqualOne) {
  const auto gateway = Open();
  const NewRejectedCallback callback = Numbered(1, "sales");
  const std::string subject = gateway->subjects().Rejected("sales", RejectedHash(callback));
  std::string data = EncodeRejected(callback);
  data[data.find("body")] = 'B';
  const int64_t damaged = Publish(*gateway, subject, data);
  const int64_t foreign =
      Publish(*gateway, gateway->subjects().Rejected("sales", "1"), "no record");
  Until([&] { return gateway->Ids() == std::vector<int64_t>{damaged, foreign}; });
  EXPECT_EQ(gateway->List()->front().callback.source, "sales");
  EXPECT_EQ(gateway->Get(damaged).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(gateway->Get(foreign).status().code(), absl::StatusCode::kDataLoss);
  const int64_t id = gateway->Keep(callback.raw_body, "sales").value_or(-1);
  EXPECT_EQ(id, foreign + 1);
  EXPECT_EQ(gateway->Get(id)->callback.raw_body, callback.raw_body);
  EXPECT_THAT(*gateway->Discard({foreign, damaged}), ElementsAre(damaged));
  EXPECT_THAT(gateway->Ids(), ElementsAre(id));
}

TEST_P(JetStreamQuarantineTest, IdsThatCannotBeAreNotThere) {
  const auto gateway = Open();
  EXPECT_THAT(*gateway->Discard({0, -1, INT64_MIN, INT64_MAX, 2}),
              ElementsAre(INT64_MIN, -1, 0, 2, INT64_MAX));
  for (const int64_t id : {int64_t{0}, int64_t{-1}, INT64_MAX, int64_t{2}}) {
    EXPECT_EQ(gateway->Get(id).status().code(), absl::StatusCode::kNotFound) << id;
  }
  EXPECT_EQ(gateway->Keep("one").value_or(-1), 1);
  EXPECT_EQ(gateway->Keep("two").value_or(-1), 2);
  EXPECT_THAT(gateway->Ids(), ElementsAre(1, 2)) << "its time had yet to come";
}

TEST_P(JetStreamQuarantineTest, WhatTheServersDoNotTakeIsRefused) {
  Begin("max_payload: 2048");
  const auto gateway = Open();
  for (const size_t bytes : {size_t{2048}, size_t{2000}, size_t{1600}}) {
    EXPECT_EQ(gateway->Keep(std::string(bytes, 'x')).status().code(), absl::StatusCode::kOutOfRange)
        << bytes;
  }
  EXPECT_TRUE(gateway->Keep(std::string(1024, 'x')).ok());
}

TEST_P(JetStreamQuarantineTest, WhatIsOddBetweenGatewaysIsPassedOver) {
  const auto gateway = Open();
  const int64_t id = gateway->Keep("body").value_or(-1);
  EXPECT_TRUE(
      gateway->api().connection()->Publish(gateway->subjects().discarded(), "\xff\xff").ok());
  EXPECT_THAT(gateway->Ids(), ElementsAre(id));
}

TEST_P(JetStreamQuarantineTest, OnceClosedItAnswersUnavailable) {
  const auto gateway = Open();
  gateway->Close();
  EXPECT_EQ(gateway->Keep("body").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(gateway->List().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(gateway->Get(1).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(gateway->Discard({1}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(gateway->Measure().callbacks, -1);
}

class JetStreamQuarantineClusterTest : public ::testing::TestWithParam<NatsVersion> {
 protected:
  void SetUp() override {
    if (const std::string missing = NatsServer::Missing(GetParam()); !missing.empty()) {
      GTEST_SKIP() << missing;
    }
    NatsCluster::Options options;
    options.version = GetParam();
    cluster_ = std::make_unique<NatsCluster>(options);
    ASSERT_TRUE(cluster_->Start()) << cluster_->log();
  }
  std::unique_ptr<QuarantineGateway> Open() {
    QuarantineOptions limits;
    limits.age = absl::InfiniteDuration();
    return std::make_unique<QuarantineGateway>(cluster_->urls(), limits, NatsCluster::kServers);
  }
  void KillLeader(QuarantineGateway& gateway) {
    const absl::StatusOr<StreamInfo> info = QuarantineGateway::Answer<StreamInfo>([&](auto done) {
      gateway.api().GetStream(gateway.subjects().rejected_stream(), std::move(done));
    });
    ASSERT_TRUE(info.ok()) << info.status();
    for (int i = 0; i < NatsCluster::kServers; ++i) {
      if (cluster_->server(i).name() == info->leader) cluster_->server(i).Kill();
    }
  }

  std::unique_ptr<NatsCluster> cluster_;
};

TEST_P(JetStreamQuarantineClusterTest, WhatWasAnsweredBeforeALeaderDiedIsListedByAll) {
  const auto one = Open();
  const auto other = Open();
  constexpr int kCallbacks = 200;
  std::vector<absl::StatusOr<int64_t>> ids(kCallbacks);
  absl::BlockingCounter missing(kCallbacks);
  for (int i = 0; i < kCallbacks; ++i) {
    QuarantineGateway& gateway = i % 2 == 0 ? *one : *other;
    gateway.quarantine().Keep(QuarantineGateway::MakeCallback(absl::StrCat("body ", i), "default"),
                              [&, i](absl::StatusOr<int64_t> id) {
                                ids[static_cast<size_t>(i)] = std::move(id);
                                missing.DecrementCount();
                              });
    if (i == kCallbacks / 2) KillLeader(*one);
  }
  missing.Wait();
  std::vector<int64_t> all;
  for (int i = 0; i < kCallbacks; ++i) {
    const absl::StatusOr<int64_t>& answered = ids[static_cast<size_t>(i)];
    absl::StatusOr<int64_t> id;
    Until([&] {
      id = (i % 3 == 0 ? *one : *other).Keep(absl::StrCat("body ", i));
      return id.ok();
    });
    EXPECT_EQ(*id, answered.value_or(*id));
    all.push_back(*id);
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
  Until([&] { return one->Ids() == all && other->Ids() == all; });
  ASSERT_TRUE(cluster_->Start()) << cluster_->log();
  const std::vector<int64_t> half(all.begin(), all.begin() + kCallbacks / 2);
  const std::vector<int64_t> rest(all.begin() + kCallbacks / 2, all.end());
  Until([&] { return one->Discard(half).ok(); });
  EXPECT_EQ(one->Ids(), rest);
  Until([&] { return other->Ids() == rest; });
  EXPECT_EQ(Open()->Ids(), rest) << "also at one that comes later";
}

INSTANTIATE_TEST_SUITE_P(Versions, JetStreamQuarantineTest,
                         ::testing::Values(NatsVersion::kNewest, NatsVersion::kOldest),
                         ::testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Versions, JetStreamQuarantineClusterTest,
                         ::testing::Values(NatsVersion::kNewest, NatsVersion::kOldest),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace onhook
