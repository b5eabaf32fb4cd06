// What is asked of an EmbeddedQueue beside its deliveries: what there is, dead letters, changes.

#include <utility>

#include "gateway/store/embedded/commit_and_wait.h"
#include "gateway/store/embedded/embedded_queue.h"
#include "gateway/store/embedded/random_bits.h"
#include "gateway/store/embedded/timeline.h"

namespace onhook {
namespace {

// Dead letters changed in one commit: a transaction that ingress hardly notices.
constexpr size_t kChangesInOneCommit = 500;

absl::Status Closing() { return absl::UnavailableError("the store is closing"); }
absl::Status TooManyReads() { return absl::UnavailableError("too many wait to read the store"); }

}  // namespace

// --------------------------------------------------------------------------------- what there is

QueueStats EmbeddedQueue::Stats() const {
  const Sequence last = environment_.event_log->last();
  absl::MutexLock lock(&mutex_);
  QueueStats stats;
  stats.paused = state_.paused();
  stats.connected_consumers = static_cast<int64_t>(line_.size());
  stats.backlog_events = state_.Backlog(last);
  stats.outstanding_events = state_.outstanding();
  stats.redeliveries = state_.redeliveries();
  stats.dead_letters = state_.dead_letters().size();
  stats.dropped_by_limit = record_.dropped_by_limit;
  stats.settled = settled_;
  stats.floor = state_.floor();
  stats.oldest_unsettled = state_.OldestUnsettled(last);
  return stats;
}

bool EmbeddedQueue::IsSettled(Sequence sequence) const {
  absl::MutexLock lock(&mutex_);
  return deleted_ || state_.IsSettled(sequence);
}

Sequence EmbeddedQueue::floor() const {
  absl::MutexLock lock(&mutex_);
  return state_.floor();
}

SubscriptionRecord EmbeddedQueue::record() const {
  absl::MutexLock lock(&mutex_);
  SubscriptionRecord record = record_;
  record.floor = state_.floor();
  record.replayed_through = state_.replayed_through();
  return record;
}

bool EmbeddedQueue::Excludes(const v1::ReleaseEvent& event) const {
  if (!filtered_) return false;
  absl::MutexLock lock(&mutex_);
  return !filter_.Matches(event);
}

void EmbeddedQueue::FindTimeline(Sequence sequence, Done<v1::SubscriptionTimeline> done) {
  using Timeline = v1::SubscriptionTimeline;
  Timeline timeline;
  timeline.set_subscription(name_);
  bool owed_once = false;
  bool settled = false;
  {
    absl::MutexLock lock(&mutex_);
    settled = state_.IsSettled(sequence);
    owed_once = sequence <= environment_.event_log->last() &&
                (sequence > record_.start || state_.HasDeadLetter(sequence) || !settled);
    const bool held = state_.HolderOf(sequence) != 0;
    if (!settled) timeline.set_state(held ? Timeline::STATE_DELIVERED : Timeline::STATE_PENDING);
    if (unrequested_.excluded.Contains(sequence)) timeline.set_state(Timeline::STATE_FILTERED);
    recent_.Tell(sequence, timeline);
  }
  if (!owed_once) {
    timeline.clear_state();
    timeline.clear_entries();
    return done(std::move(timeline));
  }
  const auto self = shared_from_this();
  auto shared_done = std::make_shared<Done<Timeline>>(std::move(done));
  const bool taken = environment_.reader->Run(
      [self, sequence, settled, timeline, shared_done](bool closing) mutable {
        if (closing) return (*shared_done)(Closing());
        const absl::StatusOr<EventRows> rows =
            self->environment_.storage->FindEventRows(self->id_, sequence);
        if (!rows.ok()) return (*shared_done)(absl::InternalError(rows.status().message()));
        AddRows(*rows, timeline);
        SortEntries(timeline);
        if (settled && timeline.state() == Timeline::STATE_UNSPECIFIED) {
          timeline.set_state(SettledState(*rows));
        }
        (*shared_done)(std::move(timeline));
      });
  if (!taken) (*shared_done)(TooManyReads());
}

void EmbeddedQueue::ListDeadLetters(int64_t after, ReadLimits limits,
                                    Done<std::vector<DeadLetter>> done) {
  const auto self = shared_from_this();
  auto shared_done = std::make_shared<Done<std::vector<DeadLetter>>>(std::move(done));
  const bool taken = environment_.reader->Run([self, after, limits, shared_done](bool closing) {
    if (closing) return (*shared_done)(Closing());
    absl::StatusOr<std::vector<DeadLetter>> letters =
        self->environment_.storage->ListDeadLetters(self->id_, after, limits);
    if (!letters.ok()) letters = absl::InternalError(letters.status().message());
    (*shared_done)(std::move(letters));
  });
  if (!taken) (*shared_done)(TooManyReads());
}

// --------------------------------------------------------------------- changes to dead letters

// A change: some in each commit.
struct EmbeddedQueue::DeadLetterChange {
  v1::TimelineEntry::Kind kind = v1::TimelineEntry::KIND_UNSPECIFIED;
  DeadLetterSelection selection;
  std::vector<Sequence> sequences;  // that are left
  std::vector<Sequence> part;       // in the commit under way
  DeadLetterOutcome outcome;
  Done<DeadLetterOutcome> done;
};

void EmbeddedQueue::Redrive(DeadLetterSelection selection, Done<DeadLetterOutcome> done) {
  Change(v1::TimelineEntry::KIND_REDRIVEN, std::move(selection), std::move(done));
}

void EmbeddedQueue::Discard(DeadLetterSelection selection, Done<DeadLetterOutcome> done) {
  Change(v1::TimelineEntry::KIND_DISCARDED, std::move(selection), std::move(done));
}

void EmbeddedQueue::Change(v1::TimelineEntry::Kind kind, DeadLetterSelection selection,
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

void EmbeddedQueue::BeginChange(const ChangePtr& change) {
  if (change->selection.all) {
    {
      absl::MutexLock lock(&mutex_);
      for (const auto& [first, last] : state_.dead_letters().runs()) {
        for (Sequence sequence = last; sequence >= first; --sequence) {
          change->sequences.push_back(sequence);
        }
      }
    }
    return ChangeNext(change);
  }
  const auto self = shared_from_this();
  const bool taken = environment_.reader->Run([self, change](bool closing) {
    if (closing) return self->EndChange(change, Closing());
    const std::vector<int64_t>& ids = change->selection.ids;
    const absl::StatusOr<std::map<int64_t, Sequence>> found =
        self->environment_.storage->FindDeadLetters(self->id_, ids);
    if (!found.ok()) {
      return self->EndChange(change, absl::InternalError(found.status().message()));
    }
    for (const auto& [id, sequence] : *found) change->sequences.push_back(sequence);
    for (const int64_t id : ids) {
      if (found->count(id) == 0) change->outcome.unknown.push_back(id);
    }
    self->ChangeNext(change);
  });
  if (!taken) EndChange(change, TooManyReads());
}

void EmbeddedQueue::ChangeNext(const ChangePtr& change) {
  if (change->sequences.empty()) return EndChange(change, absl::OkStatus());
  const auto self = shared_from_this();
  const bool redrive = change->kind == v1::TimelineEntry::KIND_REDRIVEN;
  CommitSteps steps;
  steps.apply = [self, change, redrive](Storage& storage) -> absl::Status {
    HistoryRow row;
    row.subscription_id = self->id_;
    row.epoch_number = self->record().epoch_number;
    row.kind = change->kind;
    row.at = self->environment_.clock->Now();
    change->part = self->TakeDeadLetters(change->sequences);
    for (const Sequence sequence : change->part) {
      row.sequence = sequence;
      absl::Status status = storage.InsertHistory(row);
      if (status.ok()) {
        status = redrive ? storage.MarkRedriven(self->id_, sequence)
                         : storage.DeleteDeadLetter(self->id_, sequence);
      }
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  };
  steps.publish = [self, change, redrive] {
    Calls calls;
    {
      absl::MutexLock lock(&self->mutex_);
      for (const Sequence sequence : change->part) {
        redrive ? self->state_.Redrive(sequence) : self->state_.Discard(sequence);
      }
      self->WakeOne(calls);
    }
    self->Call(calls);
  };
  steps.finish = [self, change](const absl::Status& status) {
    if (!status.ok()) return self->EndChange(change, status);
    change->outcome.done += static_cast<int64_t>(change->part.size());
    self->ChangeNext(change);
  };
  Submit(*environment_.commits, std::move(steps), CommitQueue::Urgency::kMayLinger);
}

std::vector<Sequence> EmbeddedQueue::TakeDeadLetters(std::vector<Sequence>& sequences) const {
  std::vector<Sequence> taken;
  absl::MutexLock lock(&mutex_);
  while (!sequences.empty() && taken.size() < kChangesInOneCommit) {
    if (state_.HasDeadLetter(sequences.back())) taken.push_back(sequences.back());
    sequences.pop_back();
  }
  return taken;
}

void EmbeddedQueue::EndChange(const ChangePtr& change, const absl::Status& status) {
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

void EmbeddedQueue::ForgetDeadLetter(Sequence sequence) {
  absl::MutexLock lock(&mutex_);
  state_.Discard(sequence);
}

// ---------------------------------------------------------------------------- durable changes

void EmbeddedQueue::Apply(const v1::SubscriptionSpec& spec, SubscriptionRecord::Origin origin) {
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    record_.spec = spec;
    record_.origin = origin;
    rules_ = RulesOf(spec, origin != SubscriptionRecord::Origin::kCreated);
    filter_ = EventFilter(rules_.filter);
    filtered_ = !filter_.matches_all();
    state_.SetRules(rules_);
    line_.WakeAll(calls);
  }
  Call(calls);
}

void EmbeddedQueue::ApplyPaused(bool paused) {
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    record_.paused = paused;
    state_.SetPaused(paused);
    // All: what a stream knows of being at the tail is no longer so.
    line_.WakeAll(calls);
  }
  Call(calls);
}

absl::StatusOr<bool> EmbeddedQueue::WriteSeek(Sequence after, Storage& storage) {
  const EmbeddedLog& event_log = *environment_.event_log;
  if (after + 1 < event_log.first() || after > event_log.last()) return false;
  SettlementRow passed;
  SequenceSet runs;
  SubscriptionRecord moved;
  {
    absl::MutexLock lock(&mutex_);
    passed.epoch_number = record_.epoch_number;
    runs = state_.Unsettled(after);
    moved = record_;
    moved.epoch = RandomBits();
    ++moved.epoch_number;
    moved.start = std::min(moved.start, after);
    moved.floor = after;
    moved.replayed_through = std::max(state_.replayed_through(), state_.next_fresh() - 1);
    seek_ = moved;
  }
  passed.subscription_id = id_;
  passed.kind = SettlementRow::Kind::kPassedOver;
  passed.settled_at = environment_.clock->Now();
  for (const auto& [first, last] : runs.runs()) {
    passed.range = {first, last};
    if (absl::Status status = storage.InsertSettlement(passed); !status.ok()) return status;
  }
  if (absl::Status status = storage.UpdateSubscription(moved); !status.ok()) return status;
  return true;
}

void EmbeddedQueue::ApplySeek() {
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    record_.epoch = seek_->epoch;
    record_.epoch_number = seek_->epoch_number;
    record_.start = seek_->start;
    state_.Seek(seek_->floor);
    seek_.reset();
    pages_.Clear();
    unrequested_.excluded = unrequested_.dropped = SequenceSet();
    line_.WakeAll(calls);
  }
  Call(calls);
}

void EmbeddedQueue::ApplyDeletion() {
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    deleted_ = true;
    for (const ConsumerId id : line_.All()) state_.Detach(id, Departure::kInOrder, Now());
    calls = line_.Clear();
    pages_.Clear();
  }
  for (const auto& callbacks : calls) callbacks->deleted();
}

}  // namespace onhook
