#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "clients/cli/command.h"
#include "clients/cli/program.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/clients/fake_admin_port.h"
#include "tests/unit/clients/program_fixture.h"

namespace onhook::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::string_view kDateFormat = "%a, %d %b %Y %H:%M:%S GMT";

// `onhook doctor` of a gateway of which all that it asks is the fake's word.
class DoctorTest : public ProgramFixture {
 protected:
  DoctorTest() {
    admin_.answers["/readyz"] = {200, "ok\n", DateOfNow()};
    admin_.answers["/metrics"] = {200, "onhook_build_info{version=\"0.0.1\"} 1\n", ""};
    SetSubscription(0, 1);
  }
  static std::string DateOfNow() {
    return absl::FormatTime(kDateFormat, absl::Now(), absl::UTCTimeZone());
  }
  void SetSubscription(int64_t backlog, int streams) {
    v1::ListSubscriptionsResponse response;
    v1::Subscription* const subscription = response.add_subscriptions();
    subscription->set_name("crm");
    subscription->mutable_stats()->set_backlog_events(backlog);
    subscription->mutable_stats()->set_connected_streams(streams);
    gateway_.administration.list_subscriptions.responses = {response};
  }
  int Examine(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"doctor", "--admin=" + admin_.address()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }

  client::FakeAdminPort admin_;
  TemporaryDirectory directory_;
};

TEST_F(DoctorTest, WhereAllIsWellEveryLineSaysSo) {
  EXPECT_EQ(Examine(), kExitOk);
  EXPECT_THAT(output_,
              AllOf(HasSubstr("ok       connection: "), HasSubstr("is reached\n"),
                    HasSubstr("ok       subscriptions: 1, none"), HasSubstr("ok       ready: "),
                    HasSubstr("ok       clock: "), HasSubstr("note     versions: onhook ")));
  EXPECT_THAT(output_, AllOf(Not(HasSubstr("problem")), Not(HasSubstr("warning"))));
  EXPECT_EQ(said_, "");
}

TEST_F(DoctorTest, AProblemAnywhereIsAnExitCodeOfItsOwn) {
  SetSubscription(7, 0);
  EXPECT_EQ(Examine(), kExitNegative);
  EXPECT_THAT(output_, HasSubstr("problem  subscription crm: owes 7 event(s)"));
}

TEST_F(DoctorTest, AWarningIsNoProblem) {
  admin_.answers["/metrics"].body = "onhook_quarantine_callbacks 2\n";
  EXPECT_EQ(Examine(), kExitOk);
  EXPECT_THAT(output_, HasSubstr("warning  rejected callbacks: 2 are kept"));
}

TEST_F(DoctorTest, WhatKeepsTheGatewayFromBeingReadyIsSaid) {
  admin_.answers["/readyz"] = {503, "store: nearly full\n", DateOfNow()};
  EXPECT_EQ(Examine(), kExitNegative);
  EXPECT_THAT(output_, HasSubstr("problem  ready: no: store: nearly full\n"));
}

TEST_F(DoctorTest, AClockThatIsWrongIsSaid) {
  admin_.answers["/readyz"].date =
      absl::FormatTime(kDateFormat, absl::Now() - absl::Hours(1), absl::UTCTimeZone());
  EXPECT_EQ(Examine(), kExitNegative);
  EXPECT_THAT(output_, AllOf(HasSubstr("problem  clock: "), HasSubstr("behind"), HasSubstr("NTP")));
}

TEST_F(DoctorTest, MetricsThatAreNotForUsAreANote) {
  admin_.answers["/metrics"] = {401, "who are you?\n", ""};
  EXPECT_EQ(Examine(), kExitOk);
  EXPECT_THAT(output_, AllOf(HasSubstr("note     metrics: not shown"), HasSubstr("monitor")));
}

// Whoever answers there may be anybody.
TEST_F(DoctorTest, AnAnswerWithoutEndIsGivenUp) {
  admin_.answers["/metrics"].body = std::string(17 << 20, 'x');
  EXPECT_EQ(Examine(), kExitNegative);
  EXPECT_THAT(output_, HasSubstr("problem  metrics: no answer from http://127.0.0.1:"));
}

TEST_F(DoctorTest, WhatAGatewayMadeUpDoesNotReachTheTerminal) {
  admin_.answers["/metrics"].body =
      "onhook_build_info{version=\"\x1B[2J\"} 1\n"
      "onhook_tls_last_reload_successful{listener=\"\x1B[2J\\nok all: well\"} 0\n"
      "onhook_tls_certificate_expiry_timestamp_seconds{listener=\"\x1B[2J\"} 1\n";
  admin_.answers["/readyz"] = {503, "store: \x1B[2J\n", DateOfNow()};
  gateway_.administration.status =
      client::StatusWithReason(grpc::StatusCode::PERMISSION_DENIED, "\x1B[2J", "PERMISSION_DENIED",
                               {{"identity", "\x1B[2J"}, {"permission", "monitor"}});
  EXPECT_EQ(Examine(), kExitNegative);
  EXPECT_THAT(output_, AllOf(HasSubstr("certificate \\x1B[2J\\nok all: well"),
                             HasSubstr("{name: \\x1B[2J, monitor: true}"), Not(HasSubstr("\x1B"))));
}

TEST_F(DoctorTest, APortForAdministrationThatIsNotThereIsAProblem) {
  EXPECT_EQ(Run({"doctor", "--admin=127.0.0.1:1"}), kExitNegative);
  EXPECT_THAT(output_, AllOf(HasSubstr("problem  port for administration: "),
                             HasSubstr("--admin says another")));
}

TEST_F(DoctorTest, TheTokenGoesToThisMachinesPort) {
  const std::string file = directory_.Write("token", "a-token-of-an-operator\n");
  EXPECT_EQ(Examine({"--token-file=" + file}), kExitOk);
  EXPECT_EQ(admin_.requests.Take().get_header_value("Authorization"),
            "Bearer a-token-of-an-operator");
}

TEST_F(DoctorTest, NobodyThereIsTheExitCodeOfEveryCommand) {
  testing::internal::CaptureStdout();
  const int code = RunProgram({"doctor", "--server=127.0.0.1:1", "--admin=" + admin_.address()});
  const std::string output = testing::internal::GetCapturedStdout();
  EXPECT_EQ(code, kExitFailed);
  EXPECT_THAT(output, AllOf(HasSubstr("problem  connection: "), HasSubstr("ok       ready: ")))
      << "the rest is examined all the same";
}

TEST_F(DoctorTest, AnAddressThatIsNoneIsWrongUsage) {
  EXPECT_EQ(Run({"doctor", "--admin=http://h:1/metrics"}), kExitUsage);
  EXPECT_THAT(said_, HasSubstr("--admin takes HOST:PORT"));
}

TEST_F(DoctorTest, JsonIsALineForEachFinding) {
  EXPECT_EQ(Examine({"--json"}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("{\"verdict\":\"ok\",\"subject\":\"ready\",\"seen\":"));
}

// The connection fails, since the fake speaks no TLS; the certificate is looked at before.
TEST_F(DoctorTest, TheClientsOwnCertificateIsJudged) {
  const TestAuthority authority;
  TestCertificateRequest request;
  request.usage = "clientAuth";
  request.not_after = absl::Now() + absl::Hours(24);
  const TestCertificate soon = authority.Issue(request);
  EXPECT_EQ(Examine({"--ca=" + directory_.Write("ca.crt", authority.certificate_pem()),
                     "--cert=" + directory_.Write("soon.crt", soon.certificate_pem),
                     "--key=" + directory_.Write("soon.key", soon.key_pem)}),
            kExitFailed);
  EXPECT_THAT(output_, HasSubstr("problem  own certificate: good until "));
}

}  // namespace
}  // namespace onhook::cli
