// What is asked of a JetStreamQueue beside its deliveries: what became of an event, dead letters.

#include <algorithm>
#include <utility>

#include "gateway/store/embedded/timeline.h"
#include "gateway/store/jetstream/event_message.h"
#include "gateway/store/jetstream/jetstream_queue.h"

namespace onhook {
namespace {

using Entry = v1::TimelineEntry;
using jetstream::StoredDeadLetter;
using jetstream::SubscriptionChange;
using jetstream::SubscriptionChanges;

// Dead letters changed by one record.
constexpr size_t kChangesInOneRecord = 100;
// Copies of what is redriven are looked for when nobody has had them for so many times as long as a
// gateway may keep them in silence.
constexpr int kOwnershipsBeforeLook = 3;

}  // namespace

void JetStreamQueue::FindTimeline(Sequence sequence, Done<v1::SubscriptionTimeline> done) {
  using Timeline = v1::SubscriptionTimeline;
  Timeline timeline;
  timeline.set_subscription(name_);
  bool owed_once = false;
  {
    absl::MutexLock lock(&mutex_);
    const bool settled = state_->IsSettled(sequence);
    owed_once = sequence <= environment_.event_log->last() &&
                (sequence > record_.start || letters_.count(sequence) > 0 || !settled);
    const EventRows rows = history_.Find(sequence);
    AddRows(rows, timeline);
    recent_.Tell(sequence, timeline);
    SortEntries(timeline);
    if (!settled) {
      const bool delivered = state_->HolderOf(sequence) != 0;
      timeline.set_state(delivered ? Timeline::STATE_DELIVERED : Timeline::STATE_PENDING);
      if (excluding_.Contains(sequence)) timeline.set_state(Timeline::STATE_FILTERED);
    } else if (const auto told = SettledState(rows); told != Timeline::STATE_UNSPECIFIED) {
      timeline.set_state(told);
    } else if (letters_.count(sequence) > 0) {  // the journal tells no more than what it is
      timeline.set_state(Timeline::STATE_PARKED);
    } else {
      timeline.set_state(processed_.Contains(sequence) ? Timeline::STATE_ACKED
                                                       : Timeline::STATE_SKIPPED);
    }
  }
  if (!owed_once) {
    timeline.clear_state();
    timeline.clear_entries();
  }
  done(std::move(timeline));
}

// ------------------------------------------------------------------------- listing dead letters

void JetStreamQueue::ListDeadLetters(int64_t after, ReadLimits limits,
                                     Done<std::vector<DeadLetter>> done) {
  std::vector<int64_t> ids;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [sequence, letter] : letters_) {
      if (letter.copy == 0 && letter.id > after) ids.push_back(letter.id);
    }
    ids.insert(ids.end(), letters_of_lost_.upper_bound(after), letters_of_lost_.end());
  }
  std::sort(ids.begin(), ids.end());
  if (ids.size() > limits.max_events) ids.resize(limits.max_events);
  ListNext(std::make_shared<std::deque<int64_t>>(ids.begin(), ids.end()), limits,
           std::make_shared<std::vector<DeadLetter>>(),
           std::make_shared<Done<std::vector<DeadLetter>>>(std::move(done)));
}

void JetStreamQueue::ListNext(std::shared_ptr<std::deque<int64_t>> ids, ReadLimits limits,
                              std::shared_ptr<std::vector<DeadLetter>> letters,
                              std::shared_ptr<Done<std::vector<DeadLetter>>> done) {
  size_t bytes = 0;
  for (const DeadLetter& letter : *letters) bytes += letter.event->event.size();
  if (ids->empty() || bytes >= limits.max_bytes) return (*done)(std::move(*letters));
  const int64_t id = ids->front();
  ids->pop_front();
  const std::shared_ptr<JetStreamQueue> self = shared_from_this();
  environment_.api->GetMessage(
      environment_.subjects->dead_stream(), id,
      [self, ids, limits, letters, done](const absl::StatusOr<StreamMessage>& message) {
        // Gone meanwhile.
        if (absl::IsNotFound(message.status())) return self->ListNext(ids, limits, letters, done);
        if (!message.ok()) return (*done)(message.status());
        StoredDeadLetter stored;
        stored.ParseFromString(message->data);
        DeadLetter letter;
        letter.id = message->sequence;
        letter.event = DecodeEvent(stored.event(), stored.sequence(),
                                   absl::FromUnixMicros(stored.stored_at_us()));
        letter.reason = stored.reason();
        letter.detail = stored.detail();
        letter.attempts = stored.attempts();
        letter.parked_at = absl::FromUnixMicros(stored.parked_at_us());
        letter.consumer_name = stored.consumer_name();
        letters->push_back(std::move(letter));
        self->ListNext(ids, limits, letters, done);
      });
}

// ------------------------------------------------------------------------- changing dead letters

// A change: some in each record.
struct JetStreamQueue::DeadLetterChange {
  Entry::Kind kind = Entry::KIND_UNSPECIFIED;
  DeadLetterSelection selection;
  std::string reason;                              // for the timeline
  std::vector<std::pair<Sequence, int64_t>> left;  // with the dead letter's id; the next at the end
  std::vector<std::pair<Sequence, int64_t>> part;  // in the record under way
  std::vector<int64_t> copies;                     // of that part
  std::vector<int64_t> lost_copies;                // that these are for; empty: there were none
  DeadLetterOutcome outcome;
  Done<DeadLetterOutcome> done;
  // Of a part with lost copies: whose dead letters are gone as well.
  std::shared_ptr<Letters> gone = std::make_shared<Letters>();
};

void JetStreamQueue::Redrive(DeadLetterSelection selection, Done<DeadLetterOutcome> done) {
  ChangeDeadLetters(Entry::KIND_REDRIVEN, std::move(selection), std::move(done));
}

void JetStreamQueue::Discard(DeadLetterSelection selection, Done<DeadLetterOutcome> done) {
  ChangeDeadLetters(Entry::KIND_DISCARDED, std::move(selection), std::move(done));
}

void JetStreamQueue::ChangeDeadLetters(Entry::Kind kind, DeadLetterSelection selection,
                                       Done<DeadLetterOutcome> done) {
  auto change = std::make_shared<DeadLetterChange>();
  change->kind = kind;
  change->selection = std::move(selection);
  change->done = std::move(done);
  {
    absl::MutexLock lock(&mutex_);
    changes_.push_back(change);
    if (changes_.size() > 1) return;
  }
  BeginChange(change);
}

void JetStreamQueue::BeginChange(const ChangePtr& change) {
  {
    absl::MutexLock lock(&mutex_);
    std::map<int64_t, Sequence> by_id;
    for (const auto& [sequence, letter] : letters_) {
      if (letter.copy == 0) by_id[letter.id] = sequence;
    }
    if (change->kind == Entry::KIND_DISCARDED) {
      for (const int64_t id : letters_of_lost_) by_id[id] = 0;
    }
    if (change->selection.all) {
      for (auto it = by_id.rbegin(); it != by_id.rend(); ++it) {
        change->left.emplace_back(it->second, it->first);
      }
    } else {
      for (const int64_t id : change->selection.ids) {
        const auto it = by_id.find(id);
        if (it == by_id.end()) {
          change->outcome.unknown.push_back(id);
        } else {
          change->left.emplace_back(it->second, id);
        }
      }
    }
  }
  ChangeNext(change);
}

void JetStreamQueue::ChangeNext(const ChangePtr& change) {
  bool closed = false;
  {
    absl::MutexLock lock(&mutex_);
    closed = closed_ || deleted_;
  }
  if (closed) return EndChange(change, absl::UnavailableError("the store is closing"));
  if (change->left.empty()) return EndChange(change, absl::OkStatus());
  const size_t count = std::min(change->left.size(), kChangesInOneRecord);
  change->part.assign(change->left.rbegin(),
                      change->left.rbegin() + static_cast<std::ptrdiff_t>(count));
  change->left.resize(change->left.size() - count);
  change->copies.clear();
  if (change->kind != Entry::KIND_REDRIVEN) return WriteChange(change);
  CopyRedriven(change, 0);
}

void JetStreamQueue::CopyRedriven(const ChangePtr& change, size_t index) {
  if (index == change->part.size()) return WriteChange(change);
  const std::shared_ptr<JetStreamQueue> self = shared_from_this();
  const auto copied = [self, change, index](const absl::StatusOr<PublishAck>& ack) {
    if (!ack.ok()) return self->EndChange(change, ack.status());
    change->copies.push_back(ack->sequence);
    self->CopyRedriven(change, index + 1);
  };
  environment_.api->GetMessage(
      environment_.subjects->dead_stream(), change->part[index].second,
      [self, change, index, copied](const absl::StatusOr<StreamMessage>& message) {
        if (absl::IsNotFound(message.status())) {  // discarded meanwhile
          const auto at = static_cast<std::ptrdiff_t>(index);
          const auto [sequence, id] = change->part[index];
          change->part.erase(change->part.begin() + at);
          if (!change->lost_copies.empty()) {
            (*change->gone)[sequence] = {id, change->lost_copies[index]};
            change->lost_copies.erase(change->lost_copies.begin() + at);
          }
          return self->CopyRedriven(change, index);
        }
        if (!message.ok()) return self->EndChange(change, message.status());
        self->environment_.api->Publish(self->environment_.subjects->Redriven(self->name_), {},
                                        message->data, PublishOptions(), copied);
      });
}

void JetStreamQueue::WriteChange(const ChangePtr& change) {
  if (change->part.empty()) return ChangeNext(change);
  SubscriptionChanges changes;
  changes.set_subscription(name_);
  const int64_t number = environment_.journal->NextNumber();
  changes.set_number(number);
  SubscriptionChange* const written = changes.add_changes();
  written->set_at_us(absl::ToUnixMicros(environment_.cautious_clock->Latest()));
  written->set_reason(change->reason);
  auto& letters = *written->mutable_dead_letters_changed();
  letters.set_kind(change->kind);
  for (const auto& [sequence, id] : change->part) {
    letters.add_sequences(sequence);
    letters.add_dead_letter_ids(id);
  }
  for (const int64_t copy : change->copies) letters.add_copies(copy);
  for (const int64_t copy : change->lost_copies) letters.add_lost_copies(copy);
  const std::shared_ptr<JetStreamQueue> self = shared_from_this();
  environment_.journal->Write(std::move(changes),
                              [self, change, number](const absl::Status& status) {
                                if (!status.ok()) return self->EndChange(change, status);
                                {
                                  absl::MutexLock lock(&self->mutex_);
                                  const auto it = self->changed_.find(number);
                                  if (it != self->changed_.end()) {
                                    change->outcome.done += it->second;
                                    self->changed_.erase(it);
                                  }
                                }
                                self->ChangeNext(change);
                              });
}

void JetStreamQueue::EndChange(const ChangePtr& change, const absl::Status& status) {
  ChangePtr next;
  {
    absl::MutexLock lock(&mutex_);
    changes_.pop_front();
    if (!changes_.empty()) next = changes_.front();
  }
  if (status.ok()) {
    change->done(std::move(change->outcome));
  } else {
    change->done(status);
  }
  if (next != nullptr) BeginChange(next);
}

// ------------------------------------------------------------------------------------ lost copies

struct JetStreamQueue::CopyLook {
  Letters again;  // missed before
  mutable absl::Mutex mutex;
  size_t open ABSL_GUARDED_BY(mutex) = 0;
  Letters missing ABSL_GUARDED_BY(mutex);
};

void JetStreamQueue::LookForLostCopies() {
  const auto look = std::make_shared<CopyLook>();
  Letters away;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Duration now = environment_.clock->Elapsed();
    if (deleted_ || closed_ || redriven_ == nullptr ||
        now - looked_for_copies_ < kOwnershipsBeforeLook * environment_.options->ownership) {
      return;
    }
    looked_for_copies_ = now;
    away = look->again = std::exchange(missing_copies_, {});
    auto next = letters_.upper_bound(looked_through_);
    for (; next != letters_.end() && away.size() < kChangesInOneRecord; ++next) {
      looked_through_ = next->first;
      if (next->second.copy != 0 && !held_.contains(next->first)) away.insert(*next);
    }
    if (next == letters_.end()) looked_through_ = 0;
  }
  if (away.empty()) return;
  {
    absl::MutexLock lock(&look->mutex);
    look->open = away.size();
  }
  const std::weak_ptr<JetStreamQueue> weak = weak_from_this();
  for (const auto& entry : away) {
    environment_.api->GetMessage(environment_.subjects->dead_stream(), entry.second.copy,
                                 [weak, look, entry](const absl::StatusOr<StreamMessage>& message) {
                                   {
                                     absl::MutexLock lock(&look->mutex);
                                     if (absl::IsNotFound(message.status())) {
                                       look->missing.insert(entry);
                                     }
                                     if (--look->open > 0) return;
                                   }
                                   if (const auto self = weak.lock()) self->EndLook(*look);
                                 });
  }
}

// A leader that was chosen just now may not know yet all that it has, so what is missing is looked
// for twice.
void JetStreamQueue::EndLook(const CopyLook& look) {
  Letters missing;
  {
    absl::MutexLock lock(&look.mutex);
    missing = look.missing;
  }
  Letters lost;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& entry : missing) {
      const auto before = look.again.find(entry.first);
      const bool again = before != look.again.end() && before->second == entry.second;
      (again ? lost : missing_copies_).insert(entry);
    }
  }
  if (lost.empty()) return;
  // Whoever was done with one has written so before it removed the copy.
  const std::weak_ptr<JetStreamQueue> weak = weak_from_this();
  environment_.journal->EnsureCurrent(name_, [weak, lost](const absl::Status& current) {
    const auto self = weak.lock();
    if (self != nullptr && current.ok()) self->CopyAgain(lost);
  });
}

void JetStreamQueue::CopyAgain(const Letters& lost) {
  auto change = std::make_shared<DeadLetterChange>();
  change->kind = Entry::KIND_REDRIVEN;
  const std::weak_ptr<JetStreamQueue> weak = weak_from_this();
  change->done = [weak, gone = change->gone](const absl::StatusOr<DeadLetterOutcome>& outcome) {
    const auto self = weak.lock();
    if (self != nullptr && outcome.ok()) self->GiveUpGone(*gone);
  };
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [sequence, letter] : lost) {
      const auto is = letters_.find(sequence);
      if (is == letters_.end() || !(is->second == letter) || held_.contains(sequence)) continue;
      change->part.emplace_back(sequence, letter.id);
      change->lost_copies.push_back(letter.copy);
    }
  }
  if (change->part.empty() || !AddUnasked(change)) return;
  environment_.log->Warning(
      "store", "copies of redriven events are gone; they are copied again",
      {{"subscription", name_}, {"events", static_cast<int64_t>(change->part.size())}});
  CopyRedriven(change, 0);
}

void JetStreamQueue::GiveUpGone(const Letters& gone) {
  auto change = std::make_shared<DeadLetterChange>();
  change->kind = Entry::KIND_DISCARDED;
  change->reason = "its message is gone";
  change->done = [](const absl::StatusOr<DeadLetterOutcome>&) {};
  {
    absl::MutexLock lock(&mutex_);
    const Letters before = std::exchange(gone_letters_, gone);
    for (const auto& [sequence, letter] : gone) {
      const auto it = before.find(sequence);
      if (it == before.end() || !(it->second == letter)) continue;
      change->part.emplace_back(sequence, letter.id);
      change->lost_copies.push_back(letter.copy);
    }
  }
  if (change->part.empty() || !AddUnasked(change)) return;
  environment_.log->Error(
      "store", "dead letters that were redriven are not in their stream any more",
      {{"subscription", name_}, {"events", static_cast<int64_t>(change->part.size())}});
  WriteChange(change);
}

bool JetStreamQueue::AddUnasked(const ChangePtr& change) {
  absl::MutexLock lock(&mutex_);
  if (!changes_.empty()) return false;
  changes_.push_back(change);
  return true;
}

// ---------------------------------------------------------------------------------------- limits

int64_t JetStreamQueue::DeadMessages() const {
  absl::MutexLock lock(&mutex_);
  auto messages = static_cast<int64_t>(letters_.size() + letters_of_lost_.size());
  for (const auto& [sequence, letter] : letters_) messages += letter.copy != 0 ? 1 : 0;
  return messages;
}

int64_t JetStreamQueue::OldestDeadLetter() const {
  absl::MutexLock lock(&mutex_);
  int64_t oldest = 0;
  for (const auto& [sequence, letter] : letters_) {
    if (letter.copy == 0 && (oldest == 0 || letter.id < oldest)) oldest = letter.id;
  }
  const auto of_lost = letters_of_lost_.begin();
  if (of_lost != letters_of_lost_.end() && (oldest == 0 || *of_lost < oldest)) oldest = *of_lost;
  return oldest;
}

void JetStreamQueue::DropDeadLetter(int64_t id, std::function<void(bool dropped)> done) {
  Discard({false, {id}},
          [done = std::move(done)](const absl::StatusOr<DeadLetterOutcome>& outcome) {
            done(outcome.ok() && outcome->done == 1);
          });
}

}  // namespace onhook
