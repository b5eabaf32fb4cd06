#include "gateway/admin/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/raw_http_client.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using Reasons = std::vector<std::string>;

class AdminServerTest : public ::testing::Test {
 protected:
  AdminServerTest() {
    const absl::Status started = server_.Start();
    EXPECT_TRUE(started.ok()) << started;
  }

  static HttpOptions Options() {
    HttpOptions options;
    options.listen = "127.0.0.1:0";
    return options;
  }

  RawAnswer Ask(absl::string_view method, absl::string_view path) {
    RawHttpClient client(server_.port());
    client.Send(
        absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"));
    return client.ReadAnswer(method != "HEAD");
  }
  RawAnswer Get(absl::string_view path) { return Ask("GET", path); }

  Reasons not_started_;
  Reasons not_ready_;
  SystemClock clock_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  Metrics metrics_;
  AdminServer server_{Options(), {[this] { return not_started_; }, [this] { return not_ready_; }},
                      nullptr,   nullptr,
                      &metrics_, &clock_,
                      &log_};
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

TEST_F(AdminServerTest, AfterStopNobodyIsAnswered) {
  const int port = server_.port();
  server_.Stop();
  EXPECT_FALSE(RawHttpClient(port).connected());
}

}  // namespace
}  // namespace onhook
