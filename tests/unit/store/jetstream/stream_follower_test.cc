#include "gateway/store/jetstream/stream_follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/periodic_thread.h"
#include "gateway/base/steady_condition.h"
#include "tests/unit/store/jetstream/nats_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

class StreamFollowerTest : public NatsTest {
 protected:
  void SetUp() override {
    NatsTest::SetUp();
    if (api_ == nullptr) return;
    ASSERT_TRUE(Create(Stream()).ok());
  }
  void TearDown() override {
    ticks_ = nullptr;
    follower_ = nullptr;
    NatsTest::TearDown();
  }

  void Follow(int64_t after = 0, const std::string& filter = "") {
    StreamFollower::Callbacks callbacks;
    callbacks.message = [this](const StreamMessage& message) {
      messages_.Add(message.data);
      sequences_.Add(message.sequence);
    };
    callbacks.caught_up = [this] { caught_up_.Add(messages_.Get().size()); };
    callbacks.went_back = [this](int64_t last, const SequenceMarks::Mark&) {
      went_back_.Add(last);
    };
    follower_ = std::make_unique<StreamFollower>(
        api_.get(), StreamFollower::Options{"CALLS", filter, after}, callbacks, &clock_, &log_);
    follower_->Start();
    ticks_ =
        std::make_unique<PeriodicThread>(absl::Milliseconds(20), [this] { follower_->Tick(); });
  }
  std::vector<std::string> Consumers() {
    return *AwaitAnswer<std::vector<std::string>>(
        [&](JetStreamApi::Done<std::vector<std::string>> done) {
          api_->ListConsumers("CALLS", std::move(done));
        });
  }

  Recorded<std::string> messages_;
  Recorded<int64_t> sequences_;
  Recorded<size_t> caught_up_;  // how many were handed on by then
  Recorded<int64_t> went_back_;
  Recorded<bool> states_;  // of the connection
  std::unique_ptr<StreamFollower> follower_;
  std::unique_ptr<PeriodicThread> ticks_;
};

TEST_P(StreamFollowerTest, WhatIsThereIsHandedOnThenWhatComes) {
  PublishNumbers(1, 3);
  Follow();
  EXPECT_THAT(caught_up_.Await(1), ElementsAre(3));
  PublishNumbers(4, 5);
  EXPECT_THAT(messages_.Await(5), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_THAT(sequences_.Await(5), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(caught_up_.Get().size(), 1);
}

TEST_P(StreamFollowerTest, AnEmptyStreamIsCaughtUpAtOnce) {
  Follow();
  EXPECT_THAT(caught_up_.Await(1), ElementsAre(0));
  PublishNumbers(1, 1);
  EXPECT_THAT(messages_.Await(1), ElementsAre("1"));
}

TEST_P(StreamFollowerTest, ItBeginsBehindWhatIsKnown) {
  PublishNumbers(1, 5);
  Follow(3);
  EXPECT_THAT(messages_.Await(2), ElementsAre("4", "5"));
  EXPECT_THAT(caught_up_.Await(1), ElementsAre(2));
}

TEST_P(StreamFollowerTest, OnlyWhatTheFilterLetsThroughIsHandedOn) {
  PublishNumbers(1, 5);
  Follow(0, "calls.3");
  EXPECT_THAT(caught_up_.Await(1), ElementsAre(1));
  EXPECT_THAT(messages_.Get(), ElementsAre("3"));
}

TEST_P(StreamFollowerTest, WhatWasPurgedIsPassedOver) {
  PublishNumbers(1, 5);
  ASSERT_TRUE(AwaitStatus([&](JetStreamApi::DoneStatus done) {
                api_->Purge("CALLS", 4, "", std::move(done));
              }).ok());
  Follow(1);
  EXPECT_THAT(messages_.Await(2), ElementsAre("4", "5"));
  EXPECT_THAT(caught_up_.Await(1), ElementsAre(2));
}

TEST_P(StreamFollowerTest, ManyAreHandedOnInOrder) {
  constexpr int kMany = 30000;
  Recorded<bool> stored;
  for (int i = 1; i <= kMany; ++i) {
    api_->Publish("calls.many", {}, absl::StrCat(i), {},
                  [&](const absl::StatusOr<PublishAck>& ack) { stored.Add(ack.ok()); });
  }
  EXPECT_EQ(stored.Await(kMany), std::vector<bool>(kMany, true));
  Follow();
  EXPECT_THAT(caught_up_.Await(1), ElementsAre(kMany));
  EXPECT_EQ(messages_.Get(), Numbers(1, kMany));
}

TEST_P(StreamFollowerTest, AConsumerThatIsDeletedIsMadeAnew) {
  Follow();
  caught_up_.Await(1);
  for (const std::string& name : Consumers()) {
    ASSERT_TRUE(AwaitStatus([&](JetStreamApi::DoneStatus done) {
                  api_->DeleteConsumer("CALLS", name, std::move(done));
                }).ok());
  }
  PublishNumbers(1, 3);
  EXPECT_THAT(messages_.Await(3), ElementsAre("1", "2", "3"));
  EXPECT_THAT(caught_up_.Await(2).size(), 2);
}

TEST_P(StreamFollowerTest, AServerThatIsKilledTimeAndAgainLosesNothingAndRepeatsNothing) {
  Follow();
  std::thread publisher([this] { PublishNumbers(1, 400); });
  for (int i = 1; i <= 3; ++i) {
    messages_.Await(100 * i);
    server_->Kill();
    ASSERT_TRUE(server_->Start());
  }
  publisher.join();
  EXPECT_EQ(messages_.Await(400), Numbers(1, 400));
  EXPECT_THAT(went_back_.Get(), IsEmpty());
}

TEST_P(StreamFollowerTest, AServerThatIsPausedIsComeBackTo) {
  Follow();
  caught_up_.Await(1);
  PublishNumbers(1, 2);
  messages_.Await(2);
  connection_->AddListener([this](bool connected) { states_.Add(connected); });
  states_.Await(1);
  server_->Pause();
  states_.Await(2);  // given up
  server_->Continue();
  PublishNumbers(3, 4);
  EXPECT_THAT(messages_.Await(4), ElementsAre("1", "2", "3", "4"));
}

TEST_P(StreamFollowerTest, AStreamThatIsMadeAnewIsToldOfAndFollowedFromItsBeginning) {
  PublishNumbers(1, 3);
  Follow();
  caught_up_.Await(1);
  ASSERT_TRUE(Delete().ok());
  ASSERT_TRUE(Create(Stream()).ok());
  PublishNumbers(7, 7);
  EXPECT_THAT(messages_.Await(4), ElementsAre("1", "2", "3", "7"));
  EXPECT_THAT(went_back_.Await(1), ElementsAre(0));
}

// As it is after a loss of power where the servers do not sync at once.
TEST_P(StreamFollowerTest, AStreamThatLostItsEndIsFollowedFromWhereItDiffers) {
  PublishNumbers(1, 40);
  server_->Stop();
  const std::string kept = server_->directory() + "/kept";
  const std::string store = server_->directory() + "/store";
  std::filesystem::copy(store, kept, std::filesystem::copy_options::recursive);
  ASSERT_TRUE(server_->Start());
  PublishNumbers(41, 60);
  Follow();
  messages_.Await(60);
  server_->Stop();
  std::filesystem::remove_all(store);
  std::filesystem::rename(kept, store);
  ASSERT_TRUE(server_->Start());
  // As many as before, by the time it is looked at, or not.
  PublishNumbers(101, 130);
  std::vector<std::string> messages;
  for (size_t count = 61; count < 1000; ++count) {
    messages = messages_.Await(count);
    if (messages.size() < count || messages.back() == "130") break;
  }
  ASSERT_GE(messages.size(), 30);
  EXPECT_THAT(std::vector<std::string>(messages.end() - 30, messages.end()),
              ElementsAreArray(Numbers(101, 130)));
  const std::vector<int64_t> back = went_back_.Get();
  ASSERT_EQ(back.size(), 1);
  EXPECT_LE(back.front(), 40);
  EXPECT_GE(back.front(), 16);  // not all over again
}

TEST_P(StreamFollowerTest, NothingIsHandedOnOnceItIsGone) {
  std::atomic<bool> gone{false};
  std::atomic<int> late{0};
  StreamFollower::Callbacks callbacks;
  callbacks.message = [&](const StreamMessage& message) {
    if (gone) ++late;
    messages_.Add(message.data);
  };
  auto follower = std::make_unique<StreamFollower>(
      api_.get(), StreamFollower::Options{"CALLS", "", 0}, callbacks, &clock_, &log_);
  follower->Start();
  std::thread publisher([this] { PublishNumbers(1, 300); });
  messages_.Await(100);
  follower = nullptr;
  gone = true;
  publisher.join();
  EXPECT_EQ(late, 0);
  EXPECT_THAT(Consumers(), IsEmpty());
}

TEST_P(StreamFollowerTest, ItMayBeDestroyedByItsOwnMessage) {
  SteadyNotification made;
  SteadyNotification gone;
  StreamFollower::Callbacks callbacks;
  callbacks.message = [&](const StreamMessage&) {
    made.Wait();
    follower_ = nullptr;
    gone.Notify();
  };
  follower_ = std::make_unique<StreamFollower>(api_.get(), StreamFollower::Options{"CALLS", "", 0},
                                               callbacks, &clock_, &log_);
  follower_->Start();
  made.Notify();
  PublishNumbers(1, 1);
  EXPECT_TRUE(gone.WaitFor(kLongAtMost));
}

INSTANTIATE_TEST_SUITE_P(Versions, StreamFollowerTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

}  // namespace
}  // namespace onhook
