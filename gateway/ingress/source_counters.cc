#include "gateway/ingress/source_counters.h"

#include <cstddef>

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
  for (const char* outcome : kOutcomes) {
    outcomes_.push_back(metrics->AddCounter("onhook_callbacks_total",
                                            "Callbacks, by what their sender was told.",
                                            {{"source", source}, {"outcome", outcome}}));
  }
  for (const RejectionRule& rule : RejectionRules()) {
    rejections_.push_back(
        metrics->AddCounter("onhook_rejected_callbacks_total", "Callbacks that were not taken.",
                            {{"source", source}, {"reason", std::string(rule.label)}}));
  }
  for (const char* why : kNotKept) {
    not_kept_.push_back(metrics->AddCounter(
        "onhook_rejected_callbacks_not_kept_total",
        "Rejected callbacks that the quarantine did not take: too many came, or the disk was full.",
        {{"source", source}, {"reason", why}}));
  }
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
