// What the servers give a JetStreamQueue, what it gives back, and what time makes due.

#include <algorithm>
#include <utility>

#include "gateway/config/subscription_spec.h"
#include "gateway/store/jetstream/event_message.h"
#include "gateway/store/jetstream/jetstream_queue.h"

namespace onhook {
namespace {

// What the servers may give beyond what consumers may hold, so that a consumer that settles gets
// more without a round trip.
constexpr int64_t kAhead = 64;
// For who has no consumer here, to settle what its filter excludes.
constexpr int64_t kScreened = 64;
// With something that is wanted at the front, screening rests for so long.
constexpr absl::Duration kScreeningRest = absl::Seconds(10);
// The most that one queue may have asked for: memory is bounded by it, and by the consumers'
// limits.
constexpr int64_t kMostWanted = 10000;
constexpr int64_t kMostBytes = 256 << 20;
// The size of an event is learnt from the last so many, about.
constexpr int64_t kSizesRemembered = 32;
// What no consumer here takes for so long is given to other gateways.
constexpr absl::Duration kStall = absl::Seconds(1);
constexpr absl::Duration kLimitInterval = absl::Seconds(1);
// A copy to be redriven that no record tells of after so many deliveries belongs to nobody.
constexpr int64_t kMostEarly = 10;
constexpr size_t kMostEarlyCopies = 1000;

}  // namespace

int64_t JetStreamQueue::WantedEvents(bool redriven) const {
  if (deleted_ || closed_ || record_.paused || !state_->HasRoom()) return 0;
  int64_t may_hold = 0;
  int64_t may_hold_bytes = 0;
  for (const auto& [id, attached] : attached_) {
    if (attached.limits.paused) continue;
    may_hold += attached.limits.max_outstanding_events;
    may_hold_bytes += std::min(attached.limits.max_outstanding_bytes, kMostBytes);
  }
  if (may_hold == 0) {
    const bool screens = !redriven && line_.empty() && !filter_.matches_all() &&
                         environment_.clock->Elapsed() >= screen_after_;
    return screens ? kScreened : 0;
  }
  // Where nobody can take more it is left to other gateways.
  if (stalled_since_ != absl::InfiniteDuration() &&
      environment_.clock->Elapsed() - stalled_since_ > kStall && !SomebodyMayTake(event_bytes_)) {
    return 0;
  }
  const int64_t fit = std::max<int64_t>(std::min(may_hold_bytes, kMostBytes) / event_bytes_, 1);
  may_hold = std::min({may_hold, kMostWanted, fit});
  may_hold += std::min(kAhead, may_hold);
  may_hold = std::min(may_hold, rules_.max_unacked_events);
  return std::max<int64_t>(may_hold - static_cast<int64_t>(held_.size() + arrivals_.size()), 0);
}

void JetStreamQueue::TellWanted() {
  for (const bool redriven : {false, true}) {
    std::shared_ptr<PullConsumer> consumer;
    int64_t wanted = 0;
    {
      absl::MutexLock lock(&mutex_);
      consumer = redriven ? redriven_ : events_;
      wanted = WantedEvents(redriven);
    }
    // Not for each event that is settled.
    if (consumer == nullptr) continue;
    const int64_t told = consumer->wanted();
    if (wanted == 0 ? told > 0 : wanted > told + wanted / 4) consumer->Want(wanted);
  }
}

// ------------------------------------------------------------------------------------- arrivals

void JetStreamQueue::Arrived(PulledMessage message, bool redriven, int64_t epoch_number) {
  Todo todo;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Duration now = environment_.clock->Elapsed();
    NoteTime(now);
    if (!redriven) {
      pending_events_ = message.facts.pending;
      seen_through_ = std::max(seen_through_, message.facts.stream_sequence);
      last_arrival_ = now;
    }
    const bool judged = current_ && message.facts.delivered == 1 && arrivals_.empty();
    Arrival arrival{std::move(message), redriven, epoch_number};
    if (judged) {
      JudgeOne(arrival, todo);
      WakeOne(todo.calls);
      todo.submit = MustSubmit();
    } else {
      arrivals_.push_back(std::move(arrival));
      todo.judge = true;
    }
  }
  Do(std::move(todo));
}

// What comes again, or has been here for long, may have been settled by a gateway that we have not
// heard of yet.
void JetStreamQueue::Judge() {
  size_t judged = 0;
  int64_t doubts = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (judging_ || (arrivals_.empty() && current_) || closed_) return;
    judging_ = true;
    judged = arrivals_.size();
    doubts = doubts_;
  }
  const std::weak_ptr<JetStreamQueue> weak = weak_from_this();
  environment_.journal->EnsureCurrent(name_, [weak, judged, doubts](const absl::Status& status) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    Todo todo;
    {
      absl::MutexLock lock(&self->mutex_);
      self->judging_ = false;
      self->NoteTime(self->environment_.clock->Elapsed());
      if (!status.ok() || doubts != self->doubts_) return;  // again with a tick
      self->current_ = true;
      const size_t count = std::min(judged, self->arrivals_.size());
      for (size_t i = 0; i < count; ++i) self->JudgeOne(self->arrivals_[i], todo);
      self->arrivals_.erase(self->arrivals_.begin(),
                            self->arrivals_.begin() + static_cast<std::ptrdiff_t>(count));
      todo.judge = !self->arrivals_.empty();
      self->WakeOne(todo.calls);
      todo.submit = self->MustSubmit();
    }
    self->Do(std::move(todo));
  });
}

void JetStreamQueue::JudgeOne(const Arrival& arrival, Todo& todo) {
  if (deleted_ || closed_) return;
  if (arrival.redriven) return JudgeRedriven(arrival, todo);
  if (arrival.epoch_number != record_.epoch_number) return;  // of before a seek
  const PulledMessage& message = arrival.message;
  const Sequence sequence = message.facts.stream_sequence;
  if (state_->IsSettled(sequence)) {
    todo.acks.push_back(message.ack_subject);
    return;
  }
  Held held;
  held.ack_subject = message.ack_subject;
  held.event = DecodeEvent(message.data, sequence, message.facts.stored_at);
  Take(sequence, std::move(held), todo);
}

void JetStreamQueue::JudgeRedriven(const Arrival& arrival, Todo& todo) {
  const PulledMessage& message = arrival.message;
  const int64_t copy = message.facts.stream_sequence;
  jetstream::StoredDeadLetter stored;
  const bool readable = stored.ParseFromString(message.data);
  const auto letter = readable ? letters_.find(stored.sequence()) : letters_.end();
  if (letter != letters_.end() && letter->second.copy == copy) {
    Held held;
    held.redriven_subject = message.ack_subject;
    held.event =
        DecodeEvent(stored.event(), stored.sequence(), absl::FromUnixMicros(stored.stored_at_us()));
    return Take(stored.sequence(), std::move(held), todo);
  }
  // What says that it is owed is about to be written, or has been settled, or never came.
  if (message.facts.delivered < kMostEarly) {
    // For which there is no room comes again.
    if (early_copies_.size() < kMostEarlyCopies) early_copies_[copy] = arrival;
    return;
  }
  early_copies_.erase(copy);
  todo.acks.push_back(message.ack_subject);
  todo.dead_messages.push_back(copy);
}

void JetStreamQueue::Take(Sequence sequence, Held held, Todo& todo) {
  const auto it = held_.find(sequence);
  if (it != held_.end()) {
    // It came again while it is here.
    if (!held.ack_subject.empty()) it->second.ack_subject = std::move(held.ack_subject);
    if (!held.redriven_subject.empty()) {
      it->second.redriven_subject = std::move(held.redriven_subject);
    }
    return;
  }
  if (excluding_.Contains(sequence)) return;
  const bool owed_again = !held.redriven_subject.empty();
  if (!owed_again && !Wanted(*held.event)) {
    excluding_.Add(sequence);
    unrequested_.excluded.Add(sequence);
    held_[sequence] = std::move(held);
    return;
  }
  if (line_.empty()) {
    // Nobody here is to have it: what is settled without a consumer is what a filter excludes.
    screen_after_ = environment_.clock->Elapsed() + kScreeningRest;
    const std::string& subject = owed_again ? held.redriven_subject : held.ack_subject;
    todo.give_back.emplace_back(subject, absl::ZeroDuration());
    return;
  }
  const auto size = static_cast<int64_t>(held.event->event.size());
  // Quicker where it grows.
  const int64_t share = size > event_bytes_ ? 2 : kSizesRemembered;
  event_bytes_ = std::max<int64_t>(event_bytes_ + (size - event_bytes_) / share, 1);
  held_[sequence] = std::move(held);
  const auto tried = tried_.find(sequence);
  const Trials trials = tried == tried_.end() ? Trials() : tried->second;
  if (!state_->Arrive(sequence, trials, Now())) held_.erase(sequence);
}

// ----------------------------------------------------------------------------------------- time

void JetStreamQueue::Tick() {
  Todo todo;
  std::shared_ptr<PullConsumer> events;
  std::shared_ptr<PullConsumer> redriven;
  bool open = false;
  bool enforce = false;
  {
    absl::MutexLock lock(&mutex_);
    if (deleted_ || closed_) return;
    todo.retired.swap(retired_);
    const Moment now = Now();
    NoteTime(now.elapsed);
    std::vector<Decision> failures = state_->Advance(now);
    for (const Decision& failure : failures) line_.WakeForCredit(failure.consumer, todo.calls);
    AddWishes(std::move(failures));
    WakeOne(todo.calls);
    line_.WakeWithCredit([this](ConsumerId id)
                             ABSL_NO_THREAD_SAFETY_ANALYSIS { return state_->HasCredit(id); },
                         todo.calls);
    KeepHeld(now, todo);
    GiveBackIdle(now, todo);
    const absl::Time latest = environment_.cautious_clock->Latest();
    if (!line_.empty() && latest - record_.last_used_at > UseInterval()) {
      record_.last_used_at = latest;
      unrequested_.used = true;
    }
    if (now.elapsed - trimmed_ >= kLimitInterval) {
      trimmed_ = now.elapsed;
      processed_.RemoveThrough(environment_.event_log->first() - 1);
    }
    enforce = rules_.backlog_age.has_value() && now.elapsed - limits_enforced_ >= kLimitInterval;
    if (enforce) limits_enforced_ = now.elapsed;
    todo.submit = MustSubmit();
    todo.judge = !judging_ && (!arrivals_.empty() || (!current_ && !held_.empty()));
    events = events_;
    redriven = redriven_;
    open = opened_ && (events == nullptr || redriven == nullptr) && now.elapsed >= open_after_;
  }
  if (events != nullptr) events->Tick();
  if (redriven != nullptr) redriven->Tick();
  if (open) Open();
  if (enforce) EnforceBacklogLimit();
  LookForForgotten();
  LookForLostCopies();
  Do(std::move(todo));
}

void JetStreamQueue::KeepHeld(Moment now, Todo& todo) {
  if (now.elapsed - kept_ < environment_.options->ownership / 3) return;
  kept_ = now.elapsed;
  for (const auto& [sequence, held] : held_) {
    for (const std::string* subject : {&held.ack_subject, &held.redriven_subject}) {
      if (!subject->empty()) todo.keep.push_back(*subject);
    }
  }
}

bool JetStreamQueue::SomebodyMayTake(int64_t bytes) const {
  if (record_.paused) return false;
  for (const auto& [id, attached] : attached_) {
    if (!attached.limits.paused && state_->HasCredit(id, bytes)) return true;
  }
  return false;
}

void JetStreamQueue::GiveBackIdle(Moment now, Todo& todo) {
  if (now.elapsed - looked_for_idle_ < kStall / 5) return;
  looked_for_idle_ = now.elapsed;
  const std::vector<std::pair<Sequence, absl::Duration>> idle = state_->Idle(now);
  int64_t bytes = 1;  // of what is next
  if (!idle.empty()) {
    const auto next = held_.find(idle.front().first);
    if (next != held_.end()) bytes = static_cast<int64_t>(next->second.event->event.size());
  }
  if (held_.empty() || SomebodyMayTake(bytes)) {
    stalled_since_ = absl::InfiniteDuration();
    return;
  }
  if (stalled_since_ == absl::InfiniteDuration()) stalled_since_ = now.elapsed;
  if (now.elapsed - stalled_since_ < kStall) return;
  const bool anybody =
      !record_.paused && std::any_of(attached_.begin(), attached_.end(),
                                     [](const auto& entry) { return !entry.second.limits.paused; });
  for (const auto& [sequence, rest] : idle) {
    // What rests is nobody's yet: who waits for credit here may have it then.
    if (!anybody || rest == absl::ZeroDuration()) LetGo(sequence, rest, todo);
  }
}

void JetStreamQueue::LetGo(Sequence sequence, absl::Duration rest, Todo& todo) {
  state_->GiveUp(sequence);
  const auto it = held_.find(sequence);
  if (it == held_.end()) return;
  for (const std::string* subject : {&it->second.ack_subject, &it->second.redriven_subject}) {
    if (!subject->empty()) todo.give_back.emplace_back(*subject, rest);
  }
  held_.erase(it);
}

void JetStreamQueue::EnforceBacklogLimit() {
  absl::Duration age;
  {
    absl::MutexLock lock(&mutex_);
    if (!rules_.backlog_age.has_value()) return;
    age = *rules_.backlog_age;
  }
  const std::weak_ptr<JetStreamQueue> weak = weak_from_this();
  environment_.event_log->FindPlace(
      environment_.cautious_clock->Now() - age, [weak](const absl::StatusOr<Sequence>& place) {
        const auto self = weak.lock();
        if (self == nullptr || !place.ok()) return;
        Todo todo;
        {
          absl::MutexLock lock(&self->mutex_);
          SequenceSet dropped = self->state_->Unsettled(*place);
          for (const auto& [sequence, held] : self->held_) {
            if (self->state_->HolderOf(sequence) != 0) dropped.Remove({sequence, sequence});
          }
          for (const auto& [first, last] : self->state_->redriven().runs()) {
            dropped.Remove({first, last});
          }
          self->unrequested_.dropped = std::move(dropped);
          todo.submit = self->MustSubmit();
        }
        self->Do(std::move(todo));
      });
}

void JetStreamQueue::Doubt() {
  absl::MutexLock lock(&mutex_);
  DoubtState();
}

void JetStreamQueue::DoubtState() {
  current_ = false;
  ++doubts_;
}

void JetStreamQueue::NoteTime(absl::Duration now) {
  const absl::Duration most = environment_.options->ownership / 3;
  // What is doubted already is not doubted anew: it is being asked about.
  const bool heard = !current_ || environment_.api->connection()->silence() <= most;
  if (now - alive_at_ > most || !heard) DoubtState();
  alive_at_ = now;
}

void JetStreamQueue::Close() {
  Todo todo;
  std::shared_ptr<PullConsumer> consumer;
  {
    absl::MutexLock lock(&mutex_);
    if (closed_) return;
    closed_ = true;
    // What is being decided is not free: its record may be applied yet.
    const Moment now = Now();
    for (const ConsumerId id : line_.All()) state_->Detach(id, Departure::kInOrder, now);
    for (const auto& [sequence, rest] : state_->Idle(now)) LetGo(sequence, rest, todo);
    consumer = events_ != nullptr ? events_ : redriven_;
    todo.retired = {std::exchange(events_, nullptr), std::exchange(redriven_, nullptr)};
  }
  if (consumer == nullptr) return;
  for (const auto& [subject, delay] : todo.give_back) consumer->GiveBack(subject, delay);
}

}  // namespace onhook
