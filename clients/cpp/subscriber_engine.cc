#include "clients/cpp/subscriber_engine.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/duration_proto.h"

namespace onhook::client {
namespace {

v1::SubscribeOpen OpenRequest(const SubscribeOptions& options) {
  v1::SubscribeOpen open;
  open.set_subscription(options.subscription);
  open.set_consumer_name(options.consumer_name);
  if (options.create_if_missing.has_value()) {
    *open.mutable_create_if_missing() = *options.create_if_missing;
  }
  if (options.max_outstanding_events.has_value()) {
    open.set_max_outstanding_events(*options.max_outstanding_events);
  }
  if (options.max_outstanding_bytes.has_value()) {
    open.set_max_outstanding_bytes(*options.max_outstanding_bytes);
  }
  if (options.ack_deadline.has_value()) {
    *open.mutable_ack_deadline() = ToProto(*options.ack_deadline);
  }
  return open;
}

// Why a stream's end is the subscriber's end; OK if it is not. Whether a permission that was taken
// back is wholly gone, the replacement is told: a certificate that expired may have a successor.
absl::Status FinalStatus(v1::GoAway::Reason reason) {
  return reason == v1::GoAway::REASON_SUBSCRIPTION_DELETED
             ? absl::NotFoundError("the subscription was deleted")
             : absl::OkStatus();
}

}  // namespace

Subscriber::Engine::Engine(std::shared_ptr<const GatewayConnection> connection,
                           SubscribeOptions options, Handler handler)
    : connection_(std::move(connection)),
      options_(std::move(options)),
      handler_(std::move(handler)),
      backoff_(connection_->options().reconnect, std::random_device()()),
      ends_(connection_->options()),
      supervisor_([this] { Supervise(); }) {}

Subscriber::Engine::~Engine() {
  RequestStop();
  supervisor_.join();
}

void Subscriber::Engine::RequestStop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
}

absl::Status Subscriber::Engine::Wait() {
  done_.WaitForNotification();
  return status_;
}

void Subscriber::Engine::Supervise() {
  std::vector<std::thread> handlers;
  const int count = std::max(options_.handler_threads, 1);
  handlers.reserve(static_cast<size_t>(count));
  {
    absl::MutexLock lock(&mutex_);
    handlers_running_ = count;
  }
  for (int i = 0; i < count; ++i) {
    handlers.emplace_back([this] {
      HandleDeliveries();
      absl::MutexLock lock(&mutex_);
      --handlers_running_;
    });
  }
  const absl::Status ended = KeepStreamOpen();
  RequestStop();
  if (!ended.ok() && options_.on_ending) options_.on_ending(ended);
  const absl::Status drained = Drain(std::move(handlers));
  status_ = ended.ok() ? drained : ended;
  done_.Notify();
}

absl::Status Subscriber::Engine::KeepStreamOpen() {
  bool wait_for_connection = false;
  for (;;) {
    Attempt* const attempt = StartAttempt(wait_for_connection);
    AwaitStopOrEnd(*attempt);
    bool going_away = false;
    absl::Duration lived;
    std::optional<StreamEnd> end = AwaitEnd(*attempt, &going_away, &lived);
    if (!end.has_value()) return absl::OkStatus();
    end->why = connection_->Explain(std::move(end->why));
    if (ends_.IsFinal(*end, absl::Now())) return end->why;
    const bool is_news = !end->why.ok() && ends_.IsNews(*end);
    if (is_news && options_.on_disconnected) options_.on_disconnected(end->why);
    wait_for_connection = !end->opened;
    // A second stream that goes away overtakes the first: no more than two at a time.
    EndStreams([attempt, going_away](const Attempt& other) {
      return other.ended || (going_away && &other != attempt);
    });
    if (end->waited_in_vain) continue;
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(this, &Engine::HandlersDone),
                                backoff_.AfterStream(lived))) {
      return absl::OkStatus();
    }
  }
}

std::optional<StreamEnd> Subscriber::Engine::AwaitEnd(const Attempt& attempt, bool* going_away,
                                                      absl::Duration* lived) {
  absl::MutexLock lock(&mutex_);
  const auto over = [this, &attempt]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return HandlersDone() || attempt.ended || attempt.going_away;
  };
  mutex_.Await(absl::Condition(&over));
  if (HandlersDone()) return std::nullopt;
  *going_away = attempt.going_away;
  *lived = std::max(absl::Now() - attempt.opened_at, absl::ZeroDuration());
  StreamEnd end;
  end.opened = attempt.opened;
  if (attempt.going_away) {
    end.why = FinalStatus(attempt.reason);
    return end;
  }
  // An end with OK that nobody asked for is a lost stream.
  end.why =
      attempt.status.ok() ? absl::UnavailableError("the gateway ended the stream") : attempt.status;
  end.waited_in_vain = attempt.stream->waited_in_vain();
  return end;
}

void Subscriber::Engine::AwaitStopOrEnd(const Attempt& attempt) {
  {
    absl::MutexLock lock(&mutex_);
    const auto over = [this, &attempt]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return stopping_ || attempt.ended || attempt.going_away;
    };
    mutex_.Await(absl::Condition(&over));
    if (!stopping_) return;
  }
  GiveBackWaiting();
}

Subscriber::Engine::Attempt* Subscriber::Engine::StartAttempt(bool wait_for_connection) {
  absl::MutexLock lock(&mutex_);
  Attempt& attempt = attempts_.emplace_back();
  SubscriberStream::Listener* const listener = this;
  attempt.stream = std::make_shared<SubscriberStream>(
      connection_, OpenRequest(options_), options_.ack_batch, options_.max_extension, listener);
  if (wait_for_connection) attempt.stream->WaitForConnection();
  attempt.thread = std::thread([this, &attempt] { RunAttempt(&attempt); });
  return &attempt;
}

void Subscriber::Engine::RunAttempt(Attempt* attempt) {
  const std::shared_ptr<SubscriberStream> stream = attempt->stream;
  absl::Status status = stream->Run();
  std::vector<PendingSettlement> unconfirmed = stream->TakeUnconfirmed();
  {
    absl::MutexLock lock(&mutex_);
    if (current_ == stream) current_ = nullptr;
    // Whatever waited for a handler comes again on another stream.
    held_.DropWaiting(stream.get());
    // The end of the stream has given back what was not to be acknowledged.
    for (PendingSettlement& pending : unconfirmed) {
      if (pending.settlement.action == Settlement::Action::kAck) {
        orphans_.push_back(std::move(pending));
      }
    }
  }
  PlaceOrphans();
  absl::MutexLock lock(&mutex_);
  attempt->status = std::move(status);
  attempt->ended = true;
}

void Subscriber::Engine::EndStreams(const std::function<bool(const Attempt&)>& wanted) {
  std::list<Attempt> ending;
  {
    absl::MutexLock lock(&mutex_);
    for (auto attempt = attempts_.begin(); attempt != attempts_.end();) {
      const auto next = std::next(attempt);
      if (wanted(*attempt)) ending.splice(ending.end(), attempts_, attempt);
      attempt = next;
    }
  }
  for (Attempt& attempt : ending) {
    attempt.stream->Cancel();
    attempt.thread.join();
  }
}

void Subscriber::Engine::GiveBack(SubscriberStream* stream, const v1::Delivery& delivery) {
  stream->Pause();
  // False: the stream's end gives it back as well.
  (void)stream->Settle({delivery.delivery_id(), delivery.event().event_id(),
                        Settlement::Release("the consumer stops")});
}

void Subscriber::Engine::GiveBackWaiting() {
  std::deque<HeldEvents::Work> waiting;
  std::vector<std::shared_ptr<SubscriberStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    waiting = held_.TakeWaiting();
    for (const Attempt& attempt : attempts_) streams.push_back(attempt.stream);
  }
  for (const auto& stream : streams) stream->Pause();
  for (const HeldEvents::Work& work : waiting) GiveBack(work.stream.get(), work.delivery);
}

absl::Status Subscriber::Engine::Drain(std::vector<std::thread> handlers) {
  GiveBackWaiting();
  for (std::thread& handler : handlers) handler.join();
  const absl::Time deadline = absl::Now() + options_.drain_timeout;
  PlaceOrphans();
  std::vector<std::shared_ptr<SubscriberStream>> opened;
  std::vector<std::shared_ptr<SubscriberStream>> unopened;
  {
    absl::MutexLock lock(&mutex_);
    // A stream that is being opened takes them as soon as it is.
    const auto placed = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return (orphans_.empty() && placing_ == 0) || AllEnded();
    };
    mutex_.AwaitWithDeadline(absl::Condition(&placed), deadline);
    for (const Attempt& attempt : attempts_) {
      (attempt.opened ? opened : unopened).push_back(attempt.stream);
    }
  }
  for (const auto& stream : unopened) stream->Cancel();
  for (const auto& stream : opened) stream->CloseWhenIdle();
  {
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithDeadline(absl::Condition(this, &Engine::AllEnded), deadline);
  }
  EndStreams([](const Attempt&) { return true; });
  absl::MutexLock lock(&mutex_);
  if (orphans_.empty()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      orphans_.size(), " acknowledgement(s) not confirmed; their events may come again"));
}

void Subscriber::Engine::HandleDeliveries() {
  for (;;) {
    v1::Delivery delivery;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &Engine::HasWorkOrStops));
      if (stopping_) return;
      delivery = held_.Begin().delivery;
    }
    Settle(delivery.event().event_id(), handler_(delivery));
  }
}

void Subscriber::Engine::Settle(const std::string& event_id, Settlement settlement) {
  HeldEvents::Place place;
  {
    absl::MutexLock lock(&mutex_);
    place = held_.End(event_id);
  }
  if (settlement.action == Settlement::Action::kLeave) {
    return place.stream->Discard(place.delivery_id);
  }
  PendingSettlement pending{place.delivery_id, event_id, std::move(settlement)};
  if (place.stream->Settle(pending)) return;
  if (pending.settlement.action != Settlement::Action::kAck) return;
  {
    absl::MutexLock lock(&mutex_);
    orphans_.push_back(std::move(pending));
  }
  PlaceOrphans();
}

void Subscriber::Engine::PlaceOrphans() {
  for (;;) {
    std::shared_ptr<SubscriberStream> stream;
    std::vector<PendingSettlement> orphans;
    {
      absl::MutexLock lock(&mutex_);
      if (current_ == nullptr || orphans_.empty()) return;
      stream = current_;
      orphans.swap(orphans_);
      ++placing_;
    }
    std::vector<PendingSettlement> refused;
    for (PendingSettlement& orphan : orphans) {
      if (!stream->Adopt(orphan)) refused.push_back(std::move(orphan));
    }
    absl::MutexLock lock(&mutex_);
    --placing_;
    std::move(refused.begin(), refused.end(), std::back_inserter(orphans_));
    // Else another stream opened meanwhile and did not see these.
    if (current_ == stream) return;
  }
}

Subscriber::Engine::Attempt* Subscriber::Engine::Find(const SubscriberStream* stream) {
  const auto found = std::find_if(attempts_.begin(), attempts_.end(), [&](const Attempt& attempt) {
    return attempt.stream.get() == stream;
  });
  return found == attempts_.end() ? nullptr : &*found;
}

bool Subscriber::Engine::AllEnded() const {
  return std::all_of(attempts_.begin(), attempts_.end(),
                     [](const Attempt& attempt) { return attempt.ended; });
}

void Subscriber::Engine::OnOpened(SubscriberStream* stream, const v1::SubscribeOpened& opened) {
  std::vector<std::shared_ptr<SubscriberStream>> replaced;
  {
    absl::MutexLock lock(&mutex_);
    Attempt* const attempt = Find(stream);
    if (attempt == nullptr) return;  // given up already
    attempt->opened = true;
    attempt->opened_at = absl::Now();
    current_ = attempt->stream;
    for (const Attempt& other : attempts_) {
      if (other.going_away) replaced.push_back(other.stream);
    }
  }
  for (const auto& old : replaced) old->CloseWhenIdle();
  PlaceOrphans();
  if (options_.on_opened) options_.on_opened(opened);
}

void Subscriber::Engine::OnDelivery(std::shared_ptr<SubscriberStream> stream,
                                    v1::Delivery delivery) {
  std::optional<HeldEvents::Place> replaced;
  bool taken = false;
  {
    absl::MutexLock lock(&mutex_);
    // After a stop too, its handler settles what came again: released, it would be handled
    // elsewhere meanwhile.
    taken = !stopping_ || held_.Has(delivery.event().event_id());
    if (taken) replaced = held_.Take({stream, std::move(delivery)});
  }
  // NOLINTNEXTLINE(bugprone-use-after-move): what was not taken was not moved
  if (!taken) return GiveBack(stream.get(), delivery);
  if (replaced.has_value()) replaced->stream->Discard(replaced->delivery_id);
}

void Subscriber::Engine::OnGoAway(SubscriberStream* stream, const v1::GoAway& go_away) {
  // Of age alone, the gateway goes on delivering until the replacement is open; of anything else,
  // nothing more comes.
  if (go_away.reason() != v1::GoAway::REASON_MAX_AGE) stream->CloseWhenIdle();
  absl::MutexLock lock(&mutex_);
  Attempt* const attempt = Find(stream);
  if (attempt == nullptr) return;
  attempt->going_away = true;
  attempt->reason = go_away.reason();
}

void Subscriber::Engine::OnSettled(const Settled& settled) {
  if (options_.on_settled) options_.on_settled(settled);
}

Subscriber::Subscriber(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Subscriber::~Subscriber() = default;
void Subscriber::RequestStop() { engine_->RequestStop(); }
absl::Status Subscriber::Wait() { return engine_->Wait(); }

absl::Status Subscriber::Stop() {
  engine_->RequestStop();
  return engine_->Wait();
}

}  // namespace onhook::client
