#include "clients/cli/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cli/admin_port.h"
#include "clients/cli/metrics_text.h"

namespace onhook::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

auto Found(Verdict verdict, const std::string& subject, const std::string& seen,
           const std::string& advice) {
  return AllOf(Field("verdict", &Finding::verdict, verdict),
               Field("subject", &Finding::subject, subject),
               Field("seen", &Finding::seen, HasSubstr(seen)),
               Field("advice", &Finding::advice, HasSubstr(advice)));
}

v1::Subscription Owing(int64_t events, int64_t oldest_seconds, int streams) {
  v1::Subscription subscription;
  subscription.set_name("crm");
  subscription.mutable_stats()->set_backlog_events(events);
  subscription.mutable_stats()->mutable_oldest_unsettled_age()->set_seconds(oldest_seconds);
  subscription.mutable_stats()->set_connected_streams(streams);
  return subscription;
}

TEST(DiagnosisTest, ASubscriptionThatIsReadAndKeepsUpWantsNothing) {
  EXPECT_THAT(JudgeSubscriptions({Owing(5, 3, 1), Owing(0, 0, 0)}),
              ElementsAre(Found(Verdict::kOk, "subscriptions", "2, none of which", "")));
}

TEST(DiagnosisTest, NoSubscriptionIsSaid) {
  EXPECT_THAT(JudgeSubscriptions({}), ElementsAre(Found(Verdict::kWarning, "subscriptions",
                                                        "there are none", "create NAME")));
}

TEST(DiagnosisTest, ABacklogThatNobodyReadsIsAProblem) {
  EXPECT_THAT(JudgeSubscriptions({Owing(5, 3, 0)}),
              ElementsAre(Found(Verdict::kProblem, "subscription crm",
                                "owes 5 event(s), the oldest for 3s, and no consumer",
                                "`onhook subscribe crm` prints, the consumer never gets")));
}

TEST(DiagnosisTest, ABacklogThatIsOldIsAWarning) {
  EXPECT_THAT(JudgeSubscriptions({Owing(5, 301, 2)}),
              ElementsAre(Found(Verdict::kWarning, "subscription crm", "5m01s, with 2 consumer(s)",
                                "`onhook subscriptions show crm`")));
  EXPECT_THAT(JudgeSubscriptions({Owing(5, 300, 2)}),
              ElementsAre(Found(Verdict::kOk, "subscriptions", "1, none", "")));
}

TEST(DiagnosisTest, APausedSubscriptionIsSaidInsteadOfItsBacklog) {
  v1::Subscription paused = Owing(5, 3000, 0);
  paused.set_paused(true);
  EXPECT_THAT(JudgeSubscriptions({paused}),
              ElementsAre(Found(Verdict::kWarning, "subscription crm", "is paused and owes 5",
                                "`onhook subscriptions resume crm`")));
}

TEST(DiagnosisTest, WhatASubscriptionLostIsSaid) {
  v1::Subscription subscription = Owing(0, 0, 1);
  subscription.mutable_stats()->set_dead_letters(2);
  subscription.mutable_stats()->set_dropped_by_limit(3);
  EXPECT_THAT(
      JudgeSubscriptions({subscription}),
      ElementsAre(Found(Verdict::kWarning, "subscription crm", "2 dead letter(s)",
                        "`onhook dead-letters list crm`"),
                  Found(Verdict::kWarning, "subscription crm", "not given 3 event(s)", "")));
}

TEST(DiagnosisTest, EachReasonAgainstReadinessIsAProblem) {
  EXPECT_THAT(JudgeReadiness(200, "ok\n"), ElementsAre(Found(Verdict::kOk, "ready", "", "")));
  EXPECT_THAT(JudgeReadiness(503, "store: full\nhttp: dead\n"),
              ElementsAre(Found(Verdict::kProblem, "ready", "no: store: full", "log"),
                          Found(Verdict::kProblem, "ready", "no: http: dead", "log")));
  EXPECT_THAT(JudgeReadiness(404, ""),
              ElementsAre(Found(Verdict::kProblem, "ready", "404", "--admin")));
}

TEST(DiagnosisTest, AClockIsJudgedByWhatTheAnswerCanProve) {
  const absl::Time asked = kNow + absl::Milliseconds(900);
  const absl::Time answered = kNow + absl::Milliseconds(1100);
  const auto judge = [&](absl::Duration off) { return JudgeClock(kNow + off, asked, answered); };
  EXPECT_THAT(judge(absl::ZeroDuration()), Found(Verdict::kOk, "clock", "agree", ""));
  EXPECT_THAT(judge(absl::Seconds(1)), Found(Verdict::kOk, "clock", "agree", ""));
  EXPECT_THAT(judge(absl::Seconds(-3)), Found(Verdict::kOk, "clock", "3s behind", ""));
  EXPECT_THAT(judge(absl::Seconds(30)), Found(Verdict::kWarning, "clock", "29s ahead", "NTP"));
  EXPECT_THAT(judge(absl::Minutes(-10)), Found(Verdict::kProblem, "clock", "behind", "NTP"));
}

TEST(DiagnosisTest, ACertificateIsWarnedOfBeforeItExpires) {
  const auto judge = [](absl::Duration left) {
    return JudgeExpiry("certificate", kNow + left, kNow, "renew").verdict;
  };
  EXPECT_EQ(judge(absl::Hours(15 * 24)), Verdict::kOk);
  EXPECT_EQ(judge(absl::Hours(13 * 24)), Verdict::kWarning);
  EXPECT_EQ(judge(absl::Hours(2 * 24)), Verdict::kProblem);
  EXPECT_EQ(judge(absl::ZeroDuration()), Verdict::kProblem);
  EXPECT_THAT(JudgeExpiry("certificate", kNow, kNow, "renew"),
              Found(Verdict::kProblem, "certificate", "expired on 2023-11-14", "renew"));
}

TEST(DiagnosisTest, TwoVersionsAreANote) {
  EXPECT_EQ(JudgeVersions("1.2.0", "1.2.0").verdict, Verdict::kOk);
  EXPECT_THAT(JudgeVersions("1.2.0", "1.3.0"),
              Found(Verdict::kNote, "versions", "onhook 1.2.0, the gateway 1.3.0", ""));
}

std::vector<Finding> Judged(const std::string& text) {
  return JudgeMetrics(MetricsText(text), kNow);
}

TEST(DiagnosisTest, MetricsThatAreNotThereAreNotJudged) { EXPECT_THAT(Judged(""), IsEmpty()); }

TEST(DiagnosisTest, TheDiskIsJudgedByItsMinimum) {
  const auto disk = [](const char* free) {
    return Judged(absl::StrCat("onhook_store_free_disk_bytes ", free,
                               "\nonhook_store_minimum_free_disk_bytes 1048576\n"));
  };
  EXPECT_THAT(disk("1048575"),
              ElementsAre(Found(Verdict::kProblem, "disk", "nearly full: 1 MiB", "make room")));
  EXPECT_THAT(disk("2000000"), ElementsAre(Found(Verdict::kWarning, "disk", "", "make room")));
  EXPECT_THAT(disk("1e+10"), ElementsAre(Found(Verdict::kOk, "disk", "9537 MiB free", "")));
}

TEST(DiagnosisTest, SettingsAndCertificatesThatCouldNotBeReadAgainAreProblems) {
  EXPECT_THAT(Judged("onhook_config_last_reload_successful 1\n"
                     "onhook_tls_last_reload_successful{listener=\"grpc\"} 1\n"),
              IsEmpty());
  EXPECT_THAT(Judged("onhook_config_last_reload_successful 0\n"
                     "onhook_tls_last_reload_successful{listener=\"grpc\"} 0\n"),
              ElementsAre(Found(Verdict::kProblem, "settings", "those before", "--check"),
                          Found(Verdict::kProblem, "certificate grpc", "before", "--check")));
}

TEST(DiagnosisTest, AChangeThatWaitsForARestartIsAWarning) {
  EXPECT_THAT(Judged("onhook_config_restart_pending 0\n"), IsEmpty());
  EXPECT_THAT(Judged("onhook_config_restart_pending 1\n"),
              ElementsAre(Found(Verdict::kWarning, "settings", "takes a restart", "restart")));
}

TEST(DiagnosisTest, EachListenersCertificateIsJudged) {
  EXPECT_THAT(
      Judged("onhook_tls_certificate_expiry_timestamp_seconds{listener=\"http\"} 1700000001\n"
             "onhook_tls_certificate_expiry_timestamp_seconds{listener=\"grpc\"} 1800000000\n"),
      testing::UnorderedElementsAre(
          Found(Verdict::kProblem, "certificate http", "good until", "http.tls"),
          Found(Verdict::kOk, "certificate grpc", "good until 2027-01-15", "")));
}

TEST(DiagnosisTest, ATimeBeyondAllTimesIsATimeToo) {
  const auto verdict = [](const char* time) {
    return Judged(absl::StrCat("onhook_tls_certificate_expiry_timestamp_seconds ", time, "\n"))
        .front()
        .verdict;
  };
  EXPECT_EQ(verdict("1e+300"), Verdict::kOk);
  EXPECT_EQ(verdict("+Inf"), Verdict::kOk);
  EXPECT_EQ(verdict("-1e+300"), Verdict::kProblem);
}

TEST(DiagnosisTest, WhatWasRefusedOrRemovedIsAWarning) {
  EXPECT_THAT(Judged("onhook_quarantine_callbacks 0\n"
                     "onhook_dead_letters_removed_total{cause=\"age\"} 0\n"),
              IsEmpty());
  EXPECT_THAT(
      Judged("onhook_quarantine_callbacks 4\n"
             "onhook_dead_letters_removed_total{cause=\"age\"} 1\n"
             "onhook_dead_letters_removed_total{cause=\"size\"} 2\n"
             "onhook_events_given_up_total{subscription=\"crm\"} 3\n"),
      ElementsAre(
          Found(Verdict::kWarning, "rejected callbacks", "4 are kept", "`onhook rejected list`"),
          Found(Verdict::kWarning, "limits", "3 dead letters", "store.dead_letters")));
}

TEST(DiagnosisTest, DescriptorsThatRunOutAreAWarning) {
  EXPECT_THAT(Judged("process_open_fds 79\nprocess_max_fds 100\n"), IsEmpty());
  EXPECT_THAT(Judged("process_open_fds 80\nprocess_max_fds 100\n"),
              ElementsAre(Found(Verdict::kWarning, "descriptors", "80 of 100", "open files")));
}

TEST(DiagnosisTest, FindingsAreLinesOfTextOrOfJson) {
  const std::vector<Finding> findings = {{Verdict::kOk, "clock", "fine", ""},
                                         {Verdict::kProblem, "disk", "a \"full\" one", "tidy up"}};
  EXPECT_EQ(FindingsText(findings),
            "ok       clock: fine\n"
            "problem  disk: a \"full\" one\n"
            "         -> tidy up\n");
  const std::vector<std::string> lines =
      absl::StrSplit(FindingsJson(findings), '\n', absl::SkipEmpty());
  ASSERT_THAT(lines, SizeIs(2));
  google::protobuf::Struct object;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(lines[1], &object).ok());
  EXPECT_EQ(object.fields().at("verdict").string_value(), "problem");
  EXPECT_EQ(object.fields().at("seen").string_value(), "a \"full\" one");
  EXPECT_EQ(Worst(findings), Verdict::kProblem);
  EXPECT_EQ(Worst({}), Verdict::kOk);
}

TEST(MetricsTextTest, SamplesAreReadWithTheirLabels) {
  const MetricsText metrics(
      "# HELP a_total What.\n# TYPE a_total counter\n"
      "a_total{x=\"1\",y=\"q\\\"\\\\\\n}\"} 2\n"
      "a_total{x=\"2\"} 3.5 1700000000000\n"
      "b 1e3\n"
      "no value\n"
      "c{x=\"unended 7\n"
      "\n");
  const std::vector<MetricsText::Sample> samples = metrics.Of("a_total");
  ASSERT_THAT(samples, SizeIs(2));
  EXPECT_EQ(samples[0].labels.at("y"), "q\"\\\n}");
  EXPECT_EQ(samples[1].value, 3.5);
  EXPECT_EQ(metrics.Sum("a_total"), 5.5);
  EXPECT_EQ(metrics.Value("b"), 1000);
  EXPECT_EQ(metrics.Value("no"), std::nullopt);
  EXPECT_EQ(metrics.Value("c"), std::nullopt);
  EXPECT_EQ(metrics.Sum("none"), 0);
}

TEST(AdminPortTest, DatesAreThoseOfHttp) {
  const absl::StatusOr<absl::Time> date = ParseHttpDate("Thu, 26 Nov 2026 13:26:36 GMT");
  ASSERT_TRUE(date.ok()) << date.status();
  EXPECT_EQ(absl::FormatTime(*date, absl::UTCTimeZone()), "2026-11-26T13:26:36+00:00");
  EXPECT_FALSE(ParseHttpDate("yesterday").ok());
}

}  // namespace
}  // namespace onhook::cli
