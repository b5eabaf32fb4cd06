// What the program says of its work: to machines line by line in JSON, to a terminal as text.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "onhook/v1/release_event_service.grpc.pb.h"
#include "tests/support/child_process.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/stream_clients.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr char kTrace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr char kSuccess[] = R"({"retCode":"0","retMsg":"success"})";

// One line, its texts and numbers by name.
using Entry = std::map<std::string, std::string>;

Entry Parsed(const std::string& line) {
  google::protobuf::Struct object;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &object).ok()) << line;
  Entry entry;
  for (const auto& [name, value] : object.fields()) {
    entry[name] =
        value.has_string_value() ? value.string_value() : absl::StrCat(value.number_value());
  }
  return entry;
}

class OnhookdLogTest : public ::testing::Test {
 protected:
  OnhookdLogTest() {
    options_.store_directory = directory_.path() + "/store";
    options_.more_arguments = {
        "--config", directory_.Write("onhook.yaml",
                                     "sources: [{name: sales, path: /release-events, acknowledge: "
                                     "{when: stored}}]\n")};
  }
  void Start(const std::string& level) {
    OnhookdProcess::Options options = options_;
    options.more_arguments.push_back("--log-level=" + level);
    onhookd_ = std::make_unique<OnhookdProcess>(options);
    ASSERT_TRUE(onhookd_->WaitUntilListening(kPatience)) << onhookd_->log();
    stub_ = v1::ReleaseEventService::NewStub(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", onhookd_->grpc_port()),
                                  grpc::InsecureChannelCredentials(), OwnConnection()));
  }
  void End() {
    onhookd_->Terminate();
    EXPECT_EQ(onhookd_->Wait(kPatience), (ProcessEnd{0, 0})) << onhookd_->log();
  }
  RawAnswer Send(const std::string& method, const std::string& path, const std::string& body,
                 const std::string& headers = "", int port = 0) const {
    return RawHttpClient(port != 0 ? port : onhookd_->http_port())
        .Send(absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: h\r\n", headers,
                           "Content-Length: ", body.size(), "\r\n\r\n", body))
        .ReadAnswer();
  }
  RawAnswer Post(const std::string& call, const std::string& headers = "") const {
    return Send("POST", "/release-events",
                absl::StrCat(R"({"callSerialNo":")", call,
                             R"(","called":"13988880067","callData":"canary"})"),
                headers);
  }
  void PutLogLevel(const std::string& level) const {
    EXPECT_EQ(Send("PUT", "/log-level", level, "", onhookd_->admin_port()).body, level + "\n");
  }
  std::vector<Entry> Entries() const {
    std::vector<Entry> entries;
    for (const absl::string_view line : absl::StrSplit(onhookd_->log(), '\n', absl::SkipEmpty())) {
      entries.push_back(Parsed(std::string(line)));
    }
    return entries;
  }
  std::vector<Entry> Of(const std::string& name, const std::string& part) const {
    std::vector<Entry> found;
    for (const Entry& entry : Entries()) {
      const auto value = entry.find(name);
      if (value != entry.end() && absl::StrContains(value->second, part)) found.push_back(entry);
    }
    return found;
  }
  // Everything that callbacks and subscribers can make the program say something about.
  void BeBusy() {
    Subscriber subscriber(stub_.get());
    subscriber.Open("crm");
    EXPECT_EQ(Post("first", absl::StrCat("traceparent: ", kTrace, "\r\n")).body, kSuccess);
    EXPECT_EQ(Post("second").body, kSuccess);
    EXPECT_EQ(Post("second").body, kSuccess);
    Post("3\\u0007\\n\\u001b[2J{\\\"level\\\":\\\"error\\\"}\\u2028");
    Send("POST", "/release-events", "{\"callSerialNo\":\"13988880067\n\x1b\x9b");
    Send("POST", "/nowhere\x1b/13988880067", "canary");
    Send("GET", "/release-events", "");
    RawHttpClient(onhookd_->http_port()).Send("\x1b canary\r\n\r\n").ReadAnswer();
    const std::vector<v1::Delivery> deliveries = subscriber.Deliveries(3);
    v1::SubscribeRequest park;
    park.mutable_nack()->set_request_id(7);
    park.mutable_nack()->set_action(v1::NackRequest::ACTION_PARK);
    park.mutable_nack()->set_reason("canary\n");
    park.mutable_nack()->add_delivery_ids(deliveries[0].delivery_id());
    subscriber.Send(park);
    EXPECT_EQ(subscriber.Results().exceptions_size(), 0);
    subscriber.Ack({deliveries[1]}, 8);
    EXPECT_EQ(subscriber.Results().exceptions_size(), 0);
    kill(onhookd_->pid(), SIGHUP);
    EXPECT_TRUE(onhookd_->WaitForLog("settings were read again", kPatience));
  }

  const TemporaryDirectory directory_;
  OnhookdProcess::Options options_;
  std::unique_ptr<OnhookdProcess> onhookd_;
  std::unique_ptr<v1::ReleaseEventService::Stub> stub_;
};

TEST_F(OnhookdLogTest, EveryLineOfABusyRunIsJsonWithItsFields) {
  ASSERT_NO_FATAL_FAILURE(Start("debug"));
  BeBusy();
  End();
  std::set<std::string> components;
  for (const Entry& entry : Entries()) {
    ASSERT_THAT(entry, IsSupersetOf({testing::Key("ts"), testing::Key("level"),
                                     testing::Key("component"), testing::Key("msg")}));
    EXPECT_THAT(entry.at("ts"), MatchesRegex("20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T"
                                             "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\\.[0-9]{3}Z"));
    EXPECT_THAT(entry.at("level"), testing::AnyOf("debug", "info", "warning", "error"));
    EXPECT_THAT(entry.at("msg"), Not(IsEmpty()));
    components.insert(entry.at("component"));
  }
  EXPECT_THAT(components, IsSupersetOf({"gateway", "http", "ingress", "store"}));
  EXPECT_THAT(Of("subscription", "crm"), Not(IsEmpty()));
  EXPECT_THAT(Of("source", "sales"), Not(IsEmpty()));
}

TEST_F(OnhookdLogTest, AnEventIsOneLineAtDebug) {
  ASSERT_NO_FATAL_FAILURE(Start("debug"));
  BeBusy();
  End();
  const std::vector<Entry> first = Of("event_id", "-first");
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(first[0].at("level"), "debug");
  EXPECT_EQ(first[0].at("component"), "ingress");
  EXPECT_EQ(first[0].at("source"), "sales");
  EXPECT_EQ(first[0].at("traceparent"), kTrace);
  EXPECT_EQ(first[0].at("status"), "OK");
  EXPECT_THAT(Of("event_id", "-second"), SizeIs(2)) << "one for each callback";
  for (const Entry& entry : Of("event_id", "-second")) EXPECT_EQ(entry.count("traceparent"), 0u);
}

TEST_F(OnhookdLogTest, AboveDebugNoEventHasALine) {
  ASSERT_NO_FATAL_FAILURE(Start("info"));
  BeBusy();
  End();
  EXPECT_THAT(Of("event_id", ""), IsEmpty());
  EXPECT_THAT(Of("level", "debug"), IsEmpty());
}

TEST_F(OnhookdLogTest, NothingOfWhatWasSentIsInIt) {
  ASSERT_NO_FATAL_FAILURE(Start("debug"));
  BeBusy();
  End();
  for (const char* word : {"13988880067", "canary", "\x1b", "\x9b", "nowhere"}) {
    EXPECT_THAT(onhookd_->log(), Not(HasSubstr(word))) << word;
  }
}

TEST_F(OnhookdLogTest, TheLevelIsChangedWhileItRunsAndComesBackWithTheNextStart) {
  ASSERT_NO_FATAL_FAILURE(Start("info"));
  EXPECT_EQ(Post("before").body, kSuccess);
  PutLogLevel("debug");
  EXPECT_EQ(Post("at debug").body, kSuccess);
  PutLogLevel("error");
  EXPECT_EQ(Post("at error").body, kSuccess);
  End();
  EXPECT_THAT(Of("event_id", "before"), IsEmpty());
  EXPECT_THAT(Of("event_id", "debug"), SizeIs(1));
  EXPECT_THAT(Of("event_id", "error"), IsEmpty());
  EXPECT_THAT(Of("by", "this machine"), SizeIs(2)) << "each change is seen";
  EXPECT_THAT(Of("msg", "stopped"), IsEmpty());
  ASSERT_NO_FATAL_FAILURE(Start("info"));
  EXPECT_EQ(Send("GET", "/log-level", "", "", onhookd_->admin_port()).body, "info\n");
}

// What a terminal shows of it, until it holds `wanted`.
std::string ReadTerminal(int terminal, absl::string_view wanted) {
  std::string shown;
  char buffer[4096];
  pollfd readable{terminal, POLLIN, 0};
  while (!absl::StrContains(shown, wanted) &&
         poll(&readable, 1, static_cast<int>(absl::ToInt64Milliseconds(kPatience))) == 1) {
    const ssize_t size = read(terminal, buffer, sizeof(buffer));
    if (size <= 0) break;
    shown.append(buffer, static_cast<size_t>(size));
  }
  return shown;
}

TEST_F(OnhookdLogTest, ATerminalIsShownText) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  char name[64];
  ASSERT_EQ(ptsname_r(terminal, name, sizeof(name)), 0);
  const int end = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(end, 0);
  options_.prepare = [end] { return dup2(end, STDERR_FILENO) >= 0; };
  OnhookdProcess onhookd(options_);
  const std::string shown = ReadTerminal(terminal, "has no authentication: whoever reaches its");
  EXPECT_THAT(std::vector<std::string>(absl::StrSplit(shown, "\r\n")),
              Contains(MatchesRegex("20[0-9-]+T[0-9:.]+Z info gateway: listening "
                                    "listener=\"http\" address=\"127\\.0\\.0\\.1:[0-9]+\"")));
  EXPECT_THAT(shown, HasSubstr(" warning gateway: "));
  EXPECT_THAT(shown, Not(HasSubstr("{\"ts\"")));
  onhookd.Kill();
  close(end);
  close(terminal);
}

// A traceparent all the way: the callback, the log, Subscribe, Watch, GetEvent, and the command
// line.
TEST_F(OnhookdLogTest, ATraceIsHandedOnToWhoeverGetsTheEvent) {
  ASSERT_NO_FATAL_FAILURE(Start("debug"));
  Subscriber subscriber(stub_.get());
  subscriber.Open("crm");
  EXPECT_EQ(Post("1", absl::StrCat("traceparent: ", kTrace, "\r\n")).body, kSuccess);
  EXPECT_EQ(Post("2", absl::StrCat("TraceParent: ff", kTrace + 2, "\r\n")).body, kSuccess);
  EXPECT_EQ(
      Post("3", absl::StrCat("traceparent: ", kTrace, "\r\ntraceparent: ", kTrace, "\r\n")).body,
      kSuccess);
  std::vector<std::string> traces;
  for (const v1::Delivery& each : subscriber.Deliveries(3)) {
    traces.push_back(each.event().traceparent());
  }
  EXPECT_THAT(traces, ElementsAre(kTrace, "", ""));

  v1::WatchRequest earliest;
  earliest.set_position(v1::START_POSITION_EARLIEST);
  Watcher watcher(stub_.get(), earliest);
  v1::WatchResponse watched = watcher.Next();
  while (watched.has_heartbeat()) watched = watcher.Next();
  ASSERT_GT(watched.events().events_size(), 0) << watched.ShortDebugString();
  const v1::ReleaseEvent event = watched.events().events(0).event();
  EXPECT_EQ(event.traceparent(), kTrace);
  grpc::ClientContext context;
  LimitTime(context);
  v1::GetEventRequest request;
  request.set_event_id(event.event_id());
  v1::GetEventResponse response;
  ASSERT_TRUE(stub_->GetEvent(&context, request, &response).ok());
  EXPECT_EQ(response.stored_event().event().traceparent(), kTrace);

  const std::string server = absl::StrCat("--server=127.0.0.1:", onhookd_->grpc_port());
  ChildProcess get({ONHOOK_CLIENT_PATH, "get", event.event_id(), server});
  EXPECT_EQ(get.Wait(kPatience), (ProcessEnd{0, 0})) << get.output();
  EXPECT_THAT(get.output(), HasSubstr(absl::StrCat("traceparent ", kTrace)));
  ASSERT_THAT(Of("event_id", event.event_id()), SizeIs(1));
  EXPECT_EQ(Of("event_id", event.event_id())[0].at("traceparent"), kTrace);
}

}  // namespace
}  // namespace onhook
