#include "gateway/ingress/source_counters.h"

#include <algorithm>

namespace onhook {
namespace {

// In the order of their enums.
constexpr const char* kOutcomes[] = {"success", "not_forwarded", "not_stored", "rejected"};
constexpr const char* kNotKept[] = {"rate", "disk", "size"};

// In seconds. A callback waits for a commit, then for a subscriber; what the vendor has not heard
// of after some seconds it repeats.
constexpr double kDurationBounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                      0.1,    0.25,  0.5,    1,     2.5,  5,     10};
// In seconds. Whole hours show a source's wrong time zone.
constexpr double kVendorDelayBounds[] = {0.1, 0.25, 0.5, 1,    2.5,    5,      10,    30,
                                         60,  300,  900, 3600, 14'400, 28'800, 86'400};

}  // namespace

SourceCounters::SourceCounters(const std::string& source, Metrics* metrics)
    : unverified_(
          metrics->AddCounter("onhook_unverified_callbacks_total",
                              "Callbacks that were accepted though their signature did not verify.",
                              {{"source", source}})),
      duplicates_(metrics->AddCounter("onhook_events_duplicate_total",
                                      "Callbacks whose event was stored already.",
                                      {{"source", source}})),
      durations_(metrics->AddHistogram(
          "onhook_callback_duration_seconds",
          "Time from the last byte of a callback to its answer, with the wait for a receipt.",
          {{"source", source}}, kDurationBounds)),
      vendor_delays_(metrics->AddHistogram(
          "onhook_vendor_delay_seconds",
          "Time from a call's end, as the vendor tells it, to the first receipt of its event.",
          {{"source", source}}, kVendorDelayBounds)),
      vendor_ahead_(metrics->AddCounter(
          "onhook_vendor_clock_ahead_total",
          "Events whose call ended, as the vendor tells it, after they were received.",
          {{"source", source}})) {
  for (size_t i = 0; i < outcomes_.size(); ++i) {
    Show(static_cast<CallbackOutcome>(i), source, metrics);
  }
  for (const RejectionRule& rule : RejectionRules()) {
    // What meets no path meets no source.
    if (rule.reason != RejectionReason::kPath) Show(rule.reason, source, metrics);
  }
  for (size_t i = 0; i < not_kept_.size(); ++i) {
    not_kept_[i] = metrics->AddCounter(
        "onhook_rejected_callbacks_not_kept_total",
        "Rejected callbacks that the quarantine did not take: too many came, the store had no room "
        "or did not answer, or they are larger than it ever takes.",
        {{"source", source}, {"reason", kNotKept[i]}});
  }
}

SourceCounters SourceCounters::OfNoSource(Metrics* metrics) {
  SourceCounters counters;
  counters.Show(CallbackOutcome::kRejected, "", metrics);
  counters.Show(RejectionReason::kPath, "", metrics);
  return counters;
}

void SourceCounters::Show(CallbackOutcome outcome, const std::string& source, Metrics* metrics) {
  const auto i = static_cast<size_t>(outcome);
  outcomes_[i] =
      metrics->AddCounter("onhook_callbacks_total", "Callbacks, by what their sender was told.",
                          {{"source", source}, {"outcome", kOutcomes[i]}});
}

void SourceCounters::Show(RejectionReason reason, const std::string& source, Metrics* metrics) {
  rejections_[static_cast<size_t>(reason)] =
      metrics->AddCounter("onhook_rejected_callbacks_total", "Callbacks that were not taken.",
                          {{"source", source}, {"reason", std::string(RuleOf(reason).label)}});
}

void SourceCounters::Count(CallbackOutcome outcome) const {
  outcomes_[static_cast<size_t>(outcome)].Increment();
}

void SourceCounters::CountRejection(RejectionReason reason) const {
  rejections_[static_cast<size_t>(reason)].Increment();
}

void SourceCounters::CountDuration(absl::Duration duration) const {
  durations_.Observe(absl::ToDoubleSeconds(duration));
}

void SourceCounters::CountVendorDelay(absl::Duration delay) const {
  if (delay < absl::ZeroDuration()) vendor_ahead_.Increment();
  vendor_delays_.Observe(absl::ToDoubleSeconds(std::max(delay, absl::ZeroDuration())));
}

void SourceCounters::CountNotKept(NotKept why) const {
  not_kept_[static_cast<size_t>(why)].Increment();
}

}  // namespace onhook
