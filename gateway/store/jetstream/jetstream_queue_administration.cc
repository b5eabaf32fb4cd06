// What is asked of a JetStreamQueue beside its deliveries: what became of an event, dead letters.

#include <algorithm>
#include <iterator>
#include <map>
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
  std::vector<LetterName> all;
  {
    absl::MutexLock lock(&mutex_);
    all = LetterNames(after, Lost::kToo);
  }
  if (all.size() > limits.max_events) all.resize(limits.max_events);
  ListNext(std::make_shared<std::deque<LetterName>>(all.begin(), all.end()), limits,
           std::make_shared<std::vector<DeadLetter>>(),
           std::make_shared<Done<std::vector<DeadLetter>>>(std::move(done)));
}

std::vector<JetStreamQueue::LetterName> JetStreamQueue::LetterNames(int64_t after,
                                                                    Lost lost) const {
  std::vector<LetterName> names;
  for (const auto& [sequence, letter] : letters_) {
    if (letter.copy == 0 && letter.id > after) names.emplace_back(sequence, letter.id);
  }
  if (lost == Lost::kToo) {
    for (auto id = lost_.letters.upper_bound(after); id != lost_.letters.end(); ++id) {
      names.emplace_back(0, *id);
    }
  }
  std::sort(names.begin(), names.end(), [](const LetterName& a, const LetterName& b) {
    return std::pair(a.second, a.first) < std::pair(b.second, b.first);
  });
  return names;
}

bool JetStreamQueue::IsLetterOf(Sequence sequence, const StreamMessage& message,
                                StoredDeadLetter& letter) const {
  return message.subject == environment_.subjects->Dead(name_) &&
         letter.ParseFromString(message.data) && (sequence == 0 || letter.sequence() == sequence);
}

void JetStreamQueue::ListNext(std::shared_ptr<std::deque<LetterName>> next, ReadLimits limits,
                              std::shared_ptr<std::vector<DeadLetter>> letters,
                              std::shared_ptr<Done<std::vector<DeadLetter>>> done) {
  size_t bytes = 0;
  for (const DeadLetter& letter : *letters) bytes += letter.event->event.size();
  if (next->empty() || bytes >= limits.max_bytes) return (*done)(std::move(*letters));
  const auto [sequence, id] = next->front();
  next->pop_front();
  const std::shared_ptr<JetStreamQueue> self = shared_from_this();
  environment_.api->GetMessage(
      environment_.subjects->dead_stream(), id,
      [self, next, limits, letters, done,
       sequence = sequence](const absl::StatusOr<StreamMessage>& message) {
        if (!message.ok() && !absl::IsNotFound(message.status())) return (*done)(message.status());
        StoredDeadLetter stored;
        // Gone meanwhile, or lost and in its place another's.
        if (!message.ok() || !self->IsLetterOf(sequence, *message, stored)) {
          return self->ListNext(next, limits, letters, done);
        }
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
        self->ListNext(next, limits, letters, done);
      });
}

// ------------------------------------------------------------------------- changing dead letters

// A change: some in each record.
struct JetStreamQueue::DeadLetterChange {
  Entry::Kind kind = Entry::KIND_UNSPECIFIED;
  DeadLetterSelection selection;
  std::string reason;                // for the timeline
  std::vector<LetterName> left;      // the next at the end
  std::vector<LetterName> part;      // in the record under way
  std::vector<int64_t> copies;       // of that part
  std::vector<int64_t> lost_copies;  // that these are for; empty: there were none
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
    const std::vector<LetterName> all =
        LetterNames(0, change->kind == Entry::KIND_DISCARDED ? Lost::kToo : Lost::kNot);
    if (change->selection.all) {
      change->left.assign(all.rbegin(), all.rend());
    } else {
      // Of two with one id, since a message was lost, the newer one's is there.
      std::map<int64_t, Sequence> by_id;
      for (const auto& [sequence, id] : all) by_id[id] = sequence;
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
  const Sequence sequence = change->part[index].first;
  environment_.api->GetMessage(
      environment_.subjects->dead_stream(), change->part[index].second,
      [self, change, index, sequence](const absl::StatusOr<StreamMessage>& message) {
        StoredDeadLetter letter;
        if (message.ok() && self->IsLetterOf(sequence, *message, letter)) {
          return self->PublishRedriven(change, index, message->data);
        }
        if (message.ok() || absl::IsNotFound(message.status())) {
          return self->CopyFromLog(change, index);
        }
        self->EndChange(change, message.status());
      });
}

// The letter's message is gone, or another's is in its place; its event may still be there.
void JetStreamQueue::CopyFromLog(const ChangePtr& change, size_t index) {
  const std::shared_ptr<JetStreamQueue> self = shared_from_this();
  const Sequence sequence = change->part[index].first;
  environment_.api->GetMessage(
      environment_.subjects->events_stream(), sequence,
      [self, change, index, sequence](const absl::StatusOr<StreamMessage>& message) {
        if (absl::IsNotFound(message.status())) return self->PassOverGone(change, index);
        if (!message.ok()) return self->EndChange(change, message.status());
        StoredDeadLetter letter;
        letter.set_sequence(sequence);
        letter.set_stored_at_us(absl::ToUnixMicros(message->stored_at));
        letter.mutable_event()->ParseFromString(message->data);
        // The log has it; the event fits a message without it.
        letter.mutable_event()->clear_raw_body();
        letter.mutable_event()->clear_raw_body_checksum();
        self->PublishRedriven(change, index, letter.SerializeAsString());
      });
}

void JetStreamQueue::PublishRedriven(const ChangePtr& change, size_t index,
                                     const std::string& data) {
  const std::shared_ptr<JetStreamQueue> self = shared_from_this();
  environment_.api->Publish(environment_.subjects->Redriven(name_), {}, data, PublishOptions(),
                            [self, change, index](const absl::StatusOr<PublishAck>& ack) {
                              if (!ack.ok()) return self->EndChange(change, ack.status());
                              change->copies.push_back(ack->sequence);
                              self->CopyRedriven(change, index + 1);
                            });
}

void JetStreamQueue::PassOverGone(const ChangePtr& change, size_t index) {
  const auto at = static_cast<std::ptrdiff_t>(index);
  const auto [sequence, id] = change->part[index];
  change->part.erase(change->part.begin() + at);
  if (!change->lost_copies.empty()) {
    (*change->gone)[sequence] = {id, change->lost_copies[index]};
    change->lost_copies.erase(change->lost_copies.begin() + at);
  } else if (!change->selection.all) {
    change->outcome.unknown.push_back(id);
  }
  CopyRedriven(change, index);
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
    for (auto it = gone_letters_.begin(); it != gone_letters_.end();) {
      const auto is = letters_.find(it->first);
      const bool stays = is != letters_.end() && is->second == it->second;
      it = stays ? std::next(it) : gone_letters_.erase(it);
    }
    for (const auto& [sequence, letter] : gone) {
      const auto before = gone_letters_.find(sequence);
      if (before == gone_letters_.end() || !(before->second == letter)) {
        gone_letters_[sequence] = letter;
        continue;
      }
      gone_letters_.erase(before);
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
  auto messages = static_cast<int64_t>(letters_.size() + lost_.letters.size());
  for (const auto& [sequence, letter] : letters_) messages += letter.copy != 0 ? 1 : 0;
  return messages;
}

int64_t JetStreamQueue::OldestDeadLetter() const {
  absl::MutexLock lock(&mutex_);
  int64_t oldest = 0;
  for (const auto& [sequence, letter] : letters_) {
    if (letter.copy == 0 && (oldest == 0 || letter.id < oldest)) oldest = letter.id;
  }
  const auto of_lost = lost_.letters.begin();
  if (of_lost != lost_.letters.end() && (oldest == 0 || *of_lost < oldest)) oldest = *of_lost;
  return oldest;
}

void JetStreamQueue::DropDeadLetter(int64_t id, std::function<void(bool dropped)> done) {
  Discard({false, {id}},
          [done = std::move(done)](const absl::StatusOr<DeadLetterOutcome>& outcome) {
            done(outcome.ok() && outcome->done == 1);
          });
}

}  // namespace onhook
