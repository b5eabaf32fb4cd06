#include "gateway/admin/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/access/access_control.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Reasons = std::vector<std::string>;

class AdminServerTest : public ::testing::Test {
 protected:
  AdminServerTest() {
    const absl::Status started = server_.Start();
    EXPECT_TRUE(started.ok()) << started;
  }

  static Settings::Admin Admin() {
    Settings::Admin admin;
    admin.server.listen = "127.0.0.1:0";
    return admin;
  }

  RawAnswer Ask(absl::string_view method, absl::string_view path, absl::string_view headers = "") {
    RawHttpClient client(server_.port());
    client.Send(absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: h\r\n", headers,
                             "Content-Length: 0\r\n\r\n"));
    return client.ReadAnswer(method != "HEAD");
  }
  RawAnswer Get(absl::string_view path) { return Ask("GET", path); }

  Reasons not_started_;
  Reasons not_ready_;
  SystemClock clock_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  Metrics metrics_;
  std::unique_ptr<AccessControl> access_ =
      AccessControl::Open({}, nullptr, nullptr, &clock_, &log_).value();
  AdminServer server_{Admin(),
                      {[this] { return not_started_; }, [this] { return not_ready_; }},
                      {access_.get(), nullptr, &metrics_, &clock_, &log_, nullptr}};
};

TEST_F(AdminServerTest, EveryProbeIsOkWhenNothingIsWrong) {
  for (const char* path : {"/livez", "/startupz", "/readyz"}) {
    const RawAnswer answer = Get(path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.body, "ok\n") << path;
    EXPECT_THAT(answer.head, HasSubstr("text/plain"));
  }
}

TEST_F(AdminServerTest, WhatIsNotReadyIsToldLineByLine) {
  not_ready_ = {"store: cannot write", "gateway: shutting down"};
  const RawAnswer answer = Get("/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "store: cannot write\ngateway: shutting down\n");
  EXPECT_EQ(Get("/startupz").status, 200);
}

TEST_F(AdminServerTest, WhatIsNotStartedIsToldOnItsOwnPath) {
  not_started_ = {"gateway: starting"};
  EXPECT_EQ(Get("/startupz").status, 503);
  EXPECT_EQ(Get("/startupz").body, "gateway: starting\n");
}

TEST_F(AdminServerTest, AProcessThatAnswersIsAlive) {
  not_started_ = not_ready_ = {"gateway: starting"};
  EXPECT_EQ(Get("/livez").status, 200);
}

TEST_F(AdminServerTest, AnAnswerIsNeverKeptByACache) {
  EXPECT_THAT(Get("/readyz").head, HasSubstr("Cache-Control: no-store"));
}

TEST_F(AdminServerTest, OnlyGetIsAnswered) {
  for (const char* method : {"POST", "PUT", "DELETE", "HEAD"}) {
    const RawAnswer answer = Ask(method, "/readyz");
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_THAT(answer.head, HasSubstr("Allow: GET")) << method;
  }
}

TEST_F(AdminServerTest, TheLogLevelIsReadAndSetAndNothingElse) {
  EXPECT_EQ(Get("/log-level").body, "error\n");
  RawHttpClient client(server_.port());
  client.Send("PUT /log-level HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\ndebug");
  EXPECT_EQ(client.ReadAnswer().body, "debug\n");
  EXPECT_EQ(log_.level(), LogLevel::kDebug);
  for (const char* method : {"POST", "DELETE", "HEAD", "OPTIONS"}) {
    const RawAnswer answer = Ask(method, "/log-level");
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_THAT(answer.head, AllOf(HasSubstr("Allow: GET, PUT"), Not(HasSubstr("Access-Control"))));
  }
}

TEST_F(AdminServerTest, AnotherPathIsNotFound) {
  for (const char* path : {"/", "/readyz/", "/READYZ", "/release-events", "/metricz"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
}

TEST_F(AdminServerTest, AQueryDoesNotMatter) { EXPECT_EQ(Get("/readyz?verbose").status, 200); }

TEST_F(AdminServerTest, AMalformedRequestIsRefusedAsText) {
  RawHttpClient client(server_.port());
  const RawAnswer answer = client.Send("GET /readyz\r\n\r\n").ReadAnswer();
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.head, HasSubstr("text/plain"));
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(AdminServerTest, MetricsAreForWhoeverMayAskUntilSomebodyMayMonitor) {
  EXPECT_EQ(Get("/metrics").status, 200);
  const TemporaryDirectory directory;
  Settings::Identity collector;
  collector.name = "collector";
  collector.token_files = {directory.Write("token", "token-of-collector")};
  ASSERT_TRUE(access_->Replace({collector}).ok());
  EXPECT_EQ(Get("/metrics").status, 200) << "nobody has the permission";
  collector.monitor = true;
  ASSERT_TRUE(access_->Replace({collector}).ok());
  const RawAnswer answer = Get("/metrics");
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.head, AllOf(HasSubstr("WWW-Authenticate: Bearer"), HasSubstr("text/plain")));
  EXPECT_THAT(answer.body, Not(HasSubstr("onhook_")));
  const RawAnswer shown = Ask("GET", "/metrics", "authorization: bearer token-of-collector\r\n");
  EXPECT_EQ(shown.status, 200);
  EXPECT_THAT(shown.body, HasSubstr("onhook_admin_refusals_total{reason=\"unauthenticated\"} 1"));
  EXPECT_EQ(Get("/readyz").status, 200) << "probes have nothing to show";
}

TEST_F(AdminServerTest, WhoIsKnownAndMayNotMonitorIsTold403) {
  const TemporaryDirectory directory;
  Settings::Identity collector;
  collector.name = "collector";
  collector.token_files = {directory.Write("token", "token-of-collector")};
  collector.monitor = true;
  Settings::Identity crm;
  crm.name = "crm";
  crm.token_files = {directory.Write("crm", "token-of-the-crm-00")};
  ASSERT_TRUE(access_->Replace({collector, crm}).ok());
  const RawAnswer answer = Ask("GET", "/metrics", "Authorization: Bearer token-of-the-crm-00\r\n");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body, "identity \"crm\" lacks the permission monitor\n");
}

TEST_F(AdminServerTest, AfterStopNobodyIsAnswered) {
  const int port = server_.port();
  server_.Stop();
  EXPECT_FALSE(RawHttpClient(port).connected());
}

}  // namespace
}  // namespace onhook
