// What the journal says is settled of a JetStreamQueue's subscription, and what has failed.

#include <limits>
#include <utility>

#include "gateway/store/jetstream/jetstream_queue.h"
#include "gateway/store/jetstream/runs.h"
#include "gateway/store/jetstream/snapshot_record.h"

namespace onhook {
namespace {

using Kind = SettlementRow::Kind;
using Outcome = SubscriptionState::Outcome;
using Entry = v1::TimelineEntry;
using jetstream::SubscriptionChange;

}  // namespace

void JetStreamQueue::ApplySettled(const SubscriptionChange& change, const WritePtr& own,
                                  Todo& todo) {
  const auto& settled = change.settled();
  SequenceSet sequences = DecodeRuns(settled.sequences());
  for (const auto& each : settled.parked()) {
    sequences.Add(each.sequence());
    // Written before its gateway had heard of the loss: it is the last that is left of its event.
    if (lost_.Contains(change.epoch_number(), each.sequence())) {
      lost_.letters.insert(each.dead_letter_id());
    }
  }
  if (change.epoch_number() < lost_.epoch_number) {
    sequences.Remove({lost_.kept + 1, std::numeric_limits<Sequence>::max()});
  }
  if (IsProcessed(static_cast<Kind>(settled.kind()))) {
    ApplyProcessed(change, sequences, own, todo);
  } else {
    ApplySpared(change, sequences, own, todo);
  }
}

void JetStreamQueue::AddToHistory(const SubscriptionChange& change, const SequenceSet& sequences) {
  SettlementRow row;
  row.epoch_number = change.epoch_number();
  row.kind = static_cast<Kind>(change.settled().kind());
  row.consumer_name = change.consumer_name();
  row.settled_at = absl::FromUnixMicros(change.at_us());
  for (const auto& [first, last] : sequences.runs()) {
    row.range = {first, last};
    history_.Add(row);
  }
}

void JetStreamQueue::ApplySpared(const SubscriptionChange& change, const SequenceSet& sequences,
                                 const WritePtr& own, Todo& todo) {
  AddToHistory(change, sequences);
  if (change.epoch_number() - base_epoch_ != state_->epoch()) return;
  if (static_cast<Kind>(change.settled().kind()) == Kind::kDropped) {
    SequenceSet owed = sequences;
    for (const auto& [first, last] : state_->settled().runs()) owed.Remove({first, last});
    owed.RemoveThrough(state_->floor());
    record_.dropped_by_limit += owed.size();
    if (own != nullptr && !owed.empty() && dropping_.Occurred() > 0) {
      environment_.log->Warning("store", "the backlog limit has given up events",
                                {{"subscription", name_}, {"events", owed.size()}});
    }
  }
  std::vector<ConsumerId> freed;
  state_->SettleSpared(sequences, &freed);
  for (const ConsumerId consumer : freed) line_.WakeForCredit(consumer, todo.calls);
  std::vector<Sequence> here;
  for (const auto& [sequence, held] : held_) {
    if (sequences.Contains(sequence)) here.push_back(sequence);
  }
  for (const Sequence sequence : here) Release(sequence, false, 0, todo);
  for (const auto& [first, last] : sequences.runs()) {
    excluding_.Remove({first, last});
    tried_.erase(tried_.lower_bound(first), tried_.upper_bound(last));
  }
}

void JetStreamQueue::ApplyProcessed(const SubscriptionChange& change, const SequenceSet& sequences,
                                    const WritePtr& own, Todo& todo) {
  std::map<Sequence, const SubscriptionChange::Parked*> parked;
  for (const auto& each : change.settled().parked()) parked[each.sequence()] = &each;
  SequenceSet of_the_log = sequences;  // what is told of the others is told one by one
  for (const auto& [first, last] : sequences.runs()) {
    for (Sequence sequence = first; sequence <= last; ++sequence) {
      const auto it = parked.find(sequence);
      const SubscriptionChange::Parked* const parking = it == parked.end() ? nullptr : it->second;
      if (TellAlone(change, sequence, parking)) of_the_log.Remove({sequence, sequence});
      processed_.Add(sequence);
      todo.processed.Add(sequence);
      // Ours end by their decisions, which know who held them.
      if (own != nullptr && own->incarnation == incarnation_) {
        if (parking != nullptr) own->dead_letters[sequence] = parking->dead_letter_id();
        continue;
      }
      bool changed = false;
      const ConsumerId freed =
          state_->ApplyElsewhere(sequence, parking != nullptr ? Outcome::kPark : Outcome::kSettle,
                                 change.epoch_number() - base_epoch_, &changed);
      line_.WakeForCredit(freed, todo.calls);
      if (!changed) continue;
      ++settled_;
      Release(sequence, parking != nullptr, parking != nullptr ? parking->dead_letter_id() : 0,
              todo);
    }
  }
  AddToHistory(change, of_the_log);
}

bool JetStreamQueue::TellAlone(const SubscriptionChange& change, Sequence sequence,
                               const SubscriptionChange::Parked* parking) {
  const auto kind = static_cast<Kind>(change.settled().kind());
  HistoryRow row;
  row.epoch_number = change.epoch_number();
  row.sequence = sequence;
  row.at = absl::FromUnixMicros(change.at_us());
  row.consumer_name = change.consumer_name();
  row.reason = change.reason();
  if (parking != nullptr) {
    row.attempt = parking->attempt();
    row.kind = parking->kind();
    if (row.kind != Entry::KIND_PARKED) history_.Add(row);
    row.kind = Entry::KIND_PARKED;
    history_.Add(row);
    return false;
  }
  if (kind != Kind::kSkipped && !state_->redriven().Contains(sequence) &&
      !state_->HasDeadLetter(sequence)) {
    return false;
  }
  row.kind = kind == Kind::kSkipped ? Entry::KIND_SKIPPED : Entry::KIND_ACKED;
  history_.Add(row);
  return kind == Kind::kAcked;
}

void JetStreamQueue::FinishOwn(const WritePtr& own, Todo& todo) {
  own->applied = true;
  if (own->incarnation != incarnation_ || deleted_) return;
  const Moment now = Now();
  for (Wish& wish : own->wishes) {
    for (Decision& decision : wish.decisions) {
      const Sequence sequence = decision.sequence;
      const bool settles = decision.outcome != Outcome::kRetry;
      const bool parks = decision.outcome == Outcome::kPark;
      if (lost_.Contains(own->base_epoch + decision.epoch, sequence)) {
        state_->Finish(decision, false, now);
        continue;
      }
      const bool same_epoch = decision.epoch == state_->epoch();
      const bool dead = state_->HasDeadLetter(sequence) || state_->redriven().Contains(sequence);
      const bool owed = same_epoch ? !state_->IsSettled(sequence) : parks;
      decision.ends_dead_letter =
          decision.ends_dead_letter || (dead && decision.outcome == Outcome::kSettle);
      line_.WakeForCredit(state_->Finish(decision, true, now), todo.calls);
      if (decision.kind == Entry::KIND_DEADLINE_EXPIRED) counters_.CountExpired();
      if (!settles) continue;
      const auto letter = own->dead_letters.find(sequence);
      const int64_t place = parks && letter != own->dead_letters.end() ? letter->second : 0;
      if (owed || (dead && !parks)) {
        ++settled_;
        if (parks) {
          counters_.CountParked();
          ++own->parked;
        }
        Release(sequence, parks, place, todo);
      } else if (place != 0) {
        todo.dead_messages.push_back(place);  // somebody settled it before
      }
    }
  }
}

void JetStreamQueue::Release(Sequence sequence, bool parked, int64_t dead_letter, Todo& todo) {
  tried_.erase(sequence);
  excluding_.Remove({sequence, sequence});
  const auto letter = letters_.find(sequence);
  if (letter != letters_.end() && !state_->HasDeadLetter(sequence) &&
      !state_->redriven().Contains(sequence)) {
    todo.dead_messages.push_back(letter->second.id);
    if (letter->second.copy != 0) todo.dead_messages.push_back(letter->second.copy);
    letters_.erase(letter);
  } else if (parked && letter != letters_.end()) {
    // A dead letter that was redriven, and parked again.
    todo.dead_messages.push_back(letter->second.id);
    if (letter->second.copy != 0) todo.dead_messages.push_back(letter->second.copy);
  }
  if (parked) letters_[sequence] = {dead_letter, 0};
  if (!state_->IsSettled(sequence)) return;
  const auto held = held_.find(sequence);
  if (held == held_.end()) return;
  for (const std::string* subject : {&held->second.ack_subject, &held->second.redriven_subject}) {
    if (!subject->empty()) todo.acks.push_back(*subject);
  }
  held_.erase(held);
}

void JetStreamQueue::ApplyFailed(const SubscriptionChange& change) {
  const auto& failed = change.failed();
  HistoryRow row;
  row.epoch_number = change.epoch_number();
  row.sequence = failed.sequence();
  row.kind = failed.kind();
  row.at = absl::FromUnixMicros(change.at_us());
  row.consumer_name = change.consumer_name();
  row.attempt = failed.attempts();
  row.reason = change.reason();
  history_.Add(std::move(row));
  if (change.epoch_number() != base_epoch_ + state_->epoch()) return;
  if (!state_->IsSettled(failed.sequence())) tried_[failed.sequence()] = TrialsOf(failed);
}

}  // namespace onhook
