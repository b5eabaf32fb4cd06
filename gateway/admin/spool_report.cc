#include "gateway/admin/spool_report.h"

#include <cstdint>

#include "absl/time/time.h"

namespace onhook {
namespace {

double Number(int64_t number) { return static_cast<double>(number); }

}  // namespace

void ReportSpool(const SpoolStats& stats, Metrics::Report& report) {
  report.AddGauge("onhook_spool_events", "Events in the spool that are still to be moved.", {},
                  Number(stats.events));
  report.AddGauge("onhook_spool_bytes", "What the spool's files take.", {}, Number(stats.bytes));
  report.AddGauge("onhook_spool_damaged_events",
                  "Events of the spool that cannot be read, or that the servers never take, and "
                  "are kept aside.",
                  {}, Number(stats.damaged));
  if (stats.oldest_age.has_value()) {
    report.AddGauge("onhook_spool_oldest_age_seconds",
                    "Time since the receipt of the oldest event that is to be moved; 0 if there is "
                    "none.",
                    {}, absl::ToDoubleSeconds(*stats.oldest_age));
  }
  report.AddCounter("onhook_spool_spooled_total", "Events that were put into the spool.", {},
                    Number(stats.spooled_total));
  report.AddCounter("onhook_spool_moved_total", "Events that left the spool for the main store.",
                    {}, Number(stats.moved_total));
  report.AddCounter("onhook_spool_conflicts_total",
                    "Events that left the spool for the quarantine, since their nonce went with "
                    "another content.",
                    {}, Number(stats.conflicts_total));
  report.AddGauge("onhook_spool_main_open", "1 once the main store has been reached, else 0.", {},
                  stats.main_open ? 1 : 0);
  report.AddGauge("onhook_spool_bypassing",
                  "1 while callbacks go to the spool without trying the main store, else 0.", {},
                  !stats.main_open || stats.circuit_open ? 1 : 0);
}

}  // namespace onhook
