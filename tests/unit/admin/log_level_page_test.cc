#include "gateway/admin/log_level_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/access/access_control.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kThisMachine[] = "127.0.0.1";
constexpr char kElsewhere[] = "203.0.113.9";

class LogLevelPageTest : public ::testing::Test {
 protected:
  LogLevelPageTest() { List({}); }

  void List(std::vector<Settings::Identity> identities) {
    access_ = AccessControl::Open(std::move(identities), nullptr, nullptr, &clock_, &log_).value();
    Use(access_.get());
  }
  void Use(const AccessControl* access) {
    gate_ =
        std::make_unique<AdminGate>(std::vector<IpNetwork>{}, access, &metrics_, &clock_, &log_);
    page_ = std::make_unique<LogLevelPage>(gate_.get(), &log_);
  }
  // May administer the subscriptions of these patterns, and shows "token-of-NAME-00000".
  Settings::Identity Administrator(const std::string& name,
                                   const std::vector<std::string>& patterns) const {
    Settings::Identity identity;
    identity.name = name;
    identity.token_files = {directory_.Write(name, absl::StrCat("token-of-", name, "-00000"))};
    identity.administer = patterns;
    return identity;
  }
  HttpResponse Ask(const char* method, absl::string_view body, const char* peer = kThisMachine,
                   const std::vector<HttpHeader>& headers = {}) const {
    HttpRequest request;
    request.method = method;
    request.path = "/log-level";
    request.peer = peer;
    request.body = body;
    request.headers = headers;
    return page_->Answer(request);
  }
  HttpResponse Put(absl::string_view body) const { return Ask("PUT", body); }
  int StatusOfPut(const char* peer, const std::vector<HttpHeader>& headers = {}) const {
    return Ask("PUT", "debug", peer, headers).status;
  }
  bool IsUnchanged() const { return log_.level() == LogLevel::kInfo; }

  TemporaryDirectory directory_;
  SystemClock clock_;
  std::vector<std::string> lines_;
  Log log_{&clock_, LogLevel::kInfo, Log::Format::kText,
           [this](absl::string_view line) { lines_.emplace_back(line); }};
  Metrics metrics_;
  std::unique_ptr<AccessControl> access_;
  std::unique_ptr<AdminGate> gate_;
  std::unique_ptr<LogLevelPage> page_;
};

TEST_F(LogLevelPageTest, GetTellsTheLevelAndChangesNothing) {
  const HttpResponse answer = Ask("GET", "debug");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "info\n");
  EXPECT_THAT(answer.headers, Contains(std::make_pair("Cache-Control", "no-store")));
  EXPECT_TRUE(IsUnchanged());
}

TEST_F(LogLevelPageTest, PutChangesTheLevelAtOnce) {
  for (const char* level : {"debug", "error", "warning", "info"}) {
    const HttpResponse answer = Put(level);
    EXPECT_EQ(answer.status, 200) << level;
    EXPECT_EQ(answer.body, absl::StrCat(level, "\n"));
    EXPECT_EQ(LogLevelName(log_.level()), level);
  }
}

TEST_F(LogLevelPageTest, SpaceAroundTheWordDoesNotMatter) {
  EXPECT_EQ(Put(" debug\r\n").status, 200);
  EXPECT_EQ(log_.level(), LogLevel::kDebug);
}

TEST_F(LogLevelPageTest, AnyOtherBodyIsToldWhatIsAllowedAndNotRepeated) {
  for (const char* body : {"", "DEBUG", "warn", "debug info", "trace<script>", "{\"level\":1}"}) {
    const HttpResponse answer = Put(body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(answer.body, "the body must be debug, info, warning or error\n");
  }
  EXPECT_TRUE(IsUnchanged());
}

TEST_F(LogLevelPageTest, EveryChangeIsSeenInTheLogWhicheverLevelHides) {
  Put("error");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr(R"(log_level="error" by="this machine")")));
  lines_.clear();
  Put("debug");
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr(" warning admin: "),
                                        HasSubstr(R"(log_level="debug" by="this machine")"))));
}

TEST_F(LogLevelPageTest, WithoutAnAccessListOnlyThisMachineMay) {
  EXPECT_EQ(StatusOfPut(kElsewhere), 403);
  EXPECT_EQ(StatusOfPut(kElsewhere, {{"Authorization", "Bearer anything-at-all-00"}}), 403);
  EXPECT_EQ(Ask("GET", "", kElsewhere).status, 403);
  Use(nullptr);
  EXPECT_EQ(StatusOfPut(kElsewhere), 403);
  EXPECT_TRUE(IsUnchanged());
  EXPECT_EQ(StatusOfPut("::1"), 200);
}

TEST_F(LogLevelPageTest, WhatWasForwardedIsNotOfThisMachine) {
  for (const char* mark :
       {"Forwarded", "via", "X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Proto",
        "X-Forwarded-Server", "X-Forwarded-Client-Cert", "X-Original-Forwarded-For",
        "x-envoy-external-address", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"}) {
    EXPECT_EQ(StatusOfPut(kThisMachine, {{"Host", "h"}, {mark, "127.0.0.1"}}), 403) << mark;
  }
  EXPECT_TRUE(IsUnchanged());
}

TEST_F(LogLevelPageTest, AWebPageMayNotEvenFromThisMachine) {
  for (const char* origin : {"https://example.org", "http://127.0.0.1:8081", "null", ""}) {
    EXPECT_EQ(StatusOfPut(kThisMachine, {{"origin", origin}}), 403) << origin;
  }
  EXPECT_TRUE(IsUnchanged());
}

TEST_F(LogLevelPageTest, ElsewhereOneMustBeKnownAndMayAdministerEverySubscription) {
  List({Administrator("ops", {"crm", "*"}), Administrator("crm", {"crm*", "*-crm"}),
        Administrator("none", {})});
  EXPECT_EQ(StatusOfPut(kElsewhere), 401);
  EXPECT_EQ(StatusOfPut(kElsewhere, {{"Authorization", "Bearer token-of-nobody-000"}}), 401);
  EXPECT_EQ(StatusOfPut(kElsewhere, {{"Authorization", "Bearer token-of-crm-00000"}}), 403);
  EXPECT_EQ(StatusOfPut(kElsewhere, {{"Authorization", "Bearer token-of-none-00000"}}), 403);
  EXPECT_TRUE(IsUnchanged());
  EXPECT_EQ(StatusOfPut(kElsewhere, {{"Authorization", "Bearer token-of-ops-00000"}}), 200);
  EXPECT_THAT(lines_, Contains(HasSubstr(R"(log_level="debug" by="identity ops")")));
}

TEST_F(LogLevelPageTest, ATokenThatIsShownDecidesOnThisMachineToo) {
  List({Administrator("ops", {"*"}), Administrator("crm", {"crm"})});
  EXPECT_EQ(StatusOfPut(kThisMachine, {{"Authorization", "Bearer wrong"}}), 401);
  const HttpResponse answer =
      Ask("PUT", "debug", kThisMachine, {{"Authorization", "Bearer token-of-crm-00000"}});
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body,
            "identity \"crm\" lacks the permission administer for every subscription\n");
  EXPECT_TRUE(IsUnchanged());
  EXPECT_EQ(StatusOfPut(kThisMachine), 200) << "nothing needs to be shown";
}

TEST_F(LogLevelPageTest, RefusalsAreCountedByTheirReasons) {
  StatusOfPut(kElsewhere);
  List({Administrator("crm", {"crm"})});
  StatusOfPut(kElsewhere);
  EXPECT_THAT(metrics_.Text(),
              AllOf(HasSubstr("onhook_admin_refusals_total{reason=\"not_allowed\"} 1"),
                    HasSubstr("onhook_admin_refusals_total{reason=\"unauthenticated\"} 1")));
  EXPECT_THAT(lines_, Not(Contains(HasSubstr("another log level"))));
}

}  // namespace
}  // namespace onhook
