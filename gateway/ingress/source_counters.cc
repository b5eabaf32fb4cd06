#include "gateway/ingress/source_counters.h"

namespace onhook {
namespace {

// In the order of their enums.
constexpr const char* kOutcomes[] = {"success", "not_forwarded", "not_stored", "rejected"};
constexpr const char* kNotKept[] = {"rate", "disk"};

}  // namespace

SourceCounters::SourceCounters(const std::string& source, Metrics* metrics)
    : unverified_(
          metrics->AddCounter("onhook_unverified_callbacks_total",
                              "Callbacks that were accepted though their signature did not verify.",
                              {{"source", source}})),
      duplicates_(metrics->AddCounter("onhook_events_duplicate_total",
                                      "Callbacks whose event was stored already.",
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
        "Rejected callbacks that the quarantine did not take: too many came, or the disk was full.",
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

void SourceCounters::CountNotKept(NotKept why) const {
  not_kept_[static_cast<size_t>(why)].Increment();
}

}  // namespace onhook
