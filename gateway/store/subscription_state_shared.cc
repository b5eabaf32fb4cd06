// A subscription that several gateways share: what arrives here, and what others settle.

#include <algorithm>
#include <utility>

#include "gateway/store/subscription_state.h"

namespace onhook {

bool SubscriptionState::Arrive(Sequence sequence, const Trials& trials, Moment now) {
  if (IsSettled(sequence)) return false;
  Record& record = records_[sequence];
  if (record.settled) return false;
  // It may have come again while it is here: whatever becomes of it goes on.
  if (std::exchange(record.here, true) || record.deciding > 0) return true;
  record.trials = trials;
  if (redriven_.Contains(sequence)) {
    record.reason = v1::Delivery::REDELIVERY_REASON_REDRIVEN;
  } else if (trials.attempts > 0) {
    record.reason = v1::Delivery::REDELIVERY_REASON_NACKED;
  } else if (sequence <= replayed_through_) {
    record.reason = v1::Delivery::REDELIVERY_REASON_SEEK;
  }
  record.due = now.elapsed + RestOf(trials, now);
  Settle(sequence, record, now);
  return true;
}

ConsumerId SubscriptionState::GiveUp(Sequence sequence) {
  const auto it = records_.find(sequence);
  if (it == records_.end()) return 0;
  Record& record = it->second;
  const ConsumerId freed = EndLease(sequence, record);
  if (record.phase == Phase::kWaiting) ClearTimer(sequence, record);
  ready_.Remove({sequence, sequence});
  suspects_.Remove({sequence, sequence});
  record.phase = Phase::kNone;
  record.here = false;
  if (record.deciding == 0) records_.erase(it);
  return freed;
}

std::vector<std::pair<Sequence, absl::Duration>> SubscriptionState::Idle(Moment now) const {
  std::vector<std::pair<Sequence, absl::Duration>> idle;
  for (const auto& [sequence, record] : records_) {
    if (record.phase != Phase::kReady && record.phase != Phase::kWaiting) continue;
    const bool rests = record.phase == Phase::kWaiting;
    idle.emplace_back(sequence, rests ? std::max(record.due - now.elapsed, absl::ZeroDuration())
                                      : absl::ZeroDuration());
  }
  std::sort(idle.begin(), idle.end());
  return idle;
}

ConsumerId SubscriptionState::ApplyElsewhere(Sequence sequence, Outcome outcome, int64_t epoch,
                                             bool* changed) {
  *changed = false;
  if (outcome == Outcome::kRetry) return 0;
  const bool parked = outcome == Outcome::kPark;
  if (epoch != epoch_) {
    // As of a decision of ours from before a seek.
    *changed = parked || dead_letters_.Contains(sequence) || redriven_.Contains(sequence);
    Decision decision;
    decision.sequence = sequence;
    decision.outcome = outcome;
    decision.ends_dead_letter = true;
    FinishFromBeforeSeek(decision, /*committed=*/true);
    return 0;
  }
  if (IsSettled(sequence)) {
    if (parked || !dead_letters_.Contains(sequence)) return 0;
    dead_letters_.Remove({sequence, sequence});  // it was processed after all
    *changed = true;
    return 0;
  }
  *changed = true;
  ConsumerId freed = 0;
  const auto it = records_.find(sequence);
  if (it != records_.end()) {
    Record& record = it->second;
    freed = EndLease(sequence, record);
    if (record.phase == Phase::kWaiting) ClearTimer(sequence, record);
    ready_.Remove({sequence, sequence});
    suspects_.Remove({sequence, sequence});
    record.phase = Phase::kNone;
    record.settled = true;
    if (record.deciding == 0) records_.erase(it);
  }
  MarkSettled(sequence, parked);
  return freed;
}

void SubscriptionState::SettleSpared(const SequenceSet& sequences, std::vector<ConsumerId>* freed) {
  for (const auto& [first, last] : sequences.runs()) {
    // Runs of millions are usual here; what has a record is rare.
    for (Sequence sequence : RecordsWithin({first, last})) {
      if (redriven_.Contains(sequence)) continue;
      bool changed = false;
      freed->push_back(ApplyElsewhere(sequence, Outcome::kSettle, epoch_, &changed));
    }
    const Sequence from = std::max(first, floor_ + 1);
    if (from > last) continue;
    settled_.Add({from, last});
    floor_ = settled_.NextMissing(floor_) - 1;
    settled_.RemoveThrough(floor_);
  }
  SkipKnown();
}

std::vector<Sequence> SubscriptionState::RecordsWithin(SequenceRange range) const {
  std::vector<Sequence> within;
  if (range.last - range.first < static_cast<Sequence>(records_.size())) {
    for (Sequence sequence = range.first; sequence <= range.last; ++sequence) {
      if (records_.contains(sequence)) within.push_back(sequence);
    }
    return within;
  }
  for (const auto& [sequence, record] : records_) {
    if (sequence >= range.first && sequence <= range.last) within.push_back(sequence);
  }
  return within;
}

}  // namespace onhook
