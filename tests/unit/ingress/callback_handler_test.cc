#include "gateway/ingress/callback_handler.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/ingress/callback_handler_fixture.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

constexpr char kCall[] = R"({"callSerialNo":"42","called":"88880067","callData":"canary"})";
constexpr char kSuccess[] = R"({"retCode":"0","retMsg":"success"})";

class CallbackHandlerTest : public CallbackHandlerFixture {};

TEST_F(CallbackHandlerTest, ACallbackThatIsStoredIsAcknowledged) {
  const HttpResponse response = Post(kCall);

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, kSuccess);
  EXPECT_EQ(response.content_type, "application/json;charset=UTF-8");
  EXPECT_EQ(StoredEvent().call_serial_no(), "42");
}

TEST_F(CallbackHandlerTest, WhatIsStoredCarriesItsIdentityAndItsReceipt) {
  source_.name = "sales";
  headers_ = {{"TraceParent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  Post(kCall);

  const NewEvent& stored = event_log_.appended().at(0);
  EXPECT_EQ(stored.call_serial_no, "42");
  EXPECT_EQ(stored.source, "sales");
  EXPECT_EQ(stored.digest.size(), 16u);
  EXPECT_EQ(stored.received_at, clock_.Now());
  const v1::ReleaseEvent event = StoredEvent();
  EXPECT_EQ(event.source(), "sales");
  EXPECT_EQ(event.authentication(), v1::AUTHENTICATION_NONE);
  EXPECT_EQ(event.received_at().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_EQ(event.traceparent(), headers_[0].value);
}

TEST_F(CallbackHandlerTest, TheOneLineOfAnEventTellsItsTrace) {
  source_.name = "sales";
  headers_ = {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  Post(kCall);
  std::vector<std::string> of_events;
  for (const std::string& line : lines_) {
    if (absl::StrContains(line, "event_id")) of_events.push_back(line);
  }
  EXPECT_THAT(of_events, ElementsAre(AllOf(
                             HasSubstr(R"("level":"debug","component":"ingress")"),
                             HasSubstr(R"("source":"sales","event_id":"v1-)"),
                             HasSubstr("-42\",\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e47"
                                       "36-00f067aa0ba902b7-01\",\"status\":\"OK\""))));
}

TEST_F(CallbackHandlerTest, OfTwoTraceparentsNoneIsTaken) {
  const char kOne[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  headers_ = {{"traceparent", kOne}, {"Traceparent", kOne}};
  Post(kCall);
  EXPECT_FALSE(StoredEvent().has_traceparent());
}

TEST_F(CallbackHandlerTest, EqualCallbacksAreEqualBytes) {
  std::string body = R"({"callSerialNo":"42","called":"1")";
  for (char c = 'a'; c <= 'z'; ++c) body.append(",\"").append(5, c).append("\":\"x\"");
  body.push_back('}');
  for (int i = 0; i < 8; ++i) {
    Post(body);
    EXPECT_EQ(event_log_.appended().back().event, event_log_.appended().front().event);
  }
}

TEST_F(CallbackHandlerTest, WhatIsRefusedIsNotStored) {
  for (const char* body : {"", "[]", R"({"called":"1"})", R"({"callSerialNo":"42","called":""})"}) {
    const HttpResponse response = Post(body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_THAT(response.body, HasSubstr(R"("retCode":"1")")) << body;
  }
  EXPECT_THAT(event_log_.appended(), IsEmpty());
}

TEST_F(CallbackHandlerTest, AnEventThatNobodyTookInTimeIsStoredAndAskedForAgain) {
  source_.acknowledge = {Settings::Acknowledge::When::kForwarded, {}, absl::ZeroDuration()};
  const HttpResponse response = Post(kCall);

  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr(R"("retCode":"2")"));
  EXPECT_EQ(event_log_.appended().size(), 1u);
  EXPECT_THAT(lines_, Contains(HasSubstr("not answered with success in time")));
}

TEST_F(CallbackHandlerTest, AFailingStoreIsNotSuccessAndTellsNothingOfItsInside) {
  event_log_.FailWith(absl::ResourceExhaustedError("/var/lib/secret is full"));
  const HttpResponse response = Post(kCall);

  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.headers, Contains(Pair("Retry-After", "1")));
  EXPECT_THAT(response.body, HasSubstr(R"("retCode":"3")"));
  EXPECT_THAT(response.body, Not(HasSubstr("secret")));
  EXPECT_THAT(lines_, Contains(HasSubstr("is full"))) << "the operator is told";
}

TEST_F(CallbackHandlerTest, AnotherPathIsNotFoundWhateverTheMethod) {
  for (const char* path : {"/", "/release-events/", "/Release-events", "/release-events/x", "*"}) {
    for (const char* method : {"POST", "GET", "OPTIONS"}) {
      const HttpResponse response = Send(method, path, kCall);
      EXPECT_EQ(response.status, 404) << path;
      EXPECT_THAT(response.body, HasSubstr(R"("retCode":"1")"));
    }
  }
  EXPECT_THAT(event_log_.appended(), IsEmpty());
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("a path of no source")));
}

TEST_F(CallbackHandlerTest, AnotherMethodIsNotAllowedAndToldWhichIs) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) {
    const HttpResponse response = Send(method, "/release-events", kCall);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_THAT(response.headers, Contains(Pair("Allow", "POST")));
    EXPECT_THAT(response.body, HasSubstr(R"("retCode":"1")"));
  }
  EXPECT_THAT(event_log_.appended(), IsEmpty());
}

TEST_F(CallbackHandlerTest, ACallbackIsOneLineAtDebugAndNothingPersonalIsInIt) {
  Post(kCall);
  Post(R"({"canary":1,"canary":88880067})");

  ASSERT_EQ(lines_.size(), 3u);
  EXPECT_THAT(lines_[0], HasSubstr("-42\""));
  EXPECT_THAT(lines_[0], HasSubstr("\"OK\""));
  EXPECT_THAT(lines_[1], HasSubstr("callbacks were rejected"));
  EXPECT_THAT(lines_[2], HasSubstr("INVALID_ARGUMENT"));
  for (const std::string& line : lines_) {
    EXPECT_THAT(line, Not(HasSubstr("88880067")));
    EXPECT_THAT(line, Not(HasSubstr("canary")));
  }
}

TEST_F(CallbackHandlerTest, ARefusedCallbackLeavesATrace) {
  log_.set_level(LogLevel::kWarning);
  Post("garbage");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("callbacks were rejected")));
}

TEST_F(CallbackHandlerTest, AboveDebugNothingIsLogged) {
  log_.set_level(LogLevel::kInfo);
  Post(kCall);
  EXPECT_THAT(lines_, IsEmpty());
}

}  // namespace
}  // namespace onhook
