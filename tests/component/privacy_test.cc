// Canaries: words that may be in events and in the quarantine, and nowhere else. They go in by
// every way there is, and must come out in no log line, no metric and no answer.
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/component/gateway_fixture.h"
#include "tests/support/signed_callback.h"

namespace onhook {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kNumber[] = "13800138042";
constexpr char kRecording[] = "canary/20220222/recording.wav";
constexpr char kCallData[] = "canary-order";
constexpr char kKey[] = "canary-key-0123456789";
constexpr char kToken[] = "canary-token-0123456789";
constexpr char kPassword[] = "canary-password-0123456789";
constexpr char kPathToken[] = "canary-path-0123456789";
constexpr char kForged[] = "canary-forged-line";

const std::vector<std::string> kCanaries = {kNumber, kRecording, kCallData,  kKey,
                                            kToken,  kPassword,  kPathToken, kForged};

// The canaries that are in `text`, as they are or in Base64.
std::vector<std::string> FoundIn(absl::string_view text) {
  std::vector<std::string> found;
  for (const std::string& canary : kCanaries) {
    if (absl::StrContains(text, canary)) found.push_back(canary);
  }
  if (absl::StrContains(text, absl::Base64Escape(absl::StrCat("user:", kPassword)))) {
    found.push_back("the password in Base64");
  }
  return found;
}

// What an attacker would like the log to hold: an end of the line, and a line of her own.
constexpr char kInjection[] = "\\r\\n{\\\"msg\\\":\\\"canary-forged-line\\\"}\\u001b[2J";

std::string Body(absl::string_view extra = "") {
  return absl::StrCat(R"({"callSerialNo":"42","called":")", kNumber, R"(","caller":")", kNumber,
                      R"(","callData":")", kCallData, kInjection, R"(","recordfile":")", kRecording,
                      "\"", extra, "}");
}

class PrivacyTest : public GatewayTest {
 protected:
  PrivacyTest() {
    settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
    settings_.sources.clear();
    AddSource("open");
    AddSource("path").path_token_file = directory_.Write("path", kPathToken);
    Settings::Source::SharedKey shared_key;
    shared_key.key_files = {directory_.Write("key", kKey)};
    AddSource("signed").shared_key = shared_key;
    shared_key.enforce = Settings::Source::SharedKey::Enforce::kReport;
    AddSource("reported").shared_key = shared_key;
    AddSource("bearer").bearer = {{directory_.Write("token", kToken)}};
    AddSource("basic").basic = {"user", {directory_.Write("password", kPassword)}};
    StartGateway();
  }

  Settings::Source& AddSource(const std::string& name) {
    Settings::Source source;
    source.name = name;
    source.path = "/" + name;
    settings_.sources.push_back(source);
    return settings_.sources.back();
  }

  // Posts to `path` with further `headers`, whole lines; keeps what is answered.
  RawAnswer PostTo(absl::string_view path, absl::string_view body, absl::string_view headers = "") {
    RawAnswer answer =
        RawHttpClient(gateway_->http_port())
            .Send(absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: gateway\r\nContent-Length: ",
                               body.size(), "\r\n", headers, "\r\n", body))
            .ReadAnswer();
    answers_.push_back(absl::StrCat(answer.head, answer.body));
    return answer;
  }
  static std::string Signed() {
    std::string words = Body().substr(1);
    words.pop_back();
    return SignedCallback(kKey, absl::Now(), "1", words);
  }
  void ExpectNoLeak() {
    for (const std::string& line : LogLines()) {
      EXPECT_THAT(FoundIn(line), IsEmpty()) << line;
      for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
    }
    EXPECT_THAT(FoundIn(AskAdmin("/metrics").body), IsEmpty());
    for (const std::string& answer : answers_) EXPECT_THAT(FoundIn(answer), IsEmpty()) << answer;
  }

  std::vector<std::string> answers_;
};

TEST_F(PrivacyTest, TheCanariesAreFoundWhereTheyAre) {
  EXPECT_THAT(FoundIn(Body()), Not(IsEmpty()));
  log_.Info("test", absl::StrCat("a line with ", kNumber));
  EXPECT_THAT(LogLines(), Contains(HasSubstr(kNumber)));
}

TEST_F(PrivacyTest, WhatIsAcceptedIsInEventsOnly) {
  EXPECT_EQ(PostTo("/open", Body()).status, 200);
  EXPECT_EQ(PostTo(absl::StrCat("/path/", kPathToken), Body()).status, 200);
  EXPECT_EQ(PostTo("/signed", Signed()).status, 200);
  EXPECT_EQ(PostTo("/reported", Body()).status, 200);
  EXPECT_EQ(
      PostTo("/bearer", Body(), absl::StrCat("Authorization: Bearer ", kToken, "\r\n")).status,
      200);
  EXPECT_EQ(PostTo("/basic", Body(),
                   absl::StrCat("Authorization: Basic ",
                                absl::Base64Escape(absl::StrCat("user:", kPassword)), "\r\n"))
                .status,
            200);
  EXPECT_EQ(StoredCalls().size(), 6u);
  ExpectNoLeak();
}

TEST_F(PrivacyTest, OfWhatIsDeliveredMetricsTellTheSubscriptionOnly) {
  Subscriber subscriber = Subscribe();
  subscriber.MutableOpen()->set_consumer_name(kCallData);
  subscriber.Open("crm");
  EXPECT_EQ(PostTo("/open", Body()).status, 200);
  v1::SubscribeRequest refusal;
  refusal.mutable_nack()->add_delivery_ids(subscriber.Deliveries(1).at(0).delivery_id());
  refusal.mutable_nack()->add_delivery_ids(kNumber);
  refusal.mutable_nack()->set_reason(kRecording);
  refusal.mutable_nack()->set_action(v1::NackRequest::ACTION_PARK);
  subscriber.Send(refusal);
  EXPECT_EQ(subscriber.Results().exceptions_size(), 1);
  const std::string metrics = AskAdmin("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr(R"(onhook_dead_letters{subscription="crm"} 1)"));
  EXPECT_THAT(metrics, HasSubstr(R"(onhook_acks_total{result="unknown",subscription="crm"} 1)"));
  EXPECT_THAT(metrics, HasSubstr(R"(onhook_callback_duration_seconds_count{source="open"} 1)"));
  ExpectNoLeak();
}

TEST_F(PrivacyTest, WhatIsRefusedByTheGatewayIsRepeatedNowhere) {
  const std::string number_as_name = absl::StrCat(R"(,")", kNumber, R"(":1)");
  const std::string bodies[] = {
      Body().substr(0, Body().size() - 1),                   // cut
      Body(R"(,"called":")" + std::string(kNumber) + "\""),  // called twice
      Body(number_as_name + number_as_name),
      absl::StrCat("[", Body(), "]"),
      absl::StrCat(R"({"callSerialNo":")", std::string(51, '1'), kNumber, R"(","called":"1"})"),
      absl::StrCat(R"({"callSerialNo":"1","recordfile":")", kRecording, "\"}"),
      absl::StrCat("{called=", kNumber, ", called=", kNumber, "}"),
      absl::StrCat(kNumber, "=", kCallData),
      absl::StrCat("{", kNumber, "=", kCallData, "}"),
      absl::StrCat("\xFF", kCallData),
  };
  for (const std::string& body : bodies) {
    for (const char* path : {"/open", "/signed", "/reported"}) {
      EXPECT_NE(PostTo(path, body).status, 200) << path << " " << body;
    }
  }
  ExpectNoLeak();
}

TEST_F(PrivacyTest, WhatFailsItsProofIsRepeatedNowhere) {
  const std::string forged = absl::StrReplaceAll(Signed(), {{"\"42\"", "\"43\""}});
  EXPECT_EQ(PostTo("/signed", forged).status, 401);
  EXPECT_EQ(PostTo("/signed", Body()).status, 401);
  EXPECT_EQ(PostTo(absl::StrCat("/path/", kPathToken, "x"), Body()).status, 404);
  for (const char* path : {"/bearer", "/basic"}) {
    EXPECT_EQ(PostTo(path, Body(), absl::StrCat("Authorization: Bearer ", kToken, "x\r\n")).status,
              401);
    EXPECT_EQ(
        PostTo(path, Body(),
               absl::StrCat("Authorization: Basic ",
                            absl::Base64Escape(absl::StrCat("user:", kPassword, "x")), "\r\n"))
            .status,
        401);
  }
  ExpectNoLeak();
}

TEST_F(PrivacyTest, WhatIsNoCallbackIsRepeatedNowhere) {
  PostTo(absl::StrCat("/", kNumber, "?", kCallData, "=", kToken), Body());
  PostTo("/open", Body(), absl::StrCat("Content-Encoding: ", kCallData, "\r\n"));
  PostTo("/open", Body(), absl::StrCat("Expect: ", kCallData, "\r\n"));
  PostTo("/open", Body(), absl::StrCat("Transfer-Encoding: ", kCallData, "\r\n"));
  PostTo("/open", Body(), absl::StrCat(kNumber, " : ", kCallData, "\r\n"));
  PostTo("/open", Body(), absl::StrCat("X-Forwarded-For: ", kNumber, "\r\n"));
  PostTo("/open", Body(), absl::StrCat("traceparent: ", kCallData, "\r\n"));
  PostTo("/open", "{", absl::StrCat("Content-Type: ", kCallData, "\r\n"));
  PostTo("/open", Body(), absl::StrCat("Content-Length: ", kNumber, "\r\n"));
  for (const std::string& bytes :
       {absl::StrCat(kNumber, "\r\n\r\n"), absl::StrCat(kNumber, " / HTTP/1.1\r\nHost: h\r\n\r\n"),
        absl::StrCat("GET ", kNumber, " HTTP/1.1\r\nHost: ", kCallData, "\r\n\r\n"),
        absl::StrCat("POST / HTTP/", kNumber, "\r\n\r\n")}) {
    const RawAnswer answer = RawHttpClient(gateway_->http_port()).Send(bytes).ReadAnswer();
    answers_.push_back(absl::StrCat(answer.head, answer.body));
  }
  ExpectNoLeak();
}

TEST_F(PrivacyTest, WhatSubscribersSayIsRepeatedInNoLogLine) {
  EXPECT_EQ(PostTo("/open", Body()).status, 200);
  Subscriber subscriber = Subscribe();
  v1::SubscribeRequest open;
  open.mutable_open()->set_subscription(kNumber);
  open.mutable_open()->set_consumer_name(kCallData);
  subscriber.Send(open);
  subscriber.Next();
  const grpc::Status lookup = [&] {
    grpc::ClientContext context;
    v1::GetEventRequest request;
    v1::GetEventResponse response;
    request.set_event_id(kCallData);
    return stub_->GetEvent(&context, request, &response);
  }();
  EXPECT_THAT(FoundIn(lookup.error_message()), IsEmpty());
  EXPECT_THAT(LogLines(), Each(Not(HasSubstr(kCallData))));
}

}  // namespace
}  // namespace onhook
