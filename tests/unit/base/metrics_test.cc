#include "gateway/base/metrics.h"

#include <string>

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

TEST(MetricsTest, ALabelIsEscaped) {
  Metrics metrics;
  metrics.AddCounter("onhook_things_total", "Things.", {{"k", "a\"b\n"}});
  EXPECT_THAT(metrics.Text(), HasSubstr("onhook_things_total{k=\"a\\\"b\\n\"} 0\n"));
}

}  // namespace
}  // namespace onhook
