#include "gateway/store/decision_words.h"

namespace onhook {

using Entry = v1::TimelineEntry;

std::string WordsFor(const SubscriptionState::Decision& decision, const std::string& reason) {
  if (!reason.empty()) return reason;
  switch (decision.kind) {
    case Entry::KIND_DEADLINE_EXPIRED:
      return "not settled within its deadline";
    case Entry::KIND_STREAM_LOST:
      return "its stream was lost while it was alone there";
    case Entry::KIND_PARKED:
      return "its stored bytes do not fit their checksum";
    default:
      return "";
  }
}

v1::DeadLetter::Reason ReasonOf(const SubscriptionState::Decision& decision) {
  if (decision.kind == Entry::KIND_PARKED) return v1::DeadLetter::REASON_CORRUPT;
  return decision.requested ? v1::DeadLetter::REASON_REQUESTED
                            : v1::DeadLetter::REASON_ATTEMPTS_EXHAUSTED;
}

}  // namespace onhook
