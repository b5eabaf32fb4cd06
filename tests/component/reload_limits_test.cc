// Limits that change while the gateway runs hold from the next request, connection or stream on.
#include "tests/component/reload_fixture.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class ReloadLimitsTest : public ReloadFixture {
 protected:
  ReloadLimitsTest() { settings_.acknowledge.when = Settings::Acknowledge::When::kStored; }
  // On a connection that is there already.
  int StatusOf(RawHttpClient& client, const std::string& request) const {
    return client.Send(request).ReadAnswer().status;
  }
};

struct RequestLimit {
  const char* name;
  void (*lower)(Settings& settings);
  std::string request;  // taken before
  int status;           // afterwards
};

std::string Request(const std::string& target, const std::string& header, const std::string& body) {
  return absl::StrCat("POST ", target, " HTTP/1.1\r\nHost: gateway\r\n", header,
                      "Content-Length: ", body.size(), "\r\n\r\n", body);
}
std::string Callback(const std::string& more = "") {
  return absl::StrCat(R"({"callSerialNo":"1","called":"2")", more, "}");
}
std::string Headers(int count) {
  std::string headers;
  for (int i = 0; i < count; ++i) absl::StrAppend(&headers, "X-", i, ": 1\r\n");
  return headers;
}
std::string Fields(int count) {
  std::string fields;
  for (int i = 0; i < count; ++i) absl::StrAppend(&fields, R"(,"more)", i, R"(":"1")");
  return fields;
}
std::string Chunked(int chunks) {
  std::string body;
  for (const char byte : Callback(std::string(static_cast<size_t>(chunks), ' '))) {
    absl::StrAppend(&body, "1\r\n", std::string(1, byte), "\r\n");
  }
  return absl::StrCat(
      "POST /release-events HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: "
      "chunked\r\n\r\n",
      body, "0\r\n\r\n");
}

TEST_F(ReloadLimitsTest, ALimitOfRequestsHoldsForTheNextRequestOfAConnectionThatIsOpen) {
  const std::vector<RequestLimit> limits = {
      {"http.max_body_bytes", [](Settings& s) { s.http.server.max_body_bytes = 1024; },
       Request("/release-events", "", Callback(std::string(1500, ' '))), 413},
      {"http.max_request_line_bytes",
       [](Settings& s) { s.http.server.max_request_line_bytes = 1024; },
       Request("/release-events?" + std::string(1500, 'x'), "", Callback()), 414},
      {"http.max_header_bytes", [](Settings& s) { s.http.server.max_header_bytes = 1024; },
       Request("/release-events", "X: " + std::string(1500, 'x') + "\r\n", Callback()), 431},
      {"http.max_headers", [](Settings& s) { s.http.server.max_headers = 10; },
       Request("/release-events", Headers(20), Callback()), 431},
      {"http.max_head_bytes",
       [](Settings& s) {
         s.http.server.max_head_bytes = 1024;
         s.http.server.max_header_bytes = 1024;
         s.http.server.max_request_line_bytes = 1024;
       },
       Request("/release-events", Headers(90) + "Y: " + std::string(600, 'y') + "\r\n", Callback()),
       431},
      {"http.max_chunk_framing_bytes",
       [](Settings& s) { s.http.server.max_chunk_framing_bytes = 1024; }, Chunked(1000), 431},
      {"callbacks.max_fields", [](Settings& s) { s.callbacks.max_fields = 21; },
       Request("/release-events", "", Callback(Fields(30))), 400},
      {"callbacks.max_nesting", [](Settings& s) { s.callbacks.max_nesting = 1; },
       Request("/release-events", "", Callback(R"(,"a":{"b":{"c":{}}})")), 400},
  };
  StartGateway();
  for (const RequestLimit& limit : limits) {
    SCOPED_TRACE(limit.name);
    RawHttpClient client(gateway_->http_port());
    EXPECT_EQ(StatusOf(client, limit.request), 200);
    Settings lowered = settings_;
    limit.lower(lowered);
    Reload(lowered);
    EXPECT_EQ(StatusOf(client, limit.request), limit.status);
    Reload();
    RawHttpClient another(gateway_->http_port());
    EXPECT_EQ(StatusOf(another, limit.request), 200);
  }
}

TEST_F(ReloadLimitsTest, FewerConnectionsAreLeftAsNewcomersCome) {
  settings_.http.server.idle_timeout = absl::Minutes(5);
  StartGateway();
  std::vector<std::unique_ptr<RawHttpClient>> idle;
  for (int i = 0; i < 6; ++i) {
    idle.push_back(std::make_unique<RawHttpClient>(gateway_->http_port()));
    EXPECT_EQ(StatusOf(*idle.back(), PostOf(CallbackOf("1"))), 200);
  }
  settings_.http.server.max_connections = 4;
  Reload();
  EXPECT_EQ(StatusOf(*idle[0], PostOf(CallbackOf("2"))), 200) << "nobody is cut by the reload";
  EXPECT_EQ(PostCall("3").status, 200);
  // The one that was used last is left, with the newcomer and two more.
  EXPECT_EQ(StatusOf(*idle[0], PostOf(CallbackOf("4"))), 200);
  int left = 0;
  for (size_t i = 1; i < idle.size(); ++i) {
    if (StatusOf(*idle[i], PostOf(CallbackOf("5"))) == 200) ++left;
  }
  EXPECT_EQ(left, 2);
}

TEST_F(ReloadLimitsTest, TheAdminPortHasItsOwn) {
  settings_.admin.server.idle_timeout = absl::Minutes(5);
  StartGateway();
  const std::string probe = "GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n";
  std::vector<std::unique_ptr<RawHttpClient>> idle;
  for (int i = 0; i < 6; ++i) {
    idle.push_back(std::make_unique<RawHttpClient>(gateway_->admin_port()));
    EXPECT_EQ(StatusOf(*idle.back(), probe), 200);
  }
  settings_.admin.server.max_connections = 4;
  settings_.admin.server.max_connections_per_peer = 4;
  Reload();
  EXPECT_EQ(AskAdmin("/livez").status, 200);
  // The newcomer had one of the four places. Which of two that were used one right after the other
  // is idle for longer, nobody can tell.
  EXPECT_EQ(StatusOf(*idle[5], probe), 200);
  int left = 0;
  for (size_t i = 0; i < 5; ++i) {
    if (StatusOf(*idle[i], probe) == 200) ++left;
  }
  EXPECT_EQ(left, 2);
}

TEST_F(ReloadLimitsTest, AStreamThatIsOpenStaysAndTheNextIsTooMany) {
  StartGateway();
  Subscriber first = Subscribe();
  first.Open("crm");
  settings_.grpc.server.max_streams = 1;
  settings_.grpc.server.max_streams_per_identity = 1;
  Reload();
  Subscriber second = Subscribe();
  second.Open("crm");
  EXPECT_EQ(second.End().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(PostCall("1").status, 200);
  EXPECT_EQ(first.Deliveries(1).size(), 1u);
  settings_.grpc.server.max_streams = 3;
  Reload();
  Subscriber third = Subscribe();
  EXPECT_EQ(third.Open("crm").max_outstanding_events(), 1000);
}

TEST_F(ReloadLimitsTest, AStreamThatOpensGetsTheWindowOfNow) {
  StartGateway();
  Subscriber first = Subscribe();
  EXPECT_EQ(first.Open("one").max_outstanding_events(), 1000);
  settings_.grpc.server.max_outstanding_events = 7;
  Reload();
  Subscriber second = Subscribe();
  EXPECT_EQ(second.Open("two").max_outstanding_events(), 7);
}

TEST_F(ReloadLimitsTest, CallsHaveThePaceOfNow) {
  StartGateway();
  settings_.grpc.server.max_call_rate = 1;
  settings_.grpc.server.max_call_burst = 1;
  Reload();
  const auto call = [&] {
    grpc::ClientContext context;
    LimitTime(context);
    v1::GetEventResponse response;
    v1::GetEventRequest request;
    request.set_event_id("none");
    return stub_->GetEvent(&context, request, &response).error_code();
  };
  int refused = 0;
  for (int i = 0; i < 20; ++i) refused += call() == grpc::StatusCode::RESOURCE_EXHAUSTED ? 1 : 0;
  EXPECT_GT(refused, 0);
}

TEST_F(ReloadLimitsTest, WhatIsOverALowerRetentionGoes) {
  StartGateway();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(PostCall(absl::StrCat(i)).status, 200);
  const std::string all = "\nonhook_store_events 5\n";
  EXPECT_TRUE(absl::StrContains(AskAdmin("/metrics").body, all));
  settings_.store.retention_size = 1;
  Reload();
  // Whoever reads events while they go may be told that they are gone.
  while (absl::StrContains(AskAdmin("/metrics").body, all)) {
  }
}

TEST_F(ReloadLimitsTest, BelowAHigherMinimumOfFreeDiskNothingNewIsStored) {
  StartGateway();
  settings_.store.minimum_free_disk = int64_t{1} << 60;
  Reload();
  while (PostCall("1").status == 200) {
  }
  EXPECT_EQ(PostCall("2").status, 503);
  settings_.store.minimum_free_disk = 0;
}

// Times that hold at first are so long that a test which waited for them would fail.
TEST_F(ReloadLimitsTest, TimesOfRequestsHoldForTheNextRequestOfAConnectionThatIsOpen) {
  HttpOptions& server = settings_.http.server;
  server.head_timeout = server.request_timeout = server.idle_timeout = absl::Minutes(5);
  StartGateway();
  RawHttpClient slow_head(gateway_->http_port());
  RawHttpClient slow_body(gateway_->http_port());
  RawHttpClient idle(gateway_->http_port());
  for (RawHttpClient* client : {&slow_head, &slow_body, &idle}) {
    EXPECT_EQ(StatusOf(*client, PostOf(CallbackOf("1"))), 200);
  }
  server.head_timeout = server.idle_timeout = absl::Milliseconds(100);
  server.request_timeout = absl::Milliseconds(200);
  Reload();
  EXPECT_EQ(StatusOf(slow_head, "POST /release-events HTTP/1.1\r\n"), 408);
  EXPECT_EQ(
      StatusOf(slow_body,
               "POST /release-events HTTP/1.1\r\nHost: gateway\r\nContent-Length: 9\r\n\r\n{"),
      408);
  EXPECT_EQ(StatusOf(idle, PostOf(CallbackOf("2"))), 200);
  EXPECT_TRUE(idle.IsClosed());
}

TEST_F(ReloadLimitsTest, TimesOfStreamsHoldForTheNextStream) {
  settings_.grpc.server.open_timeout = absl::Minutes(5);
  settings_.grpc.server.heartbeat_interval = absl::Minutes(10);
  StartGateway();
  settings_.grpc.server.open_timeout = absl::Milliseconds(100);
  settings_.grpc.server.heartbeat_interval = absl::Seconds(1);
  Reload();
  Subscriber silent = Subscribe();
  EXPECT_EQ(silent.End().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  Subscriber after = Subscribe();
  after.Open("crm");
  EXPECT_TRUE(after.Next().has_heartbeat());
}

TEST_F(ReloadLimitsTest, HowLongACallbackWaitsIsThatOfItsSourceNow) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kForwarded;
  settings_.acknowledge.timeout = absl::Minutes(1);
  StartGateway();
  settings_.sources[0].acknowledge.timeout = absl::Milliseconds(1);
  Reload();
  EXPECT_EQ(PostCall("1").status, 503);
}

}  // namespace
}  // namespace onhook
