#include "gateway/store/jetstream/jetstream_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/store/jetstream/nats_fixture.h"

namespace onhook {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

class JetStreamApiTest : public NatsTest {
 protected:
  absl::StatusOr<StreamInfo> Update(const StreamConfig& config) {
    return AwaitAnswer<StreamInfo>(
        [&](JetStreamApi::Done<StreamInfo> done) { api_->UpdateStream(config, std::move(done)); });
  }
  absl::StatusOr<StreamMessage> Message(int64_t sequence) {
    return AwaitAnswer<StreamMessage>([&](JetStreamApi::Done<StreamMessage> done) {
      api_->GetMessage("CALLS", sequence, std::move(done));
    });
  }
  absl::StatusOr<StreamMessage> Next(int64_t sequence, const std::string& subject) {
    return AwaitAnswer<StreamMessage>([&](JetStreamApi::Done<StreamMessage> done) {
      api_->GetNext("CALLS", sequence, subject, std::move(done));
    });
  }
  absl::StatusOr<StreamMessage> Last(const std::string& subject) {
    return AwaitAnswer<StreamMessage>([&](JetStreamApi::Done<StreamMessage> done) {
      api_->GetLast("CALLS", subject, std::move(done));
    });
  }
  absl::Status Purge(int64_t sequence, const std::string& subject) {
    return AwaitStatus([&](JetStreamApi::DoneStatus done) {
      api_->Purge("CALLS", sequence, subject, std::move(done));
    });
  }
  absl::Status Remove(int64_t sequence) {
    return AwaitStatus([&](JetStreamApi::DoneStatus done) {
      api_->DeleteMessage("CALLS", sequence, std::move(done));
    });
  }
  absl::StatusOr<ConsumerInfo> CreateConsumer(const ConsumerConfig& config,
                                              const std::string& stream = "CALLS") {
    return AwaitAnswer<ConsumerInfo>([&](JetStreamApi::Done<ConsumerInfo> done) {
      api_->CreateConsumer(stream, config, std::move(done));
    });
  }
  absl::StatusOr<ConsumerInfo> Consumer(const std::string& name) {
    return AwaitAnswer<ConsumerInfo>([&](JetStreamApi::Done<ConsumerInfo> done) {
      api_->GetConsumer("CALLS", name, std::move(done));
    });
  }
  absl::Status DeleteConsumer(const std::string& name) {
    return AwaitStatus([&](JetStreamApi::DoneStatus done) {
      api_->DeleteConsumer("CALLS", name, std::move(done));
    });
  }
  std::string Raw(const std::string& subject, const std::string& body) {
    const absl::StatusOr<NatsMessage> answer =
        AwaitAnswer<NatsMessage>([&](NatsConnection::Reply reply) {
          connection_->Request(subject, {}, body, kLongAtMost, std::move(reply));
        });
    return answer.ok() ? answer->data : answer.status().ToString();
  }
  static ConsumerConfig Durable(const std::string& name) {
    ConsumerConfig config;
    config.name = name;
    config.durable = true;
    config.ack_wait = absl::Seconds(10);
    return config;
  }
};

TEST_P(JetStreamApiTest, AStreamIsCreatedAsItIsToBe) {
  StreamConfig config = Stream();
  config.duplicate_window = absl::Hours(24);
  config.description = "says \"who\"\nit is";
  config.allow_rollup = true;
  ASSERT_TRUE(Create(config).ok());
  const absl::StatusOr<StreamInfo> info = Info();
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->unsuitable, "");
  EXPECT_EQ(info->config.duplicate_window, absl::Hours(24));
  EXPECT_EQ(info->config.description, config.description);
  EXPECT_EQ(info->config.subjects, config.subjects);
  EXPECT_TRUE(info->config.allow_rollup);
  EXPECT_EQ(info->config.replicas, 1);
  EXPECT_EQ(info->current_replicas, 1);
  EXPECT_EQ(info->last_sequence, 0);
}

TEST_P(JetStreamApiTest, AnotherConfigurationIsTakenByAnUpdateOnly) {
  StreamConfig config = Stream();
  ASSERT_TRUE(Create(config).ok());
  EXPECT_TRUE(Create(config).ok());
  config.description = "another";
  EXPECT_EQ(Create(config).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Update(config).ok());
  EXPECT_EQ(Info()->config.description, "another");
}

TEST_P(JetStreamApiTest, WhatTheServersCannotPlaceIsAFailedPrecondition) {
  StreamConfig config = Stream();
  config.replicas = 3;
  EXPECT_EQ(Create(config).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(JetStreamApiTest, AStreamThatWouldLoseMessagesIsUnsuitable) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"\"max_age\":60000000000", "max_age is set: set it to 0"},
      {"\"max_msgs_per_subject\":5", "max_msgs_per_subject is set: set it to -1"},
      {"\"max_msg_size\":5", "max_msg_size is set: set it to -1"},
      {"\"discard\":\"old\"", "discard is old, not new: set it to new"},
      {"\"retention\":\"workqueue\"", "retention is workqueue, not limits, which"},
      {"\"storage\":\"memory\"", "storage is memory, not file, which"},
      {"\"deny_purge\":true", "deny_purge is set, which the servers let nobody change"},
      {"\"no_ack\":true", "no_ack is set: set it to false"},
  };
  for (size_t row = 0; row < rows.size(); ++row) {
    const auto& [setting, why] = rows[row];
    const std::string name = absl::StrCat("S", row);
    const std::string discard = setting.find("discard") == 1 ? "" : ",\"discard\":\"new\"";
    Raw("$JS.API.STREAM.CREATE." + name, absl::StrCat("{\"name\":\"", name, "\",\"subjects\":[\"",
                                                      name, ".>\"]", discard, ",", setting, "}"));
    const absl::StatusOr<StreamInfo> info = Info(name);
    ASSERT_TRUE(info.ok()) << setting << info.status();
    EXPECT_THAT(info->unsuitable, testing::StartsWith(why));
  }
}

TEST_P(JetStreamApiTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(Info().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Delete().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(Create(Stream()).ok());
  EXPECT_EQ(Message(1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Next(1, "calls.>").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Last("calls.a").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Remove(1).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Consumer("none").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(DeleteConsumer("none").code(), absl::StatusCode::kNotFound);
}

TEST_P(JetStreamApiTest, AMessageIsStoredOnceForEachId) {
  ASSERT_TRUE(Create(Stream()).ok());
  PublishOptions options;
  options.message_id = "one";
  EXPECT_FALSE(Publish("calls.a", "first", options)->duplicate);
  const absl::StatusOr<PublishAck> again = Publish("calls.b", "second", options);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->sequence, 1);
  EXPECT_EQ(Info()->messages, 1);
}

TEST_P(JetStreamApiTest, APublishMayExpectTheLastOfItsSubject) {
  ASSERT_TRUE(Create(Stream()).ok());
  PublishOptions options;
  options.expected_last_of_subject = 0;
  EXPECT_EQ(Publish("calls.a", "", options)->sequence, 1);
  EXPECT_EQ(Publish("calls.b", "", options)->sequence, 2);
  EXPECT_EQ(Publish("calls.a", "", options).status().code(), absl::StatusCode::kAborted);
  options.expected_last_of_subject = 1;
  EXPECT_EQ(Publish("calls.a", "", options)->sequence, 3);
}

TEST_P(JetStreamApiTest, ARollupReplacesAllOfItsSubject) {
  StreamConfig config = Stream();
  config.allow_rollup = true;
  ASSERT_TRUE(Create(config).ok());
  PublishNumbers(1, 2);
  PublishNumbers(1, 2);
  PublishOptions options;
  options.rollup = true;
  EXPECT_EQ(Publish("calls.1", "all", options)->sequence, 3);
  EXPECT_EQ(Message(1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Message(2)->data, "2");
  EXPECT_EQ(Last("calls.1")->data, "all");
}

TEST_P(JetStreamApiTest, NoStreamOfASubjectIsUnavailable) {
  EXPECT_EQ(Publish("nowhere", "").status().code(), absl::StatusCode::kUnavailable);
}

TEST_P(JetStreamApiTest, AMessageIsReadAsItWasPublished) {
  ASSERT_TRUE(Create(Stream()).ok());
  const std::string data("\0\xff binary\r\n", 11);
  const absl::StatusOr<PublishAck> ack =
      AwaitAnswer<PublishAck>([&](JetStreamApi::Done<PublishAck> done) {
        api_->Publish("calls.a", {{"Name", "a: value"}}, data, {}, std::move(done));
      });
  ASSERT_TRUE(ack.ok()) << ack.status();
  const absl::StatusOr<StreamMessage> message = Message(ack->sequence);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->subject, "calls.a");
  EXPECT_EQ(message->data, data);
  EXPECT_EQ(message->headers, (NatsHeaders{{"Name", "a: value"}}));
  EXPECT_LT(absl::AbsDuration(message->stored_at - clock_.Now()), absl::Hours(1));
}

TEST_P(JetStreamApiTest, MessagesAreFoundBySubject) {
  ASSERT_TRUE(Create(Stream()).ok());
  PublishNumbers(1, 3);
  EXPECT_EQ(Next(1, "calls.>")->sequence, 1);
  EXPECT_EQ(Next(2, "calls.*")->sequence, 2);
  EXPECT_EQ(Next(1, "calls.3")->sequence, 3);
  EXPECT_EQ(Last("calls.>")->sequence, 3);
  EXPECT_EQ(Next(4, "calls.>").status().code(), absl::StatusCode::kNotFound);
}

// Servers of 2.10 take a purge before the first message for one of all.
TEST_P(JetStreamApiTest, APurgeRemovesWhatIsBeforeAndNothingElse) {
  ASSERT_TRUE(Create(Stream()).ok());
  PublishNumbers(1, 5);
  for (const int64_t sequence : {-1, 0, 1}) {
    EXPECT_TRUE(Purge(sequence, "").ok());
    EXPECT_TRUE(Purge(sequence, "calls.>").ok());
    EXPECT_EQ(Info()->messages, 5);
  }
  EXPECT_TRUE(Purge(4, "calls.2").ok());
  EXPECT_EQ(Info()->messages, 4);
  EXPECT_TRUE(Purge(4, "").ok());
  EXPECT_EQ(Info()->first_sequence, 4);
  EXPECT_TRUE(Purge(6, "").ok());
  EXPECT_EQ(Info()->messages, 0);
  EXPECT_EQ(Info()->last_sequence, 5);
}

TEST_P(JetStreamApiTest, AMessageIsRemoved) {
  ASSERT_TRUE(Create(Stream()).ok());
  PublishNumbers(1, 3);
  EXPECT_TRUE(Remove(2).ok());
  EXPECT_EQ(Next(2, "calls.>")->sequence, 3);
}

TEST_P(JetStreamApiTest, AConsumerIsCreatedAndChanged) {
  ASSERT_TRUE(Create(Stream()).ok());
  PublishNumbers(1, 5);
  ConsumerConfig config = Durable("who");
  config.description = "whose";
  config.start_sequence = 3;
  config.filter_subjects = {"calls.4", "calls.5"};
  config.max_ack_pending = 7;
  absl::StatusOr<ConsumerInfo> info = CreateConsumer(config);
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->name, "who");
  EXPECT_EQ(info->pending, 2);
  EXPECT_TRUE(info->config.durable);
  EXPECT_EQ(info->config.ack_wait, absl::Seconds(10));
  EXPECT_EQ(info->config.start_sequence, 3);
  EXPECT_THAT(info->config.filter_subjects, UnorderedElementsAreArray(config.filter_subjects));
  config.max_ack_pending = 9;
  EXPECT_TRUE(CreateConsumer(config).ok());
  EXPECT_EQ(Consumer("who")->config.max_ack_pending, 9);
  config.start_sequence = 4;
  EXPECT_EQ(CreateConsumer(config).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(CreateConsumer(config, "NONE").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(JetStreamApiTest, AllConsumersAreListedOverManyPages) {
  ASSERT_TRUE(Create(Stream()).ok());
  std::vector<std::string> names;
  for (int i = 0; i < 1100; ++i) names.push_back(absl::StrCat("c", i));
  Recorded<std::string> created;
  for (size_t i = 0; i < names.size(); ++i) {
    api_->CreateConsumer("CALLS", Durable(names[i]), [&](const absl::StatusOr<ConsumerInfo>& info) {
      created.Add(info.ok() ? "created" : info.status().ToString());
    });
    // Each takes its time of the server's, and is to be answered in time.
    if (i % 50 == 49) created.Await(i + 1);
  }
  EXPECT_THAT(created.Await(names.size()), Each("created"));
  const auto list = [&] {
    return AwaitAnswer<std::vector<std::string>>(
        [&](JetStreamApi::Done<std::vector<std::string>> done) {
          api_->ListConsumers("CALLS", std::move(done));
        });
  };
  EXPECT_THAT(*list(), UnorderedElementsAreArray(names));
  EXPECT_TRUE(DeleteConsumer("c0").ok());
  EXPECT_EQ(list()->size(), names.size() - 1);
}

INSTANTIATE_TEST_SUITE_P(Versions, JetStreamApiTest,
                         testing::Values(NatsVersion::kNewest, NatsVersion::kOldest), VersionName);

TEST(AckSubjectTest, BothFormsAreRead) {
  for (const char* subject : {"$JS.ACK.S.C.1.22.333.1700000000000000000.5",
                              "$JS.ACK.domain.account.S.C.1.22.333.1700000000000000000.5",
                              "$JS.ACK.domain.account.S.C.1.22.333.1700000000000000000.5.random"}) {
    const std::optional<DeliveryFacts> facts = ParseAckSubject(subject);
    ASSERT_TRUE(facts.has_value()) << subject;
    EXPECT_EQ(facts->stream, "S");
    EXPECT_EQ(facts->consumer, "C");
    EXPECT_EQ(facts->delivered, 1);
    EXPECT_EQ(facts->stream_sequence, 22);
    EXPECT_EQ(facts->consumer_sequence, 333);
    EXPECT_EQ(facts->stored_at, absl::FromUnixSeconds(1700000000));
    EXPECT_EQ(facts->pending, 5);
  }
}

TEST(AckSubjectTest, AnythingElseIsNone) {
  for (const char* subject :
       {"", "$JS.ACK.", "_INBOX.a.b", "$JS.ACK.S.C.1.22.333.1700000000000000000",
        "$JS.ACK.S.C.1.22.x.1700000000000000000.5", "$JS.ACK.x.S.C.1.22.3.1700000000000000000.5"}) {
    EXPECT_FALSE(ParseAckSubject(subject).has_value()) << subject;
  }
}

}  // namespace
}  // namespace onhook
