// What the journal says of a JetStreamQueue's subscription: applied in its order, by every gateway
// alike.

#include <algorithm>
#include <limits>
#include <utility>

#include "gateway/config/subscription_spec.h"
#include "gateway/store/jetstream/jetstream_queue.h"
#include "gateway/store/jetstream/runs.h"
#include "gateway/store/jetstream/snapshot_record.h"

namespace onhook {
namespace {

using Kind = SettlementRow::Kind;
using Entry = v1::TimelineEntry;
using jetstream::SubscriptionChange;
using jetstream::SubscriptionChanges;

// A snapshot is to fit a message; one that does not is left for later.
constexpr size_t kMostSnapshotBytes = 900 << 10;
// For the lengths of what is nested.
constexpr size_t kSlack = 64;

}  // namespace

std::shared_ptr<JetStreamQueue> JetStreamQueue::FromRecord(
    int64_t place, const SubscriptionChanges& changes,
    const JetStreamQueueEnvironment* environment) {
  for (const SubscriptionChange& change : changes.changes()) {
    SubscriptionRecord record;
    Letters letters;
    LostEvents lost;
    SequenceSet processed;
    if (change.has_created()) {
      const SubscriptionChange::Created& created = change.created();
      record.spec = created.spec();
      record.origin = static_cast<SubscriptionRecord::Origin>(created.origin());
      record.created_at = record.last_used_at = absl::FromUnixMicros(change.at_us());
      record.epoch = created.epoch();
      record.start = record.floor = created.start();
    } else if (change.has_snapshot() && !change.snapshot().deleted()) {
      record = RecordOf(change.snapshot());
      letters = LettersOf(change.snapshot());
      lost = LostEventsOf(change.snapshot());
      processed = DecodeRuns(change.snapshot().processed());
    } else {
      continue;
    }
    record.name = changes.subscription();
    return std::shared_ptr<JetStreamQueue>(new JetStreamQueue(place, std::move(record),
                                                              std::move(letters), std::move(lost),
                                                              std::move(processed), environment));
  }
  return nullptr;
}

bool JetStreamQueue::Apply(int64_t place, const SubscriptionChanges& changes, int64_t number) {
  Todo todo;
  bool deleted = false;
  {
    absl::MutexLock lock(&mutex_);
    if (deleted_) return true;
    const bool snapshot = !changes.changes().empty() && changes.changes(0).has_snapshot();
    const WritePtr own =
        in_flight_ != nullptr && number != 0 && in_flight_->number == number ? in_flight_ : nullptr;
    const bool had_room = state_->HasRoom();
    applying_ = number;
    const std::string* reason = nullptr;
    for (const SubscriptionChange& change : changes.changes()) {
      if (!change.same_reason() || reason == nullptr) {
        reason = &change.reason();
        ApplyOne(change, own, todo);
        continue;
      }
      SubscriptionChange whole = change;
      whole.set_reason(*reason);
      ApplyOne(whole, own, todo);
    }
    if (own != nullptr) FinishOwn(own, todo);
    // Who wrote what made them useless takes them away.
    if (number == 0) todo.dead_messages.clear();
    place_ = place;
    records_ = snapshot ? 0 : records_ + 1;
    deleted = deleted_;
    if (!deleted_ && !closed_ && number != 0 &&
        records_ >= environment_.options->records_between_snapshots) {
      SubscriptionChanges whole = SnapshotOf();
      records_ = 0;
      todo.snapshot_does_not_fit = whole.ByteSizeLong() > kMostSnapshotBytes + kSlack;
      if (!todo.snapshot_does_not_fit) {
        todo.snapshot = std::move(whole);
        todo.snapshot_place = place;
      }
    }
    if (!deleted_) {
      WakeOne(todo.calls_first);
      if (!had_room && state_->HasRoom()) line_.WakeAll(todo.calls);
    }
  }
  Do(std::move(todo));
  return deleted;
}

void JetStreamQueue::ApplyOne(const SubscriptionChange& change, const WritePtr& own, Todo& todo) {
  if (deleted_) return;
  switch (change.change_case()) {
    case SubscriptionChange::kSettled:
      return ApplySettled(change, own, todo);
    case SubscriptionChange::kFailed:
      return ApplyFailed(change);
    case SubscriptionChange::kRespecified:
      return ApplySpec(change.respecified().spec(), change.respecified().origin(), todo);
    case SubscriptionChange::kPaused:
      record_.paused = change.paused();
      state_->SetPaused(record_.paused);
      // All: what a stream knows of being at the tail is no longer so.
      return line_.WakeAll(todo.calls);
    case SubscriptionChange::kSought:
      return ApplySought(change, todo);
    case SubscriptionChange::kDeadLettersChanged:
      return ApplyDeadLetters(change, todo);
    case SubscriptionChange::kUsed:
      unused_since_ = environment_.clock->Elapsed();
      record_.last_used_at = std::max(record_.last_used_at, absl::FromUnixMicros(change.at_us()));
      return;
    case SubscriptionChange::kDeleted:
      return ApplyDeletion(todo);
    case SubscriptionChange::kSnapshot:
      return Adopt(change, todo);
    case SubscriptionChange::kCreated:  // there is one
    case SubscriptionChange::CHANGE_NOT_SET:
      return;
  }
}

// ------------------------------------------------------------------------- positions and settings

void JetStreamQueue::ApplySought(const SubscriptionChange& change, Todo& todo) {
  const auto& sought = change.sought();
  if (change.epoch_number() != record_.epoch_number + 1) return;  // another seek came before it
  SettlementRow passed;
  passed.epoch_number = record_.epoch_number;
  passed.kind = Kind::kPassedOver;
  passed.settled_at = absl::FromUnixMicros(change.at_us());
  const SequenceSet passed_over = state_->Unsettled(sought.after());
  for (const auto& [first, last] : passed_over.runs()) {
    passed.range = {first, last};
    history_.Add(passed);
  }
  record_.epoch = sought.epoch();
  ++record_.epoch_number;
  record_.start = std::min(record_.start, sought.after());
  record_.replayed_through = std::max(record_.replayed_through, sought.replayed_through());
  if (sought.has_lost_behind()) {
    lost_.epoch_number = record_.epoch_number;
    lost_.kept = sought.lost_behind();
    processed_.Remove({sought.lost_behind() + 1, std::numeric_limits<Sequence>::max()});
    // Of events that are gone their dead letters are the last that is left. Their sequences are
    // other events', so they cannot be owed again.
    const auto lost = letters_.upper_bound(sought.lost_behind());
    for (auto letter = lost; letter != letters_.end(); ++letter) {
      lost_.letters.insert(letter->second.id);
      if (letter->second.copy != 0) todo.dead_messages.push_back(letter->second.copy);
    }
    letters_.erase(lost, letters_.end());
    state_->ForgetLettersBehind(sought.lost_behind());
  }
  state_->Seek(sought.after());
  state_->SetReplayedThrough(record_.replayed_through);
  tried_.clear();
  excluding_ = SequenceSet();
  unrequested_.excluded = unrequested_.dropped = SequenceSet();
  // What is redriven is owed still, and comes again by itself when nobody says that it is kept.
  for (const auto& [sequence, held] : held_) {
    if (!held.redriven_subject.empty()) {
      todo.give_back.emplace_back(held.redriven_subject, absl::ZeroDuration());
    }
  }
  held_.clear();
  early_copies_.clear();
  DoubtState();
  todo.retired.push_back(std::exchange(events_, nullptr));
  opening_events_ = false;
  todo.reopen = opened_;
  line_.WakeAll(todo.calls);
}

void JetStreamQueue::ApplySpec(const v1::SubscriptionSpec& spec, int32_t origin, Todo& todo) {
  const int64_t unacked = rules_.max_unacked_events;
  record_.spec = spec;
  record_.origin = static_cast<SubscriptionRecord::Origin>(origin);
  rules_ = RulesOf(spec, record_.origin != SubscriptionRecord::Origin::kCreated);
  filter_ = EventFilter(rules_.filter);
  state_->SetRules(rules_);
  if (rules_.max_unacked_events != unacked) {
    // The consumer is to know it too.
    todo.retired.push_back(std::exchange(events_, nullptr));
    todo.reopen = opened_;
  }
  line_.WakeAll(todo.calls);
}

void JetStreamQueue::ApplyDeletion(Todo& todo) {
  deleted_ = true;
  const Moment now = Now();
  for (const ConsumerId id : line_.All()) state_->Detach(id, Departure::kInOrder, now);
  todo.deletions = line_.Clear();
  attached_.clear();
  held_.clear();
  arrivals_.clear();
  todo.retired = {std::exchange(events_, nullptr), std::exchange(redriven_, nullptr)};
}

void JetStreamQueue::Adopt(const SubscriptionChange& change, Todo& todo) {
  const auto& snapshot = change.snapshot();
  if (snapshot.replaced_place() == place_) return;  // it says what is known
  if (snapshot.deleted()) return ApplyDeletion(todo);
  const uint64_t epoch = record_.epoch;
  SubscriptionRecord record = RecordOf(snapshot);
  record.name = name_;
  letters_ = LettersOf(snapshot);
  lost_ = LostEventsOf(snapshot);
  processed_ = DecodeRuns(snapshot.processed());
  record_ = std::move(record);
  tried_ = std::move(record_.tried);
  rules_ = RulesOf(record_.spec, record_.origin != SubscriptionRecord::Origin::kCreated);
  filter_ = EventFilter(rules_.filter);
  state_ = MakeState();
  ++incarnation_;
  for (const auto& [id, attached] : attached_) {
    state_->Attach(id, attached.limits, attached.deadline);
  }
  // What is here comes again by itself, and is judged by the state as it is now.
  held_.clear();
  excluding_ = SequenceSet();
  unrequested_ = {};
  // What was decided about is not decided in this state.
  for (Wish& wish : pending_) {
    RefuseTheRest(wish);
    todo.refused.push_back(std::move(wish));
  }
  pending_.clear();
  DoubtState();
  if (record_.epoch != epoch) {
    todo.retired.push_back(std::exchange(events_, nullptr));
    opening_events_ = false;
    todo.reopen = opened_;
  }
  line_.WakeAll(todo.calls);
}

SubscriptionChanges JetStreamQueue::SnapshotOf() const {
  SubscriptionChanges changes;
  changes.set_subscription(name_);
  changes.set_number(environment_.journal->NextNumber());
  SubscriptionChange* const change = changes.add_changes();
  change->set_at_us(absl::ToUnixMicros(environment_.cautious_clock->Latest()));
  SubscriptionChange::Snapshot& snapshot = *change->mutable_snapshot();
  *snapshot.mutable_spec() = record_.spec;
  snapshot.set_origin(static_cast<int32_t>(record_.origin));
  snapshot.set_paused(record_.paused);
  snapshot.set_created_at_us(absl::ToUnixMicros(record_.created_at));
  snapshot.set_last_used_at_us(absl::ToUnixMicros(record_.last_used_at));
  snapshot.set_epoch(record_.epoch);
  snapshot.set_epoch_number(record_.epoch_number);
  snapshot.set_start(record_.start);
  snapshot.set_floor(state_->floor());
  snapshot.set_replayed_through(record_.replayed_through);
  snapshot.set_dropped_by_limit(record_.dropped_by_limit);
  snapshot.set_replaced_place(place_);
  EncodeRuns(state_->settled(), snapshot.mutable_settled());
  EncodeLetters(letters_, *snapshot.mutable_letters());
  EncodeLostEvents(lost_, snapshot);
  for (const auto& [sequence, trials] : tried_) {
    SubscriptionChange::Failed& failed = *snapshot.add_tried();
    failed.set_sequence(sequence);
    failed.set_attempts(trials.attempts);
    failed.set_first_attempt_at_us(absl::ToUnixMicros(trials.first_attempt_at));
    failed.set_retry_at_us(absl::ToUnixMicros(trials.retry_at));
  }
  const size_t others = changes.ByteSizeLong();
  if (others < kMostSnapshotBytes) {
    EncodeNewestRuns(processed_, kMostSnapshotBytes - others, snapshot.mutable_processed());
  }
  return changes;
}

// ---------------------------------------------------------------------------------- dead letters

void JetStreamQueue::ApplyDeadLetters(const SubscriptionChange& change, Todo& todo) {
  const auto& letters = change.dead_letters_changed();
  const bool redrive = letters.kind() == Entry::KIND_REDRIVEN;
  HistoryRow row;
  row.epoch_number = record_.epoch_number;
  row.kind = letters.kind();
  row.at = absl::FromUnixMicros(change.at_us());
  row.reason = change.reason();
  for (int i = 0; i < letters.sequences_size(); ++i) {
    const Sequence sequence = letters.sequences(i);
    const int64_t id = i < letters.dead_letter_ids_size() ? letters.dead_letter_ids(i) : 0;
    const int64_t copy = i < letters.copies_size() ? letters.copies(i) : 0;
    const int64_t lost_copy = i < letters.lost_copies_size() ? letters.lost_copies(i) : 0;
    if (!redrive && lost_.letters.erase(id) > 0) {
      todo.dead_messages.push_back(id);
      if (applying_ != 0) ++changed_[applying_];
      continue;
    }
    const auto letter = letters_.find(sequence);
    const bool is_meant =
        letter != letters_.end() && (id == 0 || id == letter->second.id) &&
        letter->second.copy == lost_copy &&
        (lost_copy != 0 ? state_->redriven().Contains(sequence) : state_->HasDeadLetter(sequence));
    if (!is_meant) {
      if (copy != 0) todo.dead_messages.push_back(copy);
      early_copies_.erase(copy);
      continue;
    }
    row.sequence = sequence;
    if (lost_copy == 0 || !redrive) history_.Add(row);
    if (applying_ != 0) ++changed_[applying_];
    if (!redrive) {
      if (lost_copy != 0) {
        GiveUpRedriven(sequence, todo);
      } else {
        state_->Discard(sequence);
        todo.dead_messages.push_back(letter->second.id);
        letters_.erase(letter);
      }
      continue;
    }
    if (lost_copy == 0) {
      state_->Redrive(sequence);
      tried_.erase(sequence);
    }
    letter->second.copy = copy;
    TakeEarlyCopy(copy, todo);
  }
}

void JetStreamQueue::GiveUpRedriven(Sequence sequence, Todo& todo) {
  // As from before a seek: what a seek has made owed stays so.
  bool changed = false;
  state_->ApplyElsewhere(sequence, SubscriptionState::Outcome::kSettle, state_->epoch() - 1,
                         &changed);
  Release(sequence, false, 0, todo);
}

void JetStreamQueue::TakeEarlyCopy(int64_t copy, Todo& todo) {
  const auto early = early_copies_.find(copy);
  if (early == early_copies_.end()) return;
  arrivals_.push_back(std::move(early->second));
  early_copies_.erase(early);
  todo.judge = true;
}

}  // namespace onhook
