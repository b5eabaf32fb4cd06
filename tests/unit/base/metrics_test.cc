#include "gateway/base/metrics.h"

#include <atomic>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

TEST(MetricsTest, ACounterIsShownFromTheStart) {
  Metrics metrics;
  metrics.AddCounter("onhook_things_total", "Things.", {{"kind", "old"}});
  EXPECT_EQ(metrics.Text(),
            "# HELP onhook_things_total Things.\n"
            "# TYPE onhook_things_total counter\n"
            "onhook_things_total{kind=\"old\"} 0\n");
}

TEST(MetricsTest, CountersOfOneNameAreShownTogether) {
  Metrics metrics;
  const Metrics::Counter one = metrics.AddCounter("onhook_things_total", "Things.", {{"k", "1"}});
  metrics.AddCounter("onhook_others_total", "Others.", {});
  const Metrics::Counter two = metrics.AddCounter("onhook_things_total", "Things.", {{"k", "2"}});
  one.Increment();
  two.Add(5);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("onhook_things_total{k=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("onhook_things_total{k=\"2\"} 5\n"));
  EXPECT_EQ(text.find("# TYPE onhook_things_total"), text.rfind("# TYPE onhook_things_total"));
}

TEST(MetricsTest, AGaugeShowsWhatItWasSetToLast) {
  Metrics metrics;
  const Metrics::Gauge gauge = metrics.AddGauge("onhook_end_seconds", "The end.", {{"of", "it"}});
  EXPECT_THAT(metrics.Text(), HasSubstr("# TYPE onhook_end_seconds gauge\n"
                                        "onhook_end_seconds{of=\"it\"} 0\n"));
  gauge.Set(1893456001);
  EXPECT_THAT(metrics.Text(), HasSubstr("onhook_end_seconds{of=\"it\"} 1893456001\n"));
  metrics.AddGauge("onhook_end_seconds", "The end.", {{"of", "it"}}).Set(-1);
  EXPECT_THAT(metrics.Text(), HasSubstr("onhook_end_seconds{of=\"it\"} -1\n"));
  Metrics::Gauge().Set(1);
}

TEST(MetricsTest, TheSameNameAndLabelsAreTheSameCounter) {
  Metrics metrics;
  for (int i = 0; i < 3; ++i) metrics.AddCounter("onhook_things_total", "Things.", {}).Increment();
  EXPECT_THAT(metrics.Text(), HasSubstr("onhook_things_total 3\n"));
}

TEST(MetricsTest, ACounterOfNothingCountsNothing) { Metrics::Counter().Increment(); }

TEST(MetricsTest, AHistogramShowsHowManyValuesAreAtMostEachBound) {
  static constexpr double kBounds[] = {0.5, 2};
  Metrics metrics;
  const Metrics::Histogram histogram =
      metrics.AddHistogram("onhook_wait_seconds", "A wait.", {{"k", "1"}}, kBounds);
  for (const double value : {0.25, 0.5, 1.0, 3.0}) histogram.Observe(value);
  metrics.AddHistogram("onhook_wait_seconds", "A wait.", {{"k", "1"}}, kBounds).Observe(2);
  EXPECT_EQ(metrics.Text(),
            "# HELP onhook_wait_seconds A wait.\n"
            "# TYPE onhook_wait_seconds histogram\n"
            "onhook_wait_seconds_count{k=\"1\"} 5\n"
            "onhook_wait_seconds_sum{k=\"1\"} 6.75\n"
            "onhook_wait_seconds_bucket{k=\"1\",le=\"0.5\"} 2\n"
            "onhook_wait_seconds_bucket{k=\"1\",le=\"2\"} 4\n"
            "onhook_wait_seconds_bucket{k=\"1\",le=\"+Inf\"} 5\n");
  Metrics::Histogram().Observe(1);
}

TEST(MetricsTest, AReporterIsAskedWhenSomebodyAsks) {
  Metrics metrics;
  int asked = 0;
  const auto reporting = metrics.AddReporter([&asked](Metrics::Report& report) {
    report.AddGauge("onhook_askers", "Askers.", {{"k", "1"}}, ++asked);
    report.AddCounter("onhook_asked_total", "Asked.", {}, 10 * asked);
  });
  EXPECT_EQ(asked, 0);
  EXPECT_THAT(metrics.Text(), HasSubstr("onhook_askers{k=\"1\"} 1\n"));
  EXPECT_EQ(metrics.Text(),
            "# HELP onhook_asked_total Asked.\n"
            "# TYPE onhook_asked_total counter\n"
            "onhook_asked_total 20\n"
            "# HELP onhook_askers Askers.\n"
            "# TYPE onhook_askers gauge\n"
            "onhook_askers{k=\"1\"} 2\n");
}

TEST(MetricsTest, WhatSeveralReportersTellOfOneNameIsShownTogether) {
  Metrics metrics;
  const auto tell = [](const char* value) {
    return [value](Metrics::Report& report) {
      report.AddGauge("onhook_things", "Things.", {{"k", value}}, 1);
    };
  };
  const auto one = metrics.AddReporter(tell("1"));
  const auto two = metrics.AddReporter(tell("2"));
  EXPECT_EQ(metrics.Text(),
            "# HELP onhook_things Things.\n"
            "# TYPE onhook_things gauge\n"
            "onhook_things{k=\"1\"} 1\n"
            "onhook_things{k=\"2\"} 1\n");
}

TEST(MetricsTest, AReporterThatIsGoneIsNotAsked) {
  Metrics metrics;
  auto reporting = metrics.AddReporter(
      [](Metrics::Report& report) { report.AddGauge("onhook_things", "Things.", {}, 1); });
  reporting.reset();
  EXPECT_EQ(metrics.Text(), "");
}

TEST(MetricsTest, AReporterDoesNotGoWhileItIsAsked) {
  Metrics metrics;
  absl::Notification asked;
  absl::Notification go_on;
  std::atomic<bool> told{false};
  auto reporting = metrics.AddReporter([&](Metrics::Report&) {
    asked.Notify();
    go_on.WaitForNotification();
    told = true;
  });
  std::thread asker([&metrics] { metrics.Text(); });
  asked.WaitForNotification();
  std::thread other([&go_on] { go_on.Notify(); });
  reporting.reset();
  EXPECT_TRUE(told);
  asker.join();
  other.join();
}

TEST(MetricsTest, ALabelIsEscaped) {
  Metrics metrics;
  metrics.AddCounter("onhook_things_total", "Things.", {{"k", "a\"b\n"}});
  EXPECT_THAT(metrics.Text(), HasSubstr("onhook_things_total{k=\"a\\\"b\\n\"} 0\n"));
}

}  // namespace
}  // namespace onhook
