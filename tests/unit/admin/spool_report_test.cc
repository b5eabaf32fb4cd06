#include "gateway/admin/spool_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/metrics_text.h"

namespace onhook {
namespace {

MetricsText Shown(const SpoolStats& stats) {
  Metrics metrics;
  const auto reporting =
      metrics.AddReporter([&stats](Metrics::Report& report) { ReportSpool(stats, report); });
  MetricsText shown(metrics.Text());
  EXPECT_THAT(shown.faults(), ::testing::IsEmpty());
  return shown;
}

TEST(SpoolReportTest, EachNumberIsShown) {
  SpoolStats stats;
  stats.events = 1;
  stats.bytes = 2;
  stats.damaged = 3;
  stats.oldest_age = absl::Milliseconds(4500);
  stats.spooled_total = 5;
  stats.moved_total = 6;
  stats.conflicts_total = 7;
  stats.main_open = true;
  const MetricsText shown = Shown(stats);
  EXPECT_EQ(shown.Value("onhook_spool_events", {}), 1);
  EXPECT_EQ(shown.Value("onhook_spool_bytes", {}), 2);
  EXPECT_EQ(shown.Value("onhook_spool_damaged_events", {}), 3);
  EXPECT_EQ(shown.Value("onhook_spool_oldest_age_seconds", {}), 4.5);
  EXPECT_EQ(shown.Value("onhook_spool_spooled_total", {}), 5);
  EXPECT_EQ(shown.Value("onhook_spool_moved_total", {}), 6);
  EXPECT_EQ(shown.Value("onhook_spool_conflicts_total", {}), 7);
  EXPECT_EQ(shown.Value("onhook_spool_main_open", {}), 1);
  EXPECT_EQ(shown.Value("onhook_spool_bypassing", {}), 0);
}

TEST(SpoolReportTest, AMainStoreThatIsAwayIsBypassedWhetherItWasReachedOrNot) {
  SpoolStats never_reached;
  EXPECT_EQ(Shown(never_reached).Value("onhook_spool_bypassing", {}), 1);
  SpoolStats gone;
  gone.main_open = true;
  gone.circuit_open = true;
  EXPECT_EQ(Shown(gone).Value("onhook_spool_bypassing", {}), 1);
}

TEST(SpoolReportTest, AnAgeThatIsNotKnownIsNotShown) {
  EXPECT_FALSE(Shown(SpoolStats()).Find("onhook_spool_oldest_age_seconds").has_value());
}

}  // namespace
}  // namespace onhook
