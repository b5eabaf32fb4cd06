// What ends deliveries: decisions, begun and finished; dead letters; seeks.

#include <algorithm>
#include <limits>
#include <utility>

#include "gateway/store/subscription_state.h"

namespace onhook {

// ------------------------------------------------------------------------------------- deciding

std::optional<SubscriptionState::Decision> SubscriptionState::BeginSettling(
    Sequence sequence, v1::TimelineEntry::Kind kind) {
  if (IsSettled(sequence)) return std::nullopt;
  Record& record = Take(sequence);
  if (record.settled) return std::nullopt;
  ++record.deciding;
  Decision decision;
  decision.sequence = sequence;
  decision.outcome = Outcome::kSettle;
  decision.kind = kind;
  decision.attempt = record.lease == 0 ? 0 : record.trials.attempts + 1;
  decision.consumer = record.holder;
  decision.ends_dead_letter =
      record.parking || dead_letters_.Contains(sequence) || redriven_.Contains(sequence);
  decision.epoch = epoch_;
  decision.redriven = IsSettledInLog(sequence);
  return decision;
}

std::optional<SubscriptionState::Decision> SubscriptionState::BeginAck(Sequence sequence) {
  if (!IsSettled(sequence) || !dead_letters_.Contains(sequence)) {
    return BeginSettling(sequence, v1::TimelineEntry::KIND_ACKED);
  }
  Record& record = records_[sequence];
  record.settled = true;
  ++record.deciding;
  Decision decision;
  decision.sequence = sequence;
  decision.kind = v1::TimelineEntry::KIND_ACKED;
  decision.ends_dead_letter = true;
  decision.epoch = epoch_;
  decision.redriven = true;
  return decision;
}

std::optional<SubscriptionState::Decision> SubscriptionState::BeginSkip(Sequence sequence,
                                                                        LeaseNumber lease) {
  if (!IsLatest(sequence, lease)) return std::nullopt;
  return BeginSettling(sequence, v1::TimelineEntry::KIND_SKIPPED);
}

std::optional<SubscriptionState::Decision> SubscriptionState::BeginNack(
    Sequence sequence, LeaseNumber lease, SettleRequest::Action action,
    std::optional<absl::Duration> delay, Moment now) {
  if (!IsLatest(sequence, lease)) return std::nullopt;
  Record& record = Take(sequence);
  Decision decision = Failed(sequence, record, v1::TimelineEntry::KIND_NACKED, delay, now);
  decision.trials.last_ended = lease;
  decision.requested = action == SettleRequest::Action::kPark;
  if (decision.requested) decision.outcome = Outcome::kPark;
  record.parking = decision.outcome == Outcome::kPark;
  return decision;
}

std::optional<ConsumerId> SubscriptionState::ReleaseLease(Sequence sequence, LeaseNumber lease,
                                                          Moment now) {
  if (!IsLatest(sequence, lease)) return std::nullopt;
  Record& record = Take(sequence);
  record.trials.last_ended = lease;
  KeepFromHolder(record, now.elapsed);
  const ConsumerId freed = EndLease(sequence, record);
  record.reason = v1::Delivery::REDELIVERY_REASON_RELEASED;
  record.due = now.elapsed;
  Settle(sequence, record, now);
  return freed;
}

ConsumerId SubscriptionState::Finish(const Decision& decision, bool committed, Moment now) {
  const Sequence sequence = decision.sequence;
  if (decision.epoch != epoch_) {
    FinishFromBeforeSeek(decision, committed);
    return 0;
  }
  Record& record = records_.at(sequence);
  --record.deciding;
  record.parking = record.parking && decision.outcome != Outcome::kPark;
  ConsumerId freed = 0;
  const bool nacked = decision.kind == v1::TimelineEntry::KIND_NACKED;
  if (committed && decision.outcome != Outcome::kRetry && !record.settled) {
    freed = EndLease(sequence, record);
    record.settled = true;
    MarkSettled(sequence, decision.outcome == Outcome::kPark);
  } else if (committed && decision.ends_dead_letter) {
    dead_letters_.Remove({sequence, sequence});
  } else if (committed && nacked && !record.settled) {
    freed = EndLease(sequence, record);
    record.trials = decision.trials;
    record.due = decision.due;
    record.reason = v1::Delivery::REDELIVERY_REASON_NACKED;
  }
  if (record.deciding > 0) return freed;
  if (record.settled || (shared_ && !record.here)) {
    records_.erase(sequence);
  } else {
    Settle(sequence, record, now);
  }
  return freed;
}

void SubscriptionState::FinishFromBeforeSeek(const Decision& decision, bool committed) {
  // Seeks leave dead letters alone, so what was decided about one stays true.
  if (!committed || decision.outcome == Outcome::kRetry) return;
  const Sequence sequence = decision.sequence;
  if (decision.outcome == Outcome::kPark) {
    dead_letters_.Add(sequence);
  } else if (decision.ends_dead_letter) {
    dead_letters_.Remove({sequence, sequence});
  }
  if (!redriven_.Contains(sequence)) return;
  RemoveRedriven(sequence);
  if (!IsSettled(sequence)) return;  // the seek made it owed
  ready_.Remove({sequence, sequence});
  const auto it = records_.find(sequence);
  if (it == records_.end()) return;
  Take(sequence);
  EndLease(sequence, it->second);
  it->second.settled = true;
  if (it->second.deciding == 0) records_.erase(it);
}

SequenceSet SubscriptionState::Drop(Sequence through) {
  if (through <= floor_) return {};
  SequenceSet dropped = settled_.Missing({floor_ + 1, through});
  for (const auto& [first, last] : redriven_.runs()) {
    if (last > floor_ && first <= through) dropped.Remove({first, last});
  }
  std::vector<Sequence> idle;
  for (const auto& [sequence, record] : records_) {
    if (!dropped.Contains(sequence)) continue;
    if (record.phase == Phase::kLeased || record.deciding > 0) {
      dropped.Remove({sequence, sequence});
    } else {
      idle.push_back(sequence);
    }
  }
  for (const Sequence sequence : idle) {
    Take(sequence);
    records_.erase(sequence);
  }
  for (const auto& [first, last] : dropped.runs()) {
    ready_.Remove({first, last});
    settled_.Add({first, last});
  }
  next_fresh_ = std::max(next_fresh_, through + 1);
  floor_ = settled_.NextMissing(floor_) - 1;
  settled_.RemoveThrough(floor_);
  SkipKnown();
  return dropped;
}

// ------------------------------------------------------------------------ dead letters and moving

void SubscriptionState::Redrive(Sequence sequence) {
  if (!dead_letters_.Contains(sequence)) return;
  const bool was_settled = IsSettled(sequence);
  dead_letters_.Remove({sequence, sequence});
  AddRedriven(sequence);
  const auto it = records_.find(sequence);
  if (it == records_.end()) {
    if (shared_) return;
    ready_.Add(sequence);
    SkipKnown();
  } else if (was_settled) {
    // Its decisions are under way still: the last one of them makes it ready, or settles it.
    const int32_t deciding = it->second.deciding;
    it->second = Record();
    it->second.deciding = deciding;
  }
}

void SubscriptionState::ForgetLettersBehind(Sequence last) {
  const SequenceRange others{last + 1, std::numeric_limits<Sequence>::max()};
  dead_letters_.Remove(others);
  redriven_.Remove(others);
}

void SubscriptionState::Seek(Sequence after) {
  replayed_through_ = std::max(replayed_through_, next_fresh_ - 1);
  ++epoch_;
  records_.clear();
  timers_.clear();
  suspects_ = SequenceSet();
  ordinary_left_ = 0;
  accounts_.Clear();
  ready_ = shared_ ? SequenceSet() : redriven_;
  floor_ = after;
  settled_ = SequenceSet();
  next_fresh_ = after + 1;
  redriven_settled_ = 0;
  for (const auto& [first, last] : redriven_.runs()) {
    redriven_settled_ += std::max<int64_t>(std::min(last, floor_) - first + 1, 0);
  }
  SkipKnown();
}

SequenceSet SubscriptionState::Unsettled(Sequence after) const {
  return after <= floor_ ? SequenceSet() : settled_.Missing({floor_ + 1, after});
}

bool SubscriptionState::IsSettled(Sequence sequence) const {
  return IsSettledInLog(sequence) && !redriven_.Contains(sequence);
}

int64_t SubscriptionState::Backlog(Sequence last) const {
  return std::max<int64_t>(last - floor_ - settled_.size(), 0) + redriven_settled_;
}

Sequence SubscriptionState::OldestUnsettled(Sequence last) const {
  const Sequence in_log = floor_ < last ? floor_ + 1 : 0;
  const Sequence again = redriven_.NextMember(0);
  if (in_log == 0 || again == 0) return std::max(in_log, again);
  return std::min(in_log, again);
}

ConsumerId SubscriptionState::HolderOf(Sequence sequence) const {
  const auto it = records_.find(sequence);
  return it == records_.end() ? 0 : it->second.holder;
}

// ------------------------------------------------------------------------------------- records

SubscriptionState::Decision SubscriptionState::Failed(Sequence sequence, Record& record,
                                                      v1::TimelineEntry::Kind kind,
                                                      std::optional<absl::Duration> delay,
                                                      Moment now) {
  Decision decision;
  decision.sequence = sequence;
  decision.kind = kind;
  decision.consumer = record.holder;
  decision.epoch = epoch_;
  decision.redriven = IsSettledInLog(sequence);
  decision.trials = record.trials;
  decision.trials.first_attempt_at = std::min(record.trials.first_attempt_at, now.wall);
  decision.trials.last_ended = record.lease;
  decision.attempt = ++decision.trials.attempts;
  const absl::Duration rest = delay.value_or(backoff_.After(decision.attempt));
  decision.trials.retry_at = now.wall + rest;
  decision.due = now.elapsed + rest;
  const bool exhausted = rules_.max_delivery_attempts.has_value() &&
                         decision.attempt >= *rules_.max_delivery_attempts &&
                         now.wall - decision.trials.first_attempt_at >= rules_.minimum_retry_time;
  decision.outcome = exhausted ? Outcome::kPark : Outcome::kRetry;
  ++record.deciding;
  if (kind == v1::TimelineEntry::KIND_NACKED) return decision;  // its consumer has it till then
  // Whatever becomes of the commit, this attempt is over.
  record.parking = exhausted;
  record.trials = decision.trials;
  const absl::Duration due = exhausted ? now.elapsed + kAgain : decision.due;
  KeepFromHolder(record, due);
  EndLease(sequence, record);
  record.due = due;
  record.reason = kind == v1::TimelineEntry::KIND_STREAM_LOST
                      ? v1::Delivery::REDELIVERY_REASON_STREAM_LOST
                      : v1::Delivery::REDELIVERY_REASON_DEADLINE_EXPIRED;
  return decision;
}

void SubscriptionState::MarkSettled(Sequence sequence, bool parked) {
  RemoveRedriven(sequence);
  if (parked) {
    dead_letters_.Add(sequence);
  } else {
    dead_letters_.Remove({sequence, sequence});
  }
  SettleInLog(sequence);
}

void SubscriptionState::AddRedriven(Sequence sequence) {
  if (redriven_.Contains(sequence)) return;
  redriven_.Add(sequence);
  redriven_settled_ += IsSettledInLog(sequence) ? 1 : 0;
}

void SubscriptionState::RemoveRedriven(Sequence sequence) {
  if (!redriven_.Contains(sequence)) return;
  redriven_.Remove({sequence, sequence});
  redriven_settled_ -= IsSettledInLog(sequence) ? 1 : 0;
}

void SubscriptionState::SettleInLog(Sequence sequence) {
  if (sequence == floor_ + 1) {
    floor_ = settled_.NextMissing(sequence) - 1;
    settled_.RemoveThrough(floor_);
  } else if (sequence > floor_) {
    settled_.Add(sequence);
  }
}

bool SubscriptionState::IsLatest(Sequence sequence, LeaseNumber lease) const {
  if (IsSettled(sequence)) return false;
  const auto it = records_.find(sequence);
  // From before a restart.
  if (it == records_.end()) return !shared_ && lease < first_lease_;
  const Record& record = it->second;
  if (record.settled || record.deciding > 0 || lease <= record.trials.last_ended) return false;
  return record.lease == 0 ? !shared_ && lease < first_lease_ : lease == record.lease;
}

}  // namespace onhook
