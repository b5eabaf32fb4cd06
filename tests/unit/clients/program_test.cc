#include "clients/cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "clients/cli/command.h"
#include "clients/cli/start_place.h"
#include "tests/unit/clients/program_fixture.h"

namespace onhook::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ProgramTest : public ProgramFixture {};

TEST_F(ProgramTest, SubscribeCreatesWhatIsMissingAndAcknowledgesWhatItPrinted) {
  Start({"subscribe", "crm", "--count", "1"});
  client::FakeSubscribeStream* const first = gateway_.TakeSubscribe();
  EXPECT_FALSE(first->Take().open().has_create_if_missing());
  first->End(grpc::Status(grpc::StatusCode::NOT_FOUND, "no such subscription"));
  client::FakeSubscribeStream* const second = gateway_.TakeSubscribe();
  EXPECT_TRUE(second->Take().open().has_create_if_missing());
  second->SendOpened();
  second->Deliver({1, 2});
  std::vector<std::string> acked;
  std::vector<std::string> released;
  while (acked.empty() || released.empty()) {
    const v1::SubscribeRequest request = second->Take();
    ASSERT_NE(request.request_case(), v1::SubscribeRequest::REQUEST_NOT_SET);
    const auto& acks = request.ack().delivery_ids();
    const auto& nacks = request.nack().delivery_ids();
    acked.insert(acked.end(), acks.begin(), acks.end());
    released.insert(released.end(), nacks.begin(), nacks.end());
    if (request.has_ack()) second->Confirm(request.ack().request_id());
    if (request.has_nack()) second->Confirm(request.nack().request_id());
  }
  EXPECT_THAT(acked, ElementsAre("d1"));
  EXPECT_THAT(released, ElementsAre("d2"));
  EXPECT_TRUE(second->AwaitHalfClose());
  second->End();
  EXPECT_EQ(End(), kExitOk);
  EXPECT_THAT(output_, HasSubstr("attempt"));
  EXPECT_THAT(said_, HasSubstr("onhook: subscription crm: created, 0 event(s) owed\n"));
}

TEST_F(ProgramTest, SubscribeSaysThatItCreatedOnlyWhenItDid) {
  Start({"subscribe", "crm", "--count", "1"});
  gateway_.TakeSubscribe()->End(grpc::Status(grpc::StatusCode::NOT_FOUND, "no such subscription"));
  client::FakeSubscribeStream* const created = gateway_.TakeSubscribe();
  created->SendOpened();
  created->End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost"));
  client::FakeSubscribeStream* const again = gateway_.TakeSubscribe();
  again->Take();
  again->SendOpened();
  again->Deliver({1});
  v1::SubscribeRequest request = again->Take();
  while (request.has_flow()) request = again->Take();
  again->Confirm(request.ack().request_id());
  EXPECT_TRUE(again->AwaitHalfClose());
  again->End();
  EXPECT_EQ(End(), kExitOk);
  EXPECT_THAT(said_, HasSubstr("crm: created, 0 event(s) owed\n"));
  EXPECT_THAT(said_, HasSubstr("crm: attached, 0 event(s) owed\n"));
}

TEST_F(ProgramTest, TailOnlyLooksOn) {
  Start({"tail", "--count=2", "--source=sales", "--from=earliest", "--json", "--show-numbers"});
  client::FakeWatchStream* const stream = gateway_.TakeWatch();
  EXPECT_TRUE(stream->request().observe_only());
  EXPECT_FALSE(stream->request().stop_at_end());
  EXPECT_THAT(stream->request().filter().sources(), ElementsAre("sales"));
  stream->SendEvents({1, 2, 3});
  EXPECT_EQ(End(), kExitOk);
  EXPECT_EQ(output_,
            "{\"event\":{\"eventId\":\"e1\"},\"cursor\":\"c1\"}\n"
            "{\"event\":{\"eventId\":\"e2\"},\"cursor\":\"c2\"}\n");
}

TEST_F(ProgramTest, NumbersThatTheGatewayMasksAreSaidToBeSoOnce) {
  Start({"tail", "--count=2", "--show-numbers"});
  v1::WatchResponse response;
  for (const char* cursor : {"c1", "c2"}) {
    v1::WatchedEvent& watched = *response.mutable_events()->add_events();
    watched.mutable_event()->set_called("888***67");
    watched.mutable_event()->set_masked(true);
    watched.set_cursor(cursor);
  }
  gateway_.TakeWatch()->Send(response);
  EXPECT_EQ(End(), kExitOk);
  EXPECT_THAT(output_, HasSubstr("888***67"));
  const std::string sentence = "lacks the permission see_numbers";
  ASSERT_THAT(said_, HasSubstr(sentence));
  EXPECT_EQ(said_.find(sentence), said_.rfind(sentence));
}

TEST_F(ProgramTest, NumbersThatAreNotAskedForAreMaskedWithoutAWord) {
  Start({"tail", "--count=1"});
  v1::WatchResponse response;
  v1::WatchedEvent& watched = *response.mutable_events()->add_events();
  watched.mutable_event()->set_called("88880067");
  watched.set_cursor("c1");
  gateway_.TakeWatch()->Send(response);
  EXPECT_EQ(End(), kExitOk);
  EXPECT_THAT(output_, HasSubstr("888***67"));
  EXPECT_THAT(said_, Not(HasSubstr("see_numbers")));
}

TEST_F(ProgramTest, TailWithoutFollowingBeginsWithTheOldestAndEnds) {
  Start({"tail", "--no-follow"});
  client::FakeWatchStream* const stream = gateway_.TakeWatch();
  EXPECT_TRUE(stream->request().stop_at_end());
  EXPECT_EQ(stream->request().position(), v1::START_POSITION_EARLIEST);
  stream->End();
  EXPECT_EQ(End(), kExitOk);
}

TEST_F(ProgramTest, ALostConnectionIsToldOncePerReason) {
  Start({"tail", "--count=1"});
  const grpc::Status away(grpc::StatusCode::UNAVAILABLE, "away");
  for (int i = 0; i < 3; ++i) gateway_.TakeWatch()->End(away);
  client::FakeWatchStream* const stream = gateway_.TakeWatch();
  stream->SendHeartbeat("c1");
  stream->End(away);
  gateway_.TakeWatch()->SendEvents({1});
  EXPECT_EQ(End(), kExitOk);
  EXPECT_EQ(said_,
            "onhook: connection lost, trying again: away\n"
            "onhook: looking on\n"
            "onhook: connection lost, trying again: away\n"
            "onhook: looking on\n");
}

TEST_F(ProgramTest, APlannedEndIsNoLostConnection) {
  Start({"tail", "--count=1"});
  gateway_.TakeWatch()->End(
      client::StatusWithReason(grpc::StatusCode::UNAVAILABLE,
                               "the gateway ends this stream as planned; reconnect", "GOING_AWAY"));
  gateway_.TakeWatch()->SendEvents({1});
  EXPECT_EQ(End(), kExitOk);
  EXPECT_THAT(said_, HasSubstr("onhook: the gateway ends this stream as planned; reconnecting\n"));
  EXPECT_THAT(said_, Not(HasSubstr("lost")));
}

TEST_F(ProgramTest, WhyAConnectionWasLostIsToldWithoutSocketAddresses) {
  Start({"tail", "--count=1"});
  gateway_.TakeWatch()->End(grpc::Status(
      grpc::StatusCode::UNAVAILABLE,
      "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:50051: Failed to "
      "connect to remote host: Connection refused"));
  gateway_.TakeWatch()->SendEvents({1});
  EXPECT_EQ(End(), kExitOk);
  EXPECT_THAT(said_, HasSubstr("connection lost, trying again: Connection refused\n"));
}

TEST_F(ProgramTest, GetPrintsWhatItFound) {
  gateway_.events.add_stored_events()->mutable_event()->set_event_id("v1-0-7");
  Start({"get", "7"});
  EXPECT_EQ(End(), kExitOk);
  EXPECT_THAT(output_, HasSubstr("event_id v1-0-7"));
}

TEST_F(ProgramTest, GetFindsAnEventByItsId) {
  gateway_.events.add_stored_events()->mutable_event()->set_event_id("v1-of another");
  EXPECT_EQ(Run({"get", "v1-0-9"}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("event_id v1-0-9"));
}

TEST_F(ProgramTest, GetOfAnUnknownEventIsANegativeAnswer) {
  gateway_.lookup_status = grpc::Status(grpc::StatusCode::NOT_FOUND, "no such event");
  EXPECT_EQ(Run({"get", "v1-0-9"}), kExitNegative);
  EXPECT_EQ(said_, "onhook: no event v1-0-9 is kept\n");
}

TEST_F(ProgramTest, GetOfAnUnknownCallIsANegativeAnswer) {
  Start({"get", "7"});
  EXPECT_EQ(End(), kExitNegative);
  EXPECT_EQ(output_, "");
}

TEST_F(ProgramTest, AFailureOfTheGatewayIsNoNegativeAnswer) {
  gateway_.lookup_status = grpc::Status(grpc::StatusCode::INTERNAL, "disk");
  Start({"get", "7"});
  EXPECT_EQ(End(), kExitFailed);
}

TEST(UsageTest, WrongUsageEndsWith2) {
  EXPECT_EQ(RunProgram({}), kExitUsage);
  EXPECT_EQ(RunProgram({"dance"}), kExitUsage);
  EXPECT_EQ(RunProgram({"tail", "--loud"}), kExitUsage);
  EXPECT_EQ(RunProgram({"tail", "--from", "yesterday"}), kExitUsage);
  EXPECT_EQ(RunProgram({"get"}), kExitUsage);
  EXPECT_EQ(RunProgram({"subscriptions"}), kExitUsage);
  EXPECT_EQ(RunProgram({"subscriptions", "dance"}), kExitUsage);
  EXPECT_EQ(RunProgram({"dead-letters", "dance", "crm"}), kExitUsage);
  EXPECT_EQ(RunProgram({"subscribe", "crm", "--parallel", "2"}), kExitUsage);
  EXPECT_EQ(RunProgram({"subscribe", "crm", "--exec", "cat", "--json"}), kExitUsage);
  EXPECT_EQ(RunProgram({"send", "--sample", "json", "--field", "a=b"}), kExitUsage);
  EXPECT_EQ(RunProgram({"send", "--file", "/nonexistent"}), kExitUsage);
}

TEST(UsageTest, EveryCommandExplainsItself) {
  const std::vector<std::vector<std::string>> kCommands = {
      {"send"},
      {"tail"},
      {"subscribe"},
      {"get"},
      {"subscriptions", "list"},
      {"subscriptions", "show"},
      {"subscriptions", "watch"},
      {"subscriptions", "create"},
      {"subscriptions", "update"},
      {"subscriptions", "delete"},
      {"subscriptions", "seek"},
      {"subscriptions", "pause"},
      {"subscriptions", "resume"},
      {"dead-letters", "list"},
      {"dead-letters", "show"},
      {"dead-letters", "redrive"},
      {"dead-letters", "discard"},
  };
  for (std::vector<std::string> command : kCommands) {
    command.push_back("--help");
    testing::internal::CaptureStdout();
    EXPECT_EQ(RunProgram(command), kExitOk);
    const std::string help = testing::internal::GetCapturedStdout();
    EXPECT_THAT(help, HasSubstr("Examples:\n"));
    EXPECT_THAT(help, HasSubstr("Exit codes: 0 "));
  }
}

TEST(UsageTest, AGroupExplainsItsActions) {
  for (const std::vector<std::string>& asked :
       {std::vector<std::string>{"subscriptions", "--help"}, {"help", "subscriptions"}}) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(RunProgram(asked), kExitOk);
    const std::string help = testing::internal::GetCapturedStdout();
    EXPECT_THAT(help, HasSubstr("usage: onhook subscriptions ACTION"));
    EXPECT_THAT(help, HasSubstr("  seek  "));
    EXPECT_THAT(help, Not(HasSubstr("redrive")));
  }
}

TEST(UsageTest, AServerThatIsNotThereEndsWith3) {
  EXPECT_EQ(RunProgram({"send", "--url", "http://127.0.0.1:1/release-events"}), kExitFailed);
}

TEST(StartPlaceTest, AStartIsAnEndATimeOrADurationAgo) {
  const absl::Time now = absl::FromUnixSeconds(1000);
  v1::WatchRequest request;
  ASSERT_TRUE(SetStart("latest", now, request).ok());
  EXPECT_EQ(request.position(), v1::START_POSITION_LATEST);
  ASSERT_TRUE(SetStart("10s", now, request).ok());
  EXPECT_EQ(request.since_time().seconds(), 990);
  ASSERT_TRUE(SetStart("1d", now, request).ok());
  EXPECT_EQ(request.since_time().seconds(), 1000 - 86'400);
  ASSERT_TRUE(SetStart("1970-01-01T00:00:01.5+00:00", now, request).ok());
  EXPECT_EQ(request.since_time().seconds(), 1);
  EXPECT_EQ(request.since_time().nanos(), 500'000'000);
  for (const char* wrong : {"", "-10s", "inf", "2022-02-22", "1970-01-01T00:00:01"}) {
    EXPECT_FALSE(SetStart(wrong, now, request).ok()) << wrong;
  }
}

TEST(ProgramReferenceTest, TheDocumentHoldsEveryHelp) {
  std::ifstream file(ONHOOK_COMMANDS_DOCUMENT);
  const std::string document((std::istreambuf_iterator<char>(file)),
                             std::istreambuf_iterator<char>());
  testing::internal::CaptureStdout();
  EXPECT_EQ(RunProgram({"--print-reference"}), kExitOk);
  EXPECT_EQ(document, testing::internal::GetCapturedStdout())
      << "write it again: env -i build/release/onhook --print-reference > clients/cli/COMMANDS.md";
}

}  // namespace
}  // namespace onhook::cli
