#include "gateway/store/subscription_state.h"

#include <algorithm>
#include <utility>

#include "absl/base/macros.h"

namespace onhook {
namespace {

// Released events that are passed over in search of one for another consumer.
constexpr int kMostAvoided = 64;
// Ordinary events between two suspects: those that were in a lost hand may be a thousand, and each
// costs its consumer a round trip.
constexpr int kOrdinaryBetweenSuspects = 256;

}  // namespace

SubscriptionState::SubscriptionState(Beginning beginning, const SubscriptionRules& rules,
                                     uint64_t seed, Moment now)
    : rules_(rules),
      backoff_(seed),
      shared_(beginning.shared),
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
  for (const auto& [first, last] : redriven_.runs()) {
    if (!shared_) ready_.Add({first, last});
    for (Sequence sequence = first; sequence <= last; ++sequence) {
      redriven_settled_ += IsSettledInLog(sequence) ? 1 : 0;
    }
  }
  for (const auto& [sequence, trials] : beginning.tried) {
    if (IsSettled(sequence)) continue;
    Record& record = Take(sequence);
    record.trials = trials;
    record.reason = v1::Delivery::REDELIVERY_REASON_STREAM_LOST;  // by the restart
    record.due = now.elapsed + RestOf(trials, now);
    Settle(sequence, record, now);
  }
  SkipKnown();
}

// ------------------------------------------------------------------------------------ consumers

SubscriptionState::Detached SubscriptionState::Detach(ConsumerId consumer, Departure departure,
                                                      Moment now) {
  Detached detached;
  std::vector<Sequence> held;
  if (accounts_.EventsOf(consumer) > 0) {
    for (const auto& [sequence, record] : records_) {
      if (record.holder == consumer) held.push_back(sequence);
    }
    std::sort(held.begin(), held.end());  // what is said of them is said in the order of the log
  }
  for (const Sequence sequence : held) {
    Record& record = records_.at(sequence);
    const bool lost = departure == Departure::kLost && record.written;
    if (lost && record.alone && record.deciding == 0) {
      detached.decisions.push_back(
          Failed(sequence, record, v1::TimelineEntry::KIND_STREAM_LOST, std::nullopt, now));
      continue;
    }
    EndLease(sequence, record);
    record.due = now.elapsed;
    record.reason = v1::Delivery::REDELIVERY_REASON_RELEASED;
    if (lost) {
      record.reason = v1::Delivery::REDELIVERY_REASON_STREAM_LOST;
      if (record.deciding == 0) {
        ++record.losses;
        detached.lost.push_back(sequence);
      }
    }
    Settle(sequence, record, now);
  }
  accounts_.Detach(consumer);
  return detached;
}

// ---------------------------------------------------------------------------------- handing out

std::optional<SubscriptionState::Next> SubscriptionState::ChooseNext(Sequence last,
                                                                     ConsumerId consumer,
                                                                     Moment now) {
  if (paused_ || !accounts_.HasCredit(consumer, 1)) return std::nullopt;
  const bool suspected = !suspects_.empty() && accounts_.alone() == 0;
  if (suspected && ordinary_left_ == 0) {
    const bool reserved = accounts_.reserved() != 0;
    const std::optional<Next> suspect = ChooseSuspect(consumer);
    if (suspect.has_value() || !reserved) return suspect;
  }
  const std::optional<Next> ordinary = ChooseOrdinary(last, consumer, now);
  if (ordinary.has_value() || !suspected) return ordinary;
  return ChooseSuspect(consumer);
}

std::optional<SubscriptionState::Next> SubscriptionState::ChooseSuspect(ConsumerId consumer) {
  if (accounts_.EventsOf(consumer) == 0) return Next{suspects_.NextMember(0), From::kSuspect};
  if (accounts_.reserved() == 0) accounts_.SetReserved(consumer);
  return std::nullopt;
}

std::optional<SubscriptionState::Next> SubscriptionState::ChooseOrdinary(Sequence last,
                                                                         ConsumerId consumer,
                                                                         Moment now) {
  Sequence ready = ready_.NextMember(0);
  for (int passed = 0; ready != 0 && passed < kMostAvoided; ++passed) {
    const auto record = records_.find(ready);
    const bool avoided = record != records_.end() && record->second.avoid == consumer &&
                         record->second.avoid_until > now.elapsed && accounts_.HasOther(consumer);
    if (!avoided) return Next{ready, From::kReady};
    ready = ready_.NextMember(ready);
  }
  if (next_fresh_ > last || !HasRoom()) return std::nullopt;
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
  record.written = false;
  record.lease = next_lease_++;
  record.alone = next.from == From::kSuspect;
  if (record.alone) {
    accounts_.SetReserved(0);
    accounts_.SetAlone(consumer);
  } else if (ordinary_left_ > 0) {
    --ordinary_left_;
  }
  record.trials.first_attempt_at = std::min(record.trials.first_attempt_at, now.wall);
  handed.lease = record.lease;
  handed.attempt = record.trials.attempts + 1;
  handed.reason = record.reason;
  handed.ack_deadline = accounts_.DeadlineOf(consumer).value_or(rules_.ack_deadline);
  if (record.reason != Delivery::REDELIVERY_REASON_UNSPECIFIED) ++redeliveries_;
  record.patience = handed.ack_deadline;
  record.deadline = now.elapsed + record.patience;
  SetTimer(next.sequence, record, Phase::kLeased, record.deadline);
  return handed;
}

void SubscriptionState::MarkWritten(Sequence sequence, ConsumerId consumer, Moment now) {
  const auto it = records_.find(sequence);
  if (it == records_.end() || it->second.holder != consumer || it->second.written) return;
  it->second.written = true;
  it->second.deadline = std::max(it->second.deadline, now.elapsed + it->second.patience);
}

void SubscriptionState::Exclude(Sequence sequence) {
  ABSL_ASSERT(sequence == next_fresh_);
  SettleInLog(sequence);
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
  return next_fresh_ <= last && HasRoom();
}

std::vector<SubscriptionState::Decision> SubscriptionState::Advance(Moment now) {
  std::vector<Decision> decisions;
  while (!timers_.empty() && timers_.begin()->first <= now.elapsed) {
    const Sequence sequence = timers_.begin()->second.NextMember(0);
    Record& record = records_.at(sequence);
    if (record.phase == Phase::kWaiting) {
      ClearTimer(sequence, record);
      MakeReady(sequence, record);
    } else if (record.deadline > now.elapsed) {  // it was written later than it was handed out
      SetTimer(sequence, record, Phase::kLeased, record.deadline);
    } else if (record.deciding > 0) {
      record.deadline = now.elapsed + kAgain;
      SetTimer(sequence, record, Phase::kLeased, record.deadline);
    } else if (!record.written) {
      KeepFromHolder(record, now.elapsed);
      EndLease(sequence, record);
      record.reason = v1::Delivery::REDELIVERY_REASON_RELEASED;
      MakeReady(sequence, record);
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
  it->second.deadline = now.elapsed + ack_deadline;
  SetTimer(sequence, it->second, Phase::kLeased, it->second.deadline);
  return true;
}

// ------------------------------------------------------------------------------------- records

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
  timers_[due].Add(sequence);
}

void SubscriptionState::ClearTimer(Sequence sequence, Record& record) {
  if (record.phase != Phase::kLeased && record.phase != Phase::kWaiting) return;
  const auto due_with_it = timers_.find(record.due);
  due_with_it->second.Remove({sequence, sequence});
  if (due_with_it->second.empty()) timers_.erase(due_with_it);
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

void SubscriptionState::KeepFromHolder(Record& record, absl::Duration from) {
  record.avoid = record.holder;
  record.avoid_until = from + kAvoidance;
}

ConsumerId SubscriptionState::EndLease(Sequence sequence, Record& record) {
  const ConsumerId holder = record.holder;
  if (holder == 0) return 0;
  ClearTimer(sequence, record);
  accounts_.Remove(holder, record.bytes);
  if (record.alone) {
    accounts_.SetAlone(0);
    ordinary_left_ = kOrdinaryBetweenSuspects;
  }
  record.alone = false;
  record.holder = 0;
  return holder;
}

}  // namespace onhook
