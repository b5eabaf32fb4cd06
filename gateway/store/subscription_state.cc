#include "gateway/store/subscription_state.h"

#include <algorithm>
#include <utility>

#include "absl/base/macros.h"

namespace onhook {
namespace {

// For what could not be parked, and for a lease that is over while it is decided about.
constexpr absl::Duration kAgain = absl::Seconds(1);
// How long a released event is kept for another consumer.
constexpr absl::Duration kAvoidance = absl::Seconds(1);
// Released events that are passed over in search of one for another consumer.
constexpr int kMostAvoided = 64;

}  // namespace

SubscriptionState::SubscriptionState(Beginning beginning, const SubscriptionRules& rules,
                                     uint64_t seed, Moment now)
    : rules_(rules),
      backoff_(seed),
      first_lease_(beginning.first_lease),
      next_lease_(beginning.first_lease),
      paused_(beginning.paused),
      floor_(beginning.settled.NextMissing(beginning.floor) - 1),
      settled_(std::move(beginning.settled)),
      next_fresh_(floor_ + 1),
      replayed_through_(beginning.replayed_through),
      dead_letters_(std::move(beginning.dead_letters)),
      redriven_(std::move(beginning.redriven)) {
  settled_.RemoveThrough(floor_);
  for (const auto& [first, last] : redriven_.runs()) ready_.Add({first, last});
  for (const auto& [sequence, trials] : beginning.tried) {
    if (IsSettled(sequence)) continue;
    Record& record = Take(sequence);
    record.trials = trials;
    record.reason = v1::Delivery::REDELIVERY_REASON_STREAM_LOST;  // by the restart
    record.due = now.elapsed + std::max(trials.retry_at - now.wall, absl::ZeroDuration());
    Settle(sequence, record, now);
  }
  SkipKnown();
}

// ------------------------------------------------------------------------------------ consumers

std::vector<SubscriptionState::Decision> SubscriptionState::Detach(ConsumerId consumer,
                                                                   Departure departure,
                                                                   Moment now) {
  std::vector<Decision> decisions;
  std::vector<Sequence> held;
  if (accounts_.EventsOf(consumer) > 0) {
    for (const auto& [sequence, record] : records_) {
      if (record.holder == consumer) held.push_back(sequence);
    }
  }
  for (const Sequence sequence : held) {
    Record& record = records_.at(sequence);
    if (departure == Departure::kLost && record.alone && record.deciding == 0) {
      decisions.push_back(
          Failed(sequence, record, v1::TimelineEntry::KIND_STREAM_LOST, std::nullopt, now));
      continue;
    }
    EndLease(sequence, record);
    record.due = now.elapsed;
    record.reason = v1::Delivery::REDELIVERY_REASON_RELEASED;
    if (departure == Departure::kLost) {
      record.reason = v1::Delivery::REDELIVERY_REASON_STREAM_LOST;
      if (record.deciding == 0) ++record.losses;
    }
    Settle(sequence, record, now);
  }
  accounts_.Detach(consumer);
  return decisions;
}

// ---------------------------------------------------------------------------------- handing out

std::optional<SubscriptionState::Next> SubscriptionState::ChooseNext(Sequence last,
                                                                     ConsumerId consumer,
                                                                     Moment now) {
  if (paused_ || !accounts_.HasCredit(consumer, 1)) return std::nullopt;
  if (!suspects_.empty() && accounts_.alone() == 0) {
    if (accounts_.EventsOf(consumer) == 0) return Next{suspects_.NextMember(0), From::kSuspect};
    if (accounts_.reserved() == 0) {
      accounts_.SetReserved(consumer);
      return std::nullopt;
    }
  }
  Sequence ready = ready_.NextMember(0);
  for (int passed = 0; ready != 0 && passed < kMostAvoided; ++passed) {
    const auto record = records_.find(ready);
    const bool avoided = record != records_.end() && record->second.avoid == consumer &&
                         record->second.avoid_until > now.elapsed && accounts_.HasOther(consumer);
    if (!avoided) return Next{ready, From::kReady};
    ready = ready_.NextMember(ready);
  }
  if (!HasFreshFor(last)) return std::nullopt;
  return Next{next_fresh_, From::kFresh};
}

SubscriptionState::Handed SubscriptionState::Lease(const Next& next, ConsumerId consumer,
                                                   int64_t bytes, Moment now) {
  using Delivery = v1::Delivery;
  Handed handed;
  const bool is_new = !records_.contains(next.sequence);
  Record& record = Take(next.sequence);
  if (is_new && redriven_.Contains(next.sequence)) {
    record.reason = Delivery::REDELIVERY_REASON_REDRIVEN;
  } else if (is_new && next.sequence <= replayed_through_) {
    record.reason = Delivery::REDELIVERY_REASON_SEEK;
  }
  accounts_.Add(consumer, bytes);
  record.holder = consumer;
  record.bytes = bytes;
  record.avoid = 0;
  record.lease = next_lease_++;
  record.alone = next.from == From::kSuspect;
  if (record.alone) {
    if (accounts_.reserved() != consumer) handed.unreserved = accounts_.reserved();
    accounts_.SetReserved(0);
    accounts_.SetAlone(consumer);
  }
  record.trials.first_attempt_at = std::min(record.trials.first_attempt_at, now.wall);
  handed.lease = record.lease;
  handed.attempt = record.trials.attempts + 1;
  handed.reason = record.reason;
  handed.ack_deadline = accounts_.DeadlineOf(consumer).value_or(rules_.ack_deadline);
  if (record.reason != Delivery::REDELIVERY_REASON_UNSPECIFIED) ++redeliveries_;
  SetTimer(next.sequence, record, Phase::kLeased, now.elapsed + handed.ack_deadline);
  return handed;
}

void SubscriptionState::Exclude(Sequence sequence) {
  ABSL_ASSERT(sequence == next_fresh_);
  MarkSettled(sequence, /*parked=*/false);
  SkipKnown();
}

SubscriptionState::Decision SubscriptionState::BeginParkingCorrupt(const Next& next, Moment now) {
  Record& record = Take(next.sequence);
  record.due = now.elapsed + kAgain;  // if it cannot be parked now
  record.parking = true;
  ++record.deciding;
  Decision decision;
  decision.sequence = next.sequence;
  decision.outcome = Outcome::kPark;
  decision.kind = v1::TimelineEntry::KIND_PARKED;
  decision.trials = record.trials;
  decision.epoch = epoch_;
  decision.redriven = IsSettledInLog(next.sequence);
  return decision;
}

bool SubscriptionState::OwesSomething(Sequence last) const {
  if (paused_) return false;
  if (!ready_.empty() || (!suspects_.empty() && accounts_.alone() == 0)) return true;
  return HasFreshFor(last);
}

std::vector<SubscriptionState::Decision> SubscriptionState::Advance(Moment now) {
  std::vector<Decision> decisions;
  while (!timers_.empty() && timers_.begin()->first <= now.elapsed) {
    const Sequence sequence = timers_.begin()->second;
    Record& record = records_.at(sequence);
    if (record.phase == Phase::kWaiting) {
      ClearTimer(sequence, record);
      MakeReady(sequence, record);
    } else if (record.deciding > 0) {
      SetTimer(sequence, record, Phase::kLeased, now.elapsed + kAgain);
    } else {
      decisions.push_back(
          Failed(sequence, record, v1::TimelineEntry::KIND_DEADLINE_EXPIRED, std::nullopt, now));
    }
  }
  return decisions;
}

absl::Duration SubscriptionState::NextDue() const {
  return timers_.empty() ? absl::InfiniteDuration() : timers_.begin()->first;
}

bool SubscriptionState::Extend(Sequence sequence, LeaseNumber lease, absl::Duration ack_deadline,
                               Moment now) {
  const auto it = records_.find(sequence);
  if (it == records_.end() || it->second.phase != Phase::kLeased || it->second.lease != lease) {
    return false;
  }
  SetTimer(sequence, it->second, Phase::kLeased, now.elapsed + ack_deadline);
  return true;
}

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

std::optional<SubscriptionState::Decision> SubscriptionState::BeginNack(
    Sequence sequence, LeaseNumber lease, SettleRequest::Action action,
    std::optional<absl::Duration> delay, Moment now) {
  if (IsSettled(sequence)) return std::nullopt;
  const auto it = records_.find(sequence);
  if (!IsLatest(it == records_.end() ? nullptr : &it->second, lease)) return std::nullopt;
  Record& record = Take(sequence);
  Decision decision = Failed(sequence, record, v1::TimelineEntry::KIND_NACKED, delay, now);
  decision.trials.last_ended = lease;
  decision.requested = action == SettleRequest::Action::kPark;
  if (decision.requested) decision.outcome = Outcome::kPark;
  record.parking = decision.outcome == Outcome::kPark;
  return decision;
}

bool SubscriptionState::ReleaseLease(Sequence sequence, LeaseNumber lease, Moment now) {
  if (IsSettled(sequence)) return false;
  const auto it = records_.find(sequence);
  if (!IsLatest(it == records_.end() ? nullptr : &it->second, lease)) return false;
  Record& record = Take(sequence);
  record.trials.last_ended = lease;
  record.avoid = EndLease(sequence, record);
  record.avoid_until = now.elapsed + kAvoidance;
  record.reason = v1::Delivery::REDELIVERY_REASON_RELEASED;
  record.due = now.elapsed;
  Settle(sequence, record, now);
  return true;
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
    record.due = now.elapsed + std::max(decision.trials.retry_at - now.wall, absl::ZeroDuration());
    record.reason = v1::Delivery::REDELIVERY_REASON_NACKED;
  }
  if (record.deciding > 0) return freed;
  if (record.settled) {
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
  if (decision.outcome == Outcome::kPark) dead_letters_.Add(sequence);
  if (!redriven_.Contains(sequence)) return;
  redriven_.Remove({sequence, sequence});
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
  redriven_.Add(sequence);
  // Else a seek has made it owed before, and it is wherever that put it.
  if (was_settled) {
    records_.erase(sequence);
    ready_.Add(sequence);
  }
}

void SubscriptionState::Seek(Sequence after) {
  replayed_through_ = std::max(replayed_through_, next_fresh_ - 1);
  ++epoch_;
  records_.clear();
  timers_.clear();
  suspects_ = SequenceSet();
  accounts_.Clear();
  ready_ = redriven_;
  floor_ = after;
  settled_ = SequenceSet();
  next_fresh_ = after + 1;
  SkipKnown();
}

SequenceSet SubscriptionState::Unsettled(Sequence after) const {
  return after <= floor_ ? SequenceSet() : settled_.Missing({floor_ + 1, after});
}

bool SubscriptionState::IsSettled(Sequence sequence) const {
  return IsSettledInLog(sequence) && !redriven_.Contains(sequence);
}

int64_t SubscriptionState::Backlog(Sequence last) const {
  int64_t backlog = std::max<int64_t>(last - floor_ - settled_.size(), 0);
  for (const auto& [first, end] : redriven_.runs()) {
    backlog += std::max<int64_t>(std::min(end, floor_) - first + 1, 0);
    for (Sequence member = std::max(first, floor_ + 1); member <= end; ++member) {
      if (settled_.Contains(member)) ++backlog;
    }
  }
  return backlog;
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

void SubscriptionState::SkipKnown() {
  next_fresh_ = std::max(next_fresh_, floor_ + 1);
  while (true) {
    if (records_.contains(next_fresh_) || ready_.Contains(next_fresh_)) {
      ++next_fresh_;
    } else if (settled_.Contains(next_fresh_)) {
      next_fresh_ = settled_.NextMissing(next_fresh_);
    } else {
      return;
    }
  }
}

SubscriptionState::Record& SubscriptionState::Take(Sequence sequence) {
  Record& record = records_[sequence];
  if (record.phase == Phase::kWaiting) ClearTimer(sequence, record);
  if (record.phase != Phase::kLeased) {
    record.phase = Phase::kNone;
    ready_.Remove({sequence, sequence});
    suspects_.Remove({sequence, sequence});
    if (suspects_.empty()) accounts_.SetReserved(0);
  }
  if (sequence == next_fresh_) SkipKnown();
  return record;
}

void SubscriptionState::SetTimer(Sequence sequence, Record& record, Phase phase,
                                 absl::Duration due) {
  ClearTimer(sequence, record);
  record.phase = phase;
  record.due = due;
  timers_.emplace_hint(timers_.end(), due, sequence);
}

void SubscriptionState::ClearTimer(Sequence sequence, Record& record) {
  if (record.phase != Phase::kLeased && record.phase != Phase::kWaiting) return;
  timers_.erase({record.due, sequence});
  record.phase = Phase::kNone;
}

void SubscriptionState::MakeReady(Sequence sequence, Record& record) {
  record.phase = Phase::kReady;
  (record.losses >= kLossesBeforeAlone ? suspects_ : ready_).Add(sequence);
}

void SubscriptionState::Settle(Sequence sequence, Record& record, Moment now) {
  if (record.phase != Phase::kNone || record.deciding > 0) return;
  if (record.due > now.elapsed) {
    SetTimer(sequence, record, Phase::kWaiting, record.due);
  } else {
    MakeReady(sequence, record);
  }
}

ConsumerId SubscriptionState::EndLease(Sequence sequence, Record& record) {
  const ConsumerId holder = record.holder;
  if (holder == 0) return 0;
  ClearTimer(sequence, record);
  accounts_.Remove(holder, record.bytes);
  if (record.alone) accounts_.SetAlone(0);
  record.alone = false;
  record.holder = 0;
  return holder;
}

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
  decision.trials.retry_at = now.wall + delay.value_or(backoff_.After(decision.attempt));
  const bool exhausted = rules_.max_delivery_attempts.has_value() &&
                         decision.attempt >= *rules_.max_delivery_attempts &&
                         now.wall - decision.trials.first_attempt_at >= rules_.minimum_retry_time;
  decision.outcome = exhausted ? Outcome::kPark : Outcome::kRetry;
  ++record.deciding;
  if (kind == v1::TimelineEntry::KIND_NACKED) return decision;  // its consumer has it till then
  // Whatever becomes of the commit, this attempt is over.
  EndLease(sequence, record);
  record.parking = exhausted;
  record.trials = decision.trials;
  record.due = now.elapsed + (exhausted ? kAgain : decision.trials.retry_at - now.wall);
  record.reason = kind == v1::TimelineEntry::KIND_STREAM_LOST
                      ? v1::Delivery::REDELIVERY_REASON_STREAM_LOST
                      : v1::Delivery::REDELIVERY_REASON_DEADLINE_EXPIRED;
  return decision;
}

void SubscriptionState::MarkSettled(Sequence sequence, bool parked) {
  redriven_.Remove({sequence, sequence});
  if (parked) {
    dead_letters_.Add(sequence);
  } else {
    dead_letters_.Remove({sequence, sequence});
  }
  if (sequence == floor_ + 1) {
    floor_ = settled_.NextMissing(sequence) - 1;
    settled_.RemoveThrough(floor_);
  } else if (sequence > floor_) {
    settled_.Add(sequence);
  }
}

bool SubscriptionState::IsLatest(const Record* record, LeaseNumber lease) const {
  if (record == nullptr) return lease < first_lease_;  // from before a restart
  if (record->settled || record->deciding > 0 || lease <= record->trials.last_ended) return false;
  return record->lease == 0 ? lease < first_lease_ : lease == record->lease;
}

}  // namespace onhook
