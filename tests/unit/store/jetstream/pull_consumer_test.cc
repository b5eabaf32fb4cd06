#include "gateway/store/jetstream/pull_consumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/periodic_thread.h"
#include "gateway/base/steady_condition.h"
#include "tests/unit/store/jetstream/nats_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PullConsumerTest : public NatsTest {
 protected:
  void SetUp() override {
    NatsTest::SetUp();
    if (api_ == nullptr) return;
    ASSERT_TRUE(Create(Stream()).ok());
    CreateConsumer(absl::Seconds(30));
  }
  void TearDown() override {
    ticks_ = nullptr;
    // What is called reads `pulling_` until it is destroyed.
    std::default_delete<PullConsumer>()(pulling_.get());
    (void)pulling_.release();
    NatsTest::TearDown();
  }

  void CreateConsumer(absl::Duration ack_wait) {
    ConsumerConfig config;
    config.name = "who";
    config.durable = true;
    config.ack_wait = ack_wait;
    config.max_ack_pending = 100000;
    const absl::StatusOr<ConsumerInfo> made =
        AwaitAnswer<ConsumerInfo>([&](JetStreamApi::Done<ConsumerInfo> done) {
          api_->CreateConsumer("CALLS", config, std::move(done));
        });
    ASSERT_TRUE(made.ok()) << made.status();
  }
  void DeleteConsumer() {
    ASSERT_TRUE(AwaitStatus([&](JetStreamApi::DoneStatus done) {
                  api_->DeleteConsumer("CALLS", "who", std::move(done));
                }).ok());
  }
  ConsumerInfo Consumer() {
    return *AwaitAnswer<ConsumerInfo>([&](JetStreamApi::Done<ConsumerInfo> done) {
      api_->GetConsumer("CALLS", "who", std::move(done));
    });
  }
  // Until the server knows what was sent without confirmation.
  ConsumerInfo AwaitAckPending(int64_t messages) {
    const absl::Duration until = clock_.Elapsed() + kLongAtMost;
    ConsumerInfo info;
    do {
      info = Consumer();
    } while (info.ack_pending != messages && clock_.Elapsed() < until);
    return info;
  }

  void Pull(bool acknowledge = true, PullConsumer::Options options = {"CALLS", "who"}) {
    PullConsumer::Callbacks callbacks;
    callbacks.message = [this, acknowledge](const PulledMessage& message) {
      if (acknowledge) pulling_->Acknowledge(message.ack_subject);
      acks_.Add(message.ack_subject);
      messages_.Add(message.data);
    };
    callbacks.gone = [this] { gone_.Add(true); };
    pulling_ =
        std::make_unique<PullConsumer>(api_.get(), std::move(options), callbacks, &clock_, &log_);
    ticks_ = std::make_unique<PeriodicThread>(absl::Milliseconds(20), [this] { pulling_->Tick(); });
  }

  Recorded<std::string> messages_;
  Recorded<std::string> acks_;
  Recorded<bool> gone_;
  Recorded<bool> states_;  // of the connection
  std::unique_ptr<PullConsumer> pulling_;
  std::unique_ptr<PeriodicThread> ticks_;
};

TEST_P(PullConsumerTest, SoManyComeAsAreWanted) {
  PublishNumbers(1, 10);
  Pull();
  pulling_->Want(3);
  EXPECT_THAT(messages_.Await(3), ElementsAre("1", "2", "3"));
  EXPECT_EQ(pulling_->wanted(), 0);
  pulling_->Want(100);
  EXPECT_EQ(messages_.Await(10), Numbers(1, 10));
  EXPECT_EQ(pulling_->wanted(), 93);
  PublishNumbers(11, 12);
  EXPECT_EQ(messages_.Await(12), Numbers(1, 12));
  EXPECT_EQ(Consumer().delivered_stream_sequence, 12);
}

TEST_P(PullConsumerTest, WhatIsWantedGrowsInSmallSteps) {
  Pull();
  for (int wanted = 1; wanted <= 50; ++wanted) pulling_->Want(wanted);
  PublishNumbers(1, 50);
  EXPECT_EQ(messages_.Await(50), Numbers(1, 50));
}

TEST_P(PullConsumerTest, ManyComeInOrder) {
  constexpr int kMany = 20000;
  Recorded<bool> stored;
  for (int i = 1; i <= kMany; ++i) {
    api_->Publish("calls.many", {}, absl::StrCat(i), {},
                  [&](const absl::StatusOr<PublishAck>& ack) { stored.Add(ack.ok()); });
  }
  Pull();
  pulling_->Want(kMany);
  EXPECT_EQ(messages_.Await(kMany), Numbers(1, kMany));
  EXPECT_EQ(AwaitAckPending(0).ack_floor_stream_sequence, kMany);
}

TEST_P(PullConsumerTest, ARequestWhoseTimeIsOverIsMadeAnew) {
  PullConsumer::Options options = {"CALLS", "who"};
  options.expires = absl::Milliseconds(200);
  Pull(true, options);
  pulling_->Want(5);
  int64_t first = 0;
  const absl::Duration until = clock_.Elapsed() + absl::Seconds(1);
  while (clock_.Elapsed() < until) first += Consumer().waiting;  // so some have ended
  EXPECT_GT(first, 0);
  PublishNumbers(1, 5);
  EXPECT_EQ(messages_.Await(5), Numbers(1, 5));
}

TEST_P(PullConsumerTest, WhatIsNotWantedAnyMoreIsCalledBack) {
  Pull();
  pulling_->Want(10);
  const absl::Duration until = clock_.Elapsed() + kLongAtMost;
  while (Consumer().waiting == 0 && clock_.Elapsed() < until) continue;
  pulling_->Want(0);
  while (Consumer().waiting != 0 && clock_.Elapsed() < until) continue;
  PublishNumbers(1, 3);
  EXPECT_EQ(Consumer().delivered_stream_sequence, 0);
  EXPECT_THAT(messages_.Get(), IsEmpty());
  pulling_->Want(3);
  EXPECT_EQ(messages_.Await(3), Numbers(1, 3));
}

TEST_P(PullConsumerTest, WhatIsGivenBackComesAgainAndWhatIsTerminatedDoesNot) {
  PublishNumbers(1, 2);
  Pull(/*acknowledge=*/false);
  pulling_->Want(3);
  messages_.Await(2);
  pulling_->Terminate(acks_.Get()[0]);
  pulling_->GiveBack(acks_.Get()[1], absl::ZeroDuration());
  EXPECT_THAT(messages_.Await(3), ElementsAre("1", "2", "2"));
  const std::optional<DeliveryFacts> facts = ParseAckSubject(acks_.Get()[2]);
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->delivered, 2);
  EXPECT_EQ(AwaitAckPending(1).ack_pending, 1);
}

TEST_P(PullConsumerTest, WhatIsGivenBackForLaterComesLater) {
  PublishNumbers(1, 2);
  Pull(/*acknowledge=*/false);
  pulling_->Want(1);
  messages_.Await(1);
  pulling_->GiveBack(acks_.Get()[0], absl::Milliseconds(300));
  pulling_->Want(2);
  EXPECT_THAT(messages_.Await(3), ElementsAre("1", "2", "1"));
}

TEST_P(PullConsumerTest, WhatIsKeptDoesNotComeAgain) {
  CreateConsumer(absl::Seconds(1));
  PublishNumbers(1, 2);
  Pull(/*acknowledge=*/false);
  pulling_->Want(5);
  messages_.Await(2);
  // The second comes again and again, the first is kept meanwhile.
  PeriodicThread keep(absl::Milliseconds(50), [this] { pulling_->Keep(acks_.Get()[0]); });
  EXPECT_THAT(messages_.Await(4), ElementsAre("1", "2", "2", "2"));
}

TEST_P(PullConsumerTest, AConsumerThatIsDeletedIsToldOfOnce) {
  Pull();
  pulling_->Want(10);
  const absl::Duration until = clock_.Elapsed() + kLongAtMost;
  while (Consumer().waiting == 0 && clock_.Elapsed() < until) continue;
  DeleteConsumer();
  gone_.Await(1);
  pulling_->Want(20);
  CreateConsumer(absl::Seconds(30));
  PublishNumbers(1, 1);
  EXPECT_EQ(Consumer().waiting, 0);
  EXPECT_EQ(gone_.Get().size(), 1);
}

TEST_P(PullConsumerTest, AConsumerThatNeverWasIsToldOf) {
  DeleteConsumer();
  Pull();
  pulling_->Want(1);
  EXPECT_THAT(gone_.Await(1), ElementsAre(true));
}

TEST_P(PullConsumerTest, ADeletedStreamTakesItsConsumerWithIt) {
  Pull();
  pulling_->Want(1);
  ASSERT_TRUE(Delete().ok());
  EXPECT_THAT(gone_.Await(1), ElementsAre(true));
}

TEST_P(PullConsumerTest, AServerThatIsKilledTimeAndAgainLosesNothing) {
  CreateConsumer(absl::Seconds(1));
  Pull();
  pulling_->Want(1000000);
  std::thread publisher([this] { PublishNumbers(1, 400); });
  for (int i = 1; i <= 3; ++i) {
    messages_.Await(100 * i);
    server_->Kill();
    ASSERT_TRUE(server_->Start());
  }
  publisher.join();
  // Some may come twice, as their acknowledgements may be lost.
  std::set<std::string> all;
  for (size_t count = 400; all.size() < 400; ++count) {
    const std::vector<std::string> messages = messages_.Await(count);
    all.insert(messages.begin(), messages.end());
    if (messages.size() < count) break;
  }
  EXPECT_EQ(all.size(), 400);
  EXPECT_THAT(gone_.Get(), IsEmpty());
}

TEST_P(PullConsumerTest, AServerThatIsPausedIsComeBackTo) {
  Pull();
  pulling_->Want(10);
  connection_->AddListener([this](bool connected) { states_.Add(connected); });
  states_.Await(1);
  server_->Pause();
  states_.Await(2);  // given up
  server_->Continue();
  PublishNumbers(1, 5);
  EXPECT_EQ(messages_.Await(5), Numbers(1, 5));
  EXPECT_THAT(gone_.Get(), IsEmpty());
}

TEST_P(PullConsumerTest, NothingIsHandedOnOnceItIsGone) {
  std::atomic<bool> gone{false};
  std::atomic<int> late{0};
  PullConsumer::Callbacks callbacks;
  callbacks.message = [&](const PulledMessage& message) {
    if (gone) ++late;
    messages_.Add(message.data);
  };
  callbacks.gone = [] {};
  auto pulling = std::make_unique<PullConsumer>(api_.get(), PullConsumer::Options{"CALLS", "who"},
                                                callbacks, &clock_, &log_);
  pulling->Want(100000);
  std::thread publisher([this] { PublishNumbers(1, 300); });
  messages_.Await(100);
  pulling = nullptr;
  gone = true;
  publisher.join();
  EXPECT_EQ(late, 0);
}

INSTANTIATE_TEST_SUITE_P(Versions, PullConsumerTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

}  // namespace
}  // namespace onhook
