// The servers' consumers of a JetStreamQueue: found or made, and made anew when they are gone, or
// have forgotten what is owed.

#include <algorithm>
#include <utility>

#include "gateway/config/subscription_spec.h"
#include "gateway/store/jetstream/jetstream_queue.h"

namespace onhook {
namespace {

constexpr absl::Duration kOpeningInterval = absl::Seconds(1);
// What nobody has had for so many times as long as a gateway may keep it in silence is looked for.
constexpr int kOwnershipsBeforeLook = 3;

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
    {
      absl::MutexLock lock(&self->mutex_);
      self->EndOpening(redriven, epoch_number);  // again with a tick
    }
    if (!absl::IsUnavailable(info.status()) && self->opening_fails_.Occurred() > 0) {
      self->environment_.log->Error("store", "the servers have no consumer for a subscription",
                                    {{"subscription", self->name_}, {"error", info.status()}});
    }
  };
  environment_.api->GetConsumer(
      stream, config.name,
      [weak, stream, config, redriven, epoch_number,
       opened](const absl::StatusOr<ConsumerInfo>& info) {
        const auto self = weak.lock();
        if (self == nullptr) return;
        if (!redriven && self->record().epoch_number != epoch_number) return;  // of before a seek
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
    if (!EndOpening(redriven, epoch_number) || deleted_ || closed_) return;
    // Not destroyed here: that would wait for one of its calls, which may wait for the lock.
    (redriven ? redriven_ : events_).swap(pulling);
    if (!redriven) {
      pending_events_ = pending;
      last_arrival_ = environment_.clock->Elapsed();
    }
  }
  TellWanted();
}

bool JetStreamQueue::EndOpening(bool redriven, int64_t epoch_number) {
  // What is asked for since a seek has a flag of its own.
  if (!redriven && epoch_number != record_.epoch_number) return false;
  (redriven ? opening_redriven_ : opening_events_) = false;
  return true;
}

void JetStreamQueue::ConsumerGone(bool redriven) {
  {
    absl::MutexLock lock(&mutex_);
    if (deleted_ || closed_) return;
    // Not here: this is one of its calls.
    retired_.push_back(std::exchange(redriven ? redriven_ : events_, nullptr));
    DoubtState();  // what comes from another one is told as if it came for the first time
    open_after_ = environment_.clock->Elapsed() + kOpeningInterval;
  }
  environment_.log->Warning("store", "a subscription's consumer is gone; another is made",
                            {{"subscription", name_}});
}

// ----------------------------------------------------------------------------------- forgetting

// An event can be owed that no consumer gives to anybody: a consumer was made anew by an operator,
// or said that something is acknowledged that is not; or the message is gone.
void JetStreamQueue::LookForForgotten() {
  Sequence oldest = 0;
  {
    const Sequence last = environment_.event_log->last();
    absl::MutexLock lock(&mutex_);
    if (deleted_ || closed_ || events_ == nullptr) return;
    oldest = state_->floor() < last ? state_->floor() + 1 : 0;
    const absl::Duration now = environment_.clock->Elapsed();
    if (oldest == 0 || oldest != oldest_owed_ || held_.count(oldest) > 0) {
      oldest_owed_ = oldest;
      owed_since_ = now;
      return;
    }
    if (now - owed_since_ < kOwnershipsBeforeLook * environment_.options->ownership) return;
    owed_since_ = now;
  }
  const std::weak_ptr<JetStreamQueue> weak = weak_from_this();
  environment_.api->GetNext(environment_.subjects->events_stream(), oldest,
                            environment_.subjects->events(),
                            [weak, oldest](const absl::StatusOr<StreamMessage>& next) {
                              const auto self = weak.lock();
                              if (self == nullptr) return;
                              if (!next.ok()) return;  // looked for again
                              if (next->sequence == oldest)
                                return self->AskWhetherForgotten(oldest);
                              self->GiveUpMissing({oldest, next->sequence - 1});
                            });
}

void JetStreamQueue::GiveUpMissing(SequenceRange missing) {
  Todo todo;
  {
    absl::MutexLock lock(&mutex_);
    if (missing.first != oldest_owed_) return;
    // Looked for twice: what is given up is gone for this subscription.
    if (std::exchange(missing_, missing.first) != missing.first) return;
    unrequested_.dropped.Add(missing);
    todo.submit = MustSubmit();
  }
  environment_.log->Error(
      "store", "events that are owed are not in their stream any more",
      {{"subscription", name_}, {"first", missing.first}, {"last", missing.last}});
  Do(std::move(todo));
}

void JetStreamQueue::AskWhetherForgotten(Sequence oldest) {
  std::string consumer;
  {
    absl::MutexLock lock(&mutex_);
    consumer = environment_.subjects->EventsConsumer(name_, record_.epoch);
  }
  const std::weak_ptr<JetStreamQueue> weak = weak_from_this();
  environment_.api->GetConsumer(
      environment_.subjects->events_stream(), consumer,
      [weak, oldest, consumer](const absl::StatusOr<ConsumerInfo>& info) {
        const auto self = weak.lock();
        if (self == nullptr || !info.ok()) return;
        // What lies behind its floor may be on its way to somebody.
        const bool on_its_way = info->pending > 0 || info->ack_pending > 0;
        if (info->ack_floor_stream_sequence < oldest && on_its_way) return;
        // It may have been settled a moment before it was acknowledged.
        self->environment_.journal->EnsureCurrent(
            self->name_, [weak, oldest, consumer](const absl::Status& current) {
              const auto self = weak.lock();
              if (self == nullptr || !current.ok()) return;
              {
                absl::MutexLock lock(&self->mutex_);
                if (self->deleted_ || self->state_->floor() + 1 != oldest) return;
              }
              self->environment_.log->Error(
                  "store", "a subscription's consumer has forgotten an event; another is made",
                  {{"subscription", self->name_}, {"sequence", oldest}});
              // Whoever pulls from it finds it gone, and makes one that begins with what is owed.
              self->environment_.api->DeleteConsumer(self->environment_.subjects->events_stream(),
                                                     consumer, [](const absl::Status&) {});
            });
      });
}

}  // namespace onhook
