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
// What no consumer here takes for so long is given to other gateways.
constexpr absl::Duration kStall = absl::Seconds(1);
constexpr absl::Duration kOpeningInterval = absl::Seconds(1);
constexpr absl::Duration kLimitInterval = absl::Seconds(1);
constexpr absl::Duration kLongestUse = absl::Hours(1);
// A copy to be redriven that no record tells of after so many deliveries belongs to nobody.
constexpr int64_t kMostEarly = 10;
constexpr size_t kMostEarlyCopies = 1000;

}  // namespace

ConsumerConfig JetStreamQueue::EventsConsumer(const std::string& name, uint64_t epoch,
                                              Sequence after, const v1::SubscriptionSpec& spec,
                                              const JetStreamQueueEnvironment& environment) {
  ConsumerConfig config = RedrivenConsumer(name, environment);
  config.name = environment.subjects->EventsConsumer(name, epoch);
  config.filter_subjects = {environment.subjects->events()};
  config.start_sequence = after + 1;
  config.max_ack_pending = RulesOf(spec, false).max_unacked_events;
  return config;
}

ConsumerConfig JetStreamQueue::RedrivenConsumer(const std::string& name,
                                                const JetStreamQueueEnvironment& environment) {
  ConsumerConfig config;
  config.name = environment.subjects->RedrivenConsumer(name);
  config.durable = true;
  config.description = "onhook subscription";
  config.filter_subjects = {environment.subjects->Redriven(name)};
  config.ack_wait = environment.options->ownership;
  config.max_ack_pending = 10000;
  config.replicas = environment.options->replicas;
  return config;
}

// -------------------------------------------------------------------------------------- opening

void JetStreamQueue::Open() {
  {
    absl::MutexLock lock(&mutex_);
    opened_ = true;
    if (deleted_ || closed_) return;
  }
  EnsureConsumer(false);
  EnsureConsumer(true);
}

void JetStreamQueue::EnsureConsumer(bool redriven) {
  std::string stream;
  ConsumerConfig config;
  int64_t epoch_number = 0;
  {
    absl::MutexLock lock(&mutex_);
    bool& opening = redriven ? opening_redriven_ : opening_events_;
    if (opening || deleted_ || closed_ || (redriven ? redriven_ : events_) != nullptr) return;
    opening = true;
    open_after_ = environment_.clock->Elapsed() + kOpeningInterval;
    epoch_number = record_.epoch_number;
    config = redriven ? RedrivenConsumer(name_, environment_)
                      : EventsConsumer(name_, record_.epoch, state_->floor(), record_.spec,
                                       environment_);
  }
  stream = redriven ? environment_.subjects->dead_stream() : environment_.subjects->events_stream();
  const std::weak_ptr<JetStreamQueue> weak = weak_from_this();
  const auto opened = [weak, redriven, epoch_number](const absl::StatusOr<ConsumerInfo>& info) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    if (info.ok()) return self->Connect(info->name, info->pending, redriven, epoch_number);
    if (!absl::IsUnavailable(info.status()) && self->opening_fails_.Occurred() > 0) {
      self->environment_.log->Error("store", "the servers have no consumer for a subscription",
                                    {{"subscription", self->name_}, {"error", info.status()}});
    }
    absl::MutexLock lock(&self->mutex_);  // again with a tick
    (redriven ? self->opening_redriven_ : self->opening_events_) = false;
  };
  environment_.api->GetConsumer(
      stream, config.name,
      [weak, stream, config, opened](const absl::StatusOr<ConsumerInfo>& info) {
        const auto self = weak.lock();
        if (self == nullptr) return;
        const bool fits = info.ok() && info->config.max_ack_pending == config.max_ack_pending &&
                          info->config.ack_wait == config.ack_wait;
        if (fits || (!info.ok() && !absl::IsNotFound(info.status()))) return opened(info);
        ConsumerConfig wanted = config;
        // Where it began is not to be changed.
        if (info.ok()) wanted.start_sequence = info->config.start_sequence;
        self->environment_.api->CreateConsumer(stream, wanted, opened);
      });
}

void JetStreamQueue::Connect(const std::string& consumer, int64_t pending, bool redriven,
                             int64_t epoch_number) {
  PullConsumer::Options options;
  options.stream =
      redriven ? environment_.subjects->dead_stream() : environment_.subjects->events_stream();
  options.consumer = consumer;
  PullConsumer::Callbacks callbacks;
  const std::weak_ptr<JetStreamQueue> weak = weak_from_this();
  callbacks.message = [weak, redriven, epoch_number](PulledMessage message) {
    if (const auto self = weak.lock()) self->Arrived(std::move(message), redriven, epoch_number);
  };
  callbacks.gone = [weak, redriven] {
    if (const auto self = weak.lock()) self->ConsumerGone(redriven);
  };
  auto pulling = std::make_shared<PullConsumer>(environment_.api, options, std::move(callbacks),
                                                environment_.clock, environment_.log);
  {
    absl::MutexLock lock(&mutex_);
    (redriven ? opening_redriven_ : opening_events_) = false;
    if (deleted_ || closed_ || epoch_number != record_.epoch_number) return;
    (redriven ? redriven_ : events_) = pulling;
    if (!redriven) {
      pending_events_ = pending;
      last_arrival_ = environment_.clock->Elapsed();
    }
  }
  TellWanted();
}

void JetStreamQueue::ConsumerGone(bool redriven) {
  {
    absl::MutexLock lock(&mutex_);
    if (deleted_ || closed_) return;
    // Not here: this is one of its calls.
    retired_.push_back(std::exchange(redriven ? redriven_ : events_, nullptr));
    current_ = false;  // what comes from another one is told as if it came for the first time
    open_after_ = environment_.clock->Elapsed() + kOpeningInterval;
  }
  environment_.log->Warning("store", "a subscription's consumer is gone; another is made",
                            {{"subscription", name_}});
}

int64_t JetStreamQueue::WantedEvents(bool redriven) const {
  if (deleted_ || closed_ || record_.paused || !state_->HasRoom()) return 0;
  int64_t may_hold = 0;
  for (const auto& [id, attached] : attached_) {
    if (!attached.limits.paused) may_hold += attached.limits.max_outstanding_events;
  }
  if (may_hold == 0) {
    const bool screens = !redriven && line_.empty() && !filter_.matches_all() &&
                         environment_.clock->Elapsed() >= screen_after_;
    return screens ? kScreened : 0;
  }
  const bool stalled = stalled_since_ != absl::InfiniteDuration() &&
                       environment_.clock->Elapsed() - stalled_since_ > kStall;
  may_hold = std::min(may_hold, kMostWanted) + (stalled ? 0 : std::min(kAhead, may_hold));
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
    if (!redriven) {
      pending_events_ = message.facts.pending;
      seen_through_ = std::max(seen_through_, message.facts.stream_sequence);
      last_arrival_ = environment_.clock->Elapsed();
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

// What comes again may have been settled by a gateway that we have not heard of yet.
void JetStreamQueue::Judge() {
  size_t judged = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (judging_ || arrivals_.empty() || closed_) return;
    judging_ = true;
    judged = arrivals_.size();
  }
  const std::weak_ptr<JetStreamQueue> weak = weak_from_this();
  environment_.journal->EnsureCurrent(name_, [weak, judged](const absl::Status& status) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    Todo todo;
    {
      absl::MutexLock lock(&self->mutex_);
      self->judging_ = false;
      if (!status.ok()) return;  // again with a tick
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
  if (message.facts.delivered < kMostEarly && early_copies_.size() < kMostEarlyCopies) {
    early_copies_[copy] = arrival;
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
    const absl::Duration use =
        std::min(kLongestUse, rules_.expire_after_unused.value_or(kLongestUse) / 4);
    if (!line_.empty() && latest - record_.last_used_at > use) {
      record_.last_used_at = latest;
      unrequested_.used = true;
    }
    enforce = rules_.backlog_age.has_value() && now.elapsed - limits_enforced_ >= kLimitInterval;
    if (enforce) limits_enforced_ = now.elapsed;
    todo.submit = MustSubmit();
    todo.judge = !arrivals_.empty() && !judging_;
    events = events_;
    redriven = redriven_;
    open = opened_ && (events == nullptr || redriven == nullptr) && now.elapsed >= open_after_;
  }
  if (events != nullptr) events->Tick();
  if (redriven != nullptr) redriven->Tick();
  if (open) Open();
  if (enforce) EnforceBacklogLimit();
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

void JetStreamQueue::GiveBackIdle(Moment now, Todo& todo) {
  bool anybody = false;
  bool credit = false;
  for (const auto& [id, attached] : attached_) {
    if (attached.limits.paused || record_.paused) continue;
    anybody = true;
    credit = credit || state_->HasCredit(id);
  }
  if (credit || held_.empty()) {
    stalled_since_ = absl::InfiniteDuration();
    return;
  }
  if (stalled_since_ == absl::InfiniteDuration()) stalled_since_ = now.elapsed;
  if (now.elapsed - stalled_since_ < kStall) return;
  for (const auto& [sequence, rest] : state_->Idle(now)) {
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
  current_ = false;
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
