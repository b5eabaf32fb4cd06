#include "gateway/store/jetstream/nats_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/base/steady_condition.h"
#include "tests/unit/store/jetstream/nats_fixture.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NatsConnectionTest : public NatsTest {
 protected:
  std::unique_ptr<NatsSubscription> Subscribe(const std::string& subject,
                                              NatsConnection::Handler handler) {
    auto subscription = connection_->Subscribe(subject, std::move(handler));
    EXPECT_TRUE(subscription.ok()) << subscription.status();
    return *std::move(subscription);
  }
  std::unique_ptr<NatsSubscription> Record(const std::string& subject) {
    return Subscribe(subject, [this](const NatsMessage& message) { received_.Add(message.data); });
  }
  // Answers "echo" with what it gets.
  std::unique_ptr<NatsSubscription> Echo() {
    return Subscribe("echo", [this](const NatsMessage& message) {
      connection_->Publish(message.reply, message.data).IgnoreError();
    });
  }
  void Ask(const std::string& subject, const std::string& data,
           absl::Duration timeout = kLongAtMost) {
    connection_->Request(subject, {}, data, timeout, [this](absl::StatusOr<NatsMessage> answer) {
      answers_.Add(answer.ok() ? answer->data
                               : std::string(absl::StatusCodeToString(answer.status().code())));
    });
  }
  std::string Answer(const std::string& subject, const std::string& data,
                     absl::Duration timeout = kLongAtMost) {
    const size_t before = answers_.Get().size();
    Ask(subject, data, timeout);
    return answers_.Await(before + 1).back();
  }
  void Listen() {
    connection_->AddListener([this](bool connected) { states_.Add(connected); });
  }

  Recorded<std::string> received_;
  Recorded<std::string> answers_;
  Recorded<bool> states_;
};

TEST_P(NatsConnectionTest, ARequestIsAnsweredByWhoeverListens) {
  const auto echo = Echo();
  EXPECT_EQ(Answer("echo", "hello"), "hello");
}

TEST_P(NatsConnectionTest, MessagesComeInOrderWithTheirHeaders) {
  Recorded<std::string> headers;
  const auto subscription = Subscribe("to.*", [&](const NatsMessage& message) {
    headers.Add(absl::StrCat(message.subject, " ", message.Header("Name"), " ", message.data));
  });
  for (int i = 0; i < 3; ++i) {
    connection_->Request(absl::StrCat("to.", i), {{"Name", absl::StrCat("value ", i)}}, "data",
                         absl::Milliseconds(1), [](const absl::StatusOr<NatsMessage>&) {});
  }
  EXPECT_THAT(headers.Await(3),
              ElementsAre("to.0 value 0 data", "to.1 value 1 data", "to.2 value 2 data"));
}

TEST_P(NatsConnectionTest, ARequestThatNobodyListensToFailsAtOnce) {
  EXPECT_EQ(Answer("nobody", ""), "UNAVAILABLE");
}

TEST_P(NatsConnectionTest, ARequestThatIsNotAnsweredInTimeFails) {
  const auto silent = Subscribe("silent", [](const NatsMessage&) {});
  EXPECT_EQ(Answer("silent", "", absl::Milliseconds(20)), "DEADLINE_EXCEEDED");
}

TEST_P(NatsConnectionTest, AMessageThatIsTooLargeIsTheCallersFault) {
  const std::string large(static_cast<size_t>(connection_->max_payload()) + 1, 'x');
  EXPECT_EQ(Answer("echo", large), "INVALID_ARGUMENT");
  EXPECT_EQ(connection_->Publish("echo", large).code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(NatsConnectionTest, ManyThreadsAskAndEachGetsItsOwnAnswer) {
  const auto echo = Echo();
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  std::atomic<int> wrong{0};
  Recorded<int> right;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i) {
        const std::string said = absl::StrCat(thread, " ", i, std::string(i % 700, 'x'));
        connection_->Request("echo", {}, said, kLongAtMost,
                             [&, said, i](const absl::StatusOr<NatsMessage>& answer) {
                               if (!answer.ok() || answer->data != said) ++wrong;
                               right.Add(i);
                             });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right.Await(kThreads * kEach).size(), kThreads * kEach);
  EXPECT_EQ(wrong, 0);
}

TEST_P(NatsConnectionTest, ListenersHearOfEachConnectionAndEachLoss) {
  Listen();
  states_.Await(1);
  server_->Kill();
  states_.Await(2);
  ASSERT_TRUE(server_->Start());
  EXPECT_THAT(states_.Await(3), ElementsAre(true, false, true));
}

TEST_P(NatsConnectionTest, WhatIsOpenFailsWhenTheConnectionBreaks) {
  const auto silent = Subscribe("silent", [](const NatsMessage&) {});
  for (int i = 0; i < 3; ++i) Ask("silent", "");
  server_->Kill();
  EXPECT_THAT(answers_.Await(3), ElementsAre("UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE"));
}

TEST_P(NatsConnectionTest, NothingIsKeptForLaterWhileThereIsNoConnection) {
  Listen();
  const auto subscription = Record("later");
  server_->Kill();
  states_.Await(2);
  EXPECT_EQ(connection_->Publish("later", "lost").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Answer("later", "lost"), "UNAVAILABLE");
  ASSERT_TRUE(server_->Start());
  states_.Await(3);
  ASSERT_TRUE(connection_->Publish("later", "said").ok());
  EXPECT_THAT(received_.Await(1), ElementsAre("said"));
}

TEST_P(NatsConnectionTest, WhatIsSaidWhileTheServerDiesIsEitherSentOrTold) {
  const auto echo = Echo();
  constexpr int kRequests = 20000;
  for (int i = 0; i < kRequests; ++i) {
    if (i == kRequests / 2) server_->Kill();
    Ask("echo", absl::StrCat(i));
  }
  EXPECT_EQ(answers_.Await(kRequests).size(), kRequests);
  ASSERT_TRUE(server_->Start());
  Listen();
  states_.Await(1);
  EXPECT_EQ(Answer("echo", "again"), "again");
  EXPECT_EQ(answers_.Get().size(), kRequests + 1);  // none twice
}

TEST_P(NatsConnectionTest, AServerThatIsPausedIsGivenUpAndComeBackTo) {
  const auto echo = Echo();
  Listen();
  states_.Await(1);
  server_->Pause();
  // More than the sockets hold, which blocks nobody.
  const std::string much(256 << 10, 'x');
  for (int i = 0; i < 200; ++i) Ask("echo", much, absl::Minutes(1));
  EXPECT_THAT(states_.Await(2), ElementsAre(true, false));
  answers_.Await(200);
  server_->Continue();
  states_.Await(3);
  EXPECT_EQ(Answer("echo", "again"), "again");
}

TEST_P(NatsConnectionTest, ASubscriptionThatIsEndedIsCalledNoMore) {
  std::atomic<bool> ended{false};
  std::atomic<int> late{0};
  SteadyNotification some;
  std::atomic<int> calls{0};
  auto subscription = Subscribe("many", [&](const NatsMessage&) {
    if (ended) ++late;
    if (++calls == 100) some.Notify();
  });
  std::atomic<bool> stop{false};
  std::thread publisher([&] {
    while (!stop) connection_->Publish("many", "").IgnoreError();
  });
  ASSERT_TRUE(some.WaitFor(kLongAtMost));
  subscription = nullptr;
  ended = true;
  stop = true;
  publisher.join();
  const auto echo = Echo();
  Answer("echo", "");  // so whatever was on its way is past
  EXPECT_EQ(late, 0);
}

TEST_P(NatsConnectionTest, ASubscriptionMayEndItself) {
  std::unique_ptr<NatsSubscription> subscription;
  SteadyNotification made;
  SteadyNotification ended;
  subscription = Subscribe("end", [&](const NatsMessage&) {
    made.Wait();
    subscription = nullptr;
    ended.Notify();
  });
  made.Notify();
  ASSERT_TRUE(connection_->Publish("end", "").ok());
  EXPECT_TRUE(ended.WaitFor(kLongAtMost));
}

TEST_P(NatsConnectionTest, ADrainedSubscriptionGetsWhatWasOnItsWay) {
  SteadyNotification began;
  SteadyNotification go_on;
  const auto subscription = Subscribe("some", [&](const NatsMessage& message) {
    if (message.data == "first") {
      began.Notify();
      go_on.Wait();
    }
    received_.Add(message.data);
  });
  for (const char* word : {"first", "second", "third"}) {
    ASSERT_TRUE(connection_->Publish("some", word).ok());
  }
  ASSERT_TRUE(began.WaitFor(kLongAtMost));
  const auto echo = Echo();
  Answer("echo", "");  // so they have come
  subscription->Drain();
  // Once the server does not know it any more.
  for (std::string answer; answer != "UNAVAILABLE";) {
    answer = Answer("some", "more", absl::Milliseconds(20));
  }
  go_on.Notify();
  EXPECT_THAT(received_.Await(3),
              testing::IsSupersetOf(std::vector<std::string>{"first", "second", "third"}));
}

TEST_P(NatsConnectionTest, AfterCloseEverythingFails) {
  const auto silent = Subscribe("silent", [](const NatsMessage&) {});
  Ask("silent", "");
  connection_->Close();
  Ask("silent", "");
  EXPECT_THAT(answers_.Await(2), ElementsAre("UNAVAILABLE", "UNAVAILABLE"));
  EXPECT_EQ(connection_->Publish("silent", "").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(connection_->Subscribe("silent", [](const NatsMessage&) {}).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_P(NatsConnectionTest, WhatWasPublishedBeforeCloseIsSent) {
  const auto subscription = Record("last");
  const std::unique_ptr<NatsConnection> other = Connect();
  Recorded<std::string> last;
  const auto others =
      *other->Subscribe("last", [&](const NatsMessage& message) { last.Add(message.data); });
  const auto echo = *other->Subscribe(
      "here", [&](const NatsMessage& message) { other->Publish(message.reply, "").IgnoreError(); });
  // Then the server knows of what was subscribed to before as well.
  while (Answer("here", "") == "UNAVAILABLE") {
  }
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(connection_->Publish("last", "word").ok());
  connection_->Close();
  EXPECT_EQ(last.Await(1000).size(), 1000);
}

TEST_P(NatsConnectionTest, AServerThatIsNotThereYetIsWaitedFor) {
  server_->Kill();
  NatsOptions options;
  options.servers = {server_->url()};
  auto connection = NatsConnection::Open(options, absl::Milliseconds(1), &log_);
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_FALSE((*connection)->connected());
  (*connection)->AddListener([this](bool connected) { states_.Add(connected); });
  ASSERT_TRUE(server_->Start());
  EXPECT_THAT(states_.Await(1), ElementsAre(true));
}

TEST_P(NatsConnectionTest, OptionsThatCannotBeUsedAreRefused) {
  NatsOptions options;
  options.servers = {"127.0.0.1:4222"};
  EXPECT_EQ(NatsConnection::Open(options, absl::ZeroDuration(), &log_).status().code(),
            absl::StatusCode::kInvalidArgument);
  options.servers = {server_->url()};
  options.ca_file = server_->directory() + "/none.pem";
  const absl::Status status = NatsConnection::Open(options, absl::ZeroDuration(), &log_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("none.pem"));
}

INSTANTIATE_TEST_SUITE_P(Versions, NatsConnectionTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

}  // namespace
}  // namespace onhook
