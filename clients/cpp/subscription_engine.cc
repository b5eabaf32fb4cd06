#include "clients/cpp/subscription_engine.h"

#include <algorithm>
#include <deque>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "onhook/event_view.h"

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

// Why a stream's end is the subscription's end; OK if it is not. Whether a permission that was
// taken back is wholly gone, the replacement is told: a certificate that expired may have a
// successor.
absl::Status FinalStatus(v1::GoAway::Reason reason) {
  return reason == v1::GoAway::REASON_SUBSCRIPTION_DELETED
             ? absl::NotFoundError("the subscription was deleted")
             : absl::OkStatus();
}

}  // namespace

SubscriptionEngine::SubscriptionEngine(std::shared_ptr<const GatewayConnection> connection,
                                       SubscribeOptions options)
    : connection_(std::move(connection)),
      options_(std::move(options)),
      backoff_(connection_->options().reconnect, std::random_device()()),
      ends_(connection_->options()),
      supervisor_([this] { Supervise(); }) {}

void SubscriptionEngine::StopAndJoin() {
  RequestStop();
  supervisor_.join();
}

void SubscriptionEngine::RequestStop(absl::Duration grace) {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
  grace_until_ = std::min(grace_until_, SteadyNow() + std::max(grace, absl::ZeroDuration()));
  arrived_.SignalAll();
  changed_.SignalAll();
}

absl::Status SubscriptionEngine::Wait() {
  done_.WaitForNotification();
  return status_;
}

void SubscriptionEngine::SetPaused(bool paused) {
  std::vector<std::shared_ptr<SubscriberStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    paused_ = paused;
    for (const Attempt& attempt : attempts_) streams.push_back(attempt.stream);
  }
  for (const auto& stream : streams) stream->SetPaused(paused);
}

void SubscriptionEngine::Supervise() {
  const absl::Status ended = KeepStreamOpen();
  {
    absl::MutexLock lock(&mutex_);
    ended_ = ended;
  }
  RequestStop();
  if (!ended.ok() && options_.on_ending) options_.on_ending(ended);
  const absl::Status drained = Drain(ended);
  status_ = ended.ok() ? drained : ended;
  TellState(ConnectionState::kStopped, status_);
  done_.Notify();
}

absl::Status SubscriptionEngine::KeepStreamOpen() {
  bool wait_for_connection = false;
  for (;;) {
    TellState(ConnectionState::kConnecting, absl::OkStatus());
    Attempt* const attempt = StartAttempt(wait_for_connection);
    AwaitStopOrEnd(*attempt);
    std::optional<AttemptEnd> end = AwaitEnd(*attempt);
    if (!end.has_value()) return absl::OkStatus();
    StreamEnd& stream = end->stream;
    stream.why = connection_->Explain(std::move(stream.why));
    if (ends_.IsFinal(stream, SteadyNow())) return stream.why;
    if (!stream.why.ok() && ends_.IsNews(stream)) {
      if (options_.on_disconnected) options_.on_disconnected(stream.why);
      TellState(ConnectionState::kBackingOff, stream.why);
    }
    wait_for_connection = !stream.opened;
    // A second stream that goes away overtakes the first: no more than two at a time.
    EndStreams([attempt, going_away = end->going_away](const Attempt& other) {
      return other.ended || (going_away && &other != attempt);
    });
    if (stream.waited_in_vain) continue;
    const absl::Duration wait = end->going_away ? backoff_.AfterGoAway(end->lived, end->was_of_use)
                                                : backoff_.AfterStream(end->lived, end->was_of_use);
    if (StopsWithin(wait)) return absl::OkStatus();
  }
}

std::optional<SubscriptionEngine::AttemptEnd> SubscriptionEngine::AwaitEnd(const Attempt& attempt) {
  AttemptEnd end;
  {
    absl::MutexLock lock(&mutex_);
    const auto over = [this, &attempt]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return HandlersDone() || attempt.ended || attempt.going_away;
    };
    while (!over()) {
      const absl::Time until = GraceEnd();
      changed_.AwaitUntil(&mutex_, until, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return over() || GraceEnd() != until;
      });
    }
    if (HandlersDone()) return std::nullopt;
    end.going_away = attempt.going_away;
    end.lived = std::max(SteadyNow() - attempt.opened_at, absl::ZeroDuration());
    end.stream.opened = attempt.opened;
    if (attempt.going_away) {
      end.stream.why = FinalStatus(attempt.reason);
    } else {
      // An end with OK that nobody asked for is a lost stream.
      end.stream.why = attempt.status.ok() ? absl::UnavailableError("the gateway ended the stream")
                                           : attempt.status;
      end.stream.waited_in_vain = attempt.stream->waited_in_vain();
    }
  }
  end.was_of_use = attempt.stream->WasOfUse();
  return end;
}

void SubscriptionEngine::AwaitStopOrEnd(const Attempt& attempt) {
  {
    absl::MutexLock lock(&mutex_);
    changed_.Await(&mutex_, [this, &attempt]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return stopping_ || attempt.ended || attempt.going_away;
    });
    if (!stopping_) return;
  }
  GiveBackWaiting();
}

bool SubscriptionEngine::StopsWithin(absl::Duration delay) {
  const absl::Time deadline = SteadyNow() + delay;
  absl::MutexLock lock(&mutex_);
  while (!HandlersDone() && SteadyNow() < deadline) {
    const absl::Time until = std::min(deadline, GraceEnd());
    changed_.AwaitUntil(&mutex_, until, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return HandlersDone() || GraceEnd() < until;
    });
  }
  return HandlersDone();
}

SubscriptionEngine::Attempt* SubscriptionEngine::StartAttempt(bool wait_for_connection) {
  absl::MutexLock lock(&mutex_);
  Attempt& attempt = attempts_.emplace_back();
  SubscriberStream::Options options;
  options.ack_batch = options_.ack_batch;
  options.max_extension = options_.max_extension;
  options.paused = paused_ || stopping_;
  SubscriberStream::Listener* const listener = this;
  attempt.stream =
      std::make_shared<SubscriberStream>(connection_, OpenRequest(options_), options, listener);
  if (wait_for_connection) attempt.stream->WaitForConnection();
  attempt.thread = std::thread([this, &attempt] { RunAttempt(&attempt); });
  return &attempt;
}

void SubscriptionEngine::RunAttempt(Attempt* attempt) {
  const std::shared_ptr<SubscriberStream> stream = attempt->stream;
  absl::Status status = stream->Run();
  std::vector<PendingSettlement> unconfirmed = stream->TakeUnconfirmed();
  // The end of the stream has given back what was not to be acknowledged.
  const auto given_back = std::partition(unconfirmed.begin(), unconfirmed.end(),
                                         std::mem_fn(&PendingSettlement::IsAck));
  for (auto pending = given_back; pending != unconfirmed.end(); ++pending) {
    Answer(*pending, absl::UnavailableError("the stream was lost before an answer"));
  }
  unconfirmed.erase(given_back, unconfirmed.end());
  {
    absl::MutexLock lock(&mutex_);
    if (current_ == stream) current_ = nullptr;
    // Whatever waited for a handler comes again on another stream.
    held_.DropWaiting(stream.get());
    std::move(unconfirmed.begin(), unconfirmed.end(), std::back_inserter(orphans_));
  }
  PlaceOrphans();
  absl::MutexLock lock(&mutex_);
  attempt->status = std::move(status);
  attempt->ended = true;
  changed_.SignalAll();
}

void SubscriptionEngine::EndStreams(const std::function<bool(const Attempt&)>& wanted) {
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

void SubscriptionEngine::GiveBack(SubscriberStream* stream, std::string delivery_id,
                                  std::string event_id) {
  stream->SetPaused(true);
  PendingSettlement release{std::move(delivery_id), std::move(event_id),
                            Settlement::Release(kStopReason), std::nullopt, std::nullopt};
  // False: the stream's end gives it back as well.
  (void)stream->Settle(release);
}

void SubscriptionEngine::GiveBackWaiting() {
  std::deque<HeldEvents::Work> waiting;
  std::vector<std::shared_ptr<SubscriberStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    waiting = held_.TakeWaiting();
    for (const Attempt& attempt : attempts_) streams.push_back(attempt.stream);
  }
  for (const auto& stream : streams) stream->SetPaused(true);
  for (const HeldEvents::Work& work : waiting) {
    GiveBack(work.stream.get(), work.delivery.delivery_id(), work.delivery.event().event_id());
  }
}

void SubscriptionEngine::GiveBackBegun() {
  std::vector<std::pair<std::string, HeldEvents::Place>> begun;
  {
    absl::MutexLock lock(&mutex_);
    while (!HandlersDone()) {
      const absl::Time until = GraceEnd();
      changed_.AwaitUntil(&mutex_, until, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return HandlersDone() || GraceEnd() != until;
      });
    }
    begun = held_.TakeBegun();
  }
  for (auto& [event_id, place] : begun) {
    GiveBack(place.stream.get(), std::move(place.delivery_id), event_id);
  }
}

absl::Status SubscriptionEngine::Drain(const absl::Status& ended) {
  GiveBackWaiting();
  GiveBackBegun();
  const absl::Time deadline = SteadyNow() + options_.drain_timeout;
  EndOpenStreams(deadline);
  // What a lost stream could not confirm needs another.
  while (ended.ok() && OrphansNeedAnotherStream(deadline)) {
    TellState(ConnectionState::kConnecting, absl::OkStatus());
    StartAttempt(false);
    EndOpenStreams(deadline);
  }
  std::vector<PendingSettlement> unconfirmed;
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    unconfirmed.swap(orphans_);
  }
  const size_t count = unconfirmed.size();
  for (PendingSettlement& pending : unconfirmed) {
    Answer(pending, absl::UnavailableError("not confirmed before the consumer ended"));
  }
  if (count == 0) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(count, " acknowledgement(s) not confirmed; their events may come again"));
}

bool SubscriptionEngine::OrphansNeedAnotherStream(absl::Time deadline) {
  const absl::Duration wait = backoff_.AfterStream(absl::ZeroDuration(), false);
  absl::MutexLock lock(&mutex_);
  if (orphans_.empty()) return false;
  changed_.AwaitUntil(&mutex_, std::min(SteadyNow() + wait, deadline), [] { return false; });
  return SteadyNow() < deadline;
}

void SubscriptionEngine::EndOpenStreams(absl::Time deadline) {
  PlaceOrphans();
  std::vector<std::shared_ptr<SubscriberStream>> opened;
  std::vector<std::shared_ptr<SubscriberStream>> unopened;
  {
    absl::MutexLock lock(&mutex_);
    // A stream that is being opened takes them as soon as it is.
    changed_.AwaitUntil(&mutex_, deadline, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return (orphans_.empty() && placing_ == 0) || AllEnded();
    });
    for (const Attempt& attempt : attempts_) {
      (attempt.opened ? opened : unopened).push_back(attempt.stream);
    }
  }
  for (const auto& stream : unopened) stream->Cancel();
  for (const auto& stream : opened) stream->CloseWhenIdle();
  {
    absl::MutexLock lock(&mutex_);
    changed_.AwaitUntil(&mutex_, deadline,
                        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return AllEnded(); });
  }
  EndStreams([](const Attempt&) { return true; });
}

SubscriptionEngine::Attempt* SubscriptionEngine::Find(const SubscriberStream* stream) {
  const auto found = std::find_if(attempts_.begin(), attempts_.end(), [&](const Attempt& attempt) {
    return attempt.stream.get() == stream;
  });
  return found == attempts_.end() ? nullptr : &*found;
}

bool SubscriptionEngine::AllEnded() const {
  return std::all_of(attempts_.begin(), attempts_.end(),
                     [](const Attempt& attempt) { return attempt.ended; });
}

void SubscriptionEngine::OnOpened(SubscriberStream* stream, const v1::SubscribeOpened& opened) {
  std::vector<std::shared_ptr<SubscriberStream>> replaced;
  {
    absl::MutexLock lock(&mutex_);
    Attempt* const attempt = Find(stream);
    if (attempt == nullptr) return;  // given up already
    attempt->opened = true;
    attempt->opened_at = SteadyNow();
    current_ = attempt->stream;
    for (const Attempt& other : attempts_) {
      if (other.going_away) replaced.push_back(other.stream);
    }
  }
  for (const auto& old : replaced) old->CloseWhenIdle();
  PlaceOrphans();
  if (options_.on_opened) options_.on_opened(opened);
  TellState(ConnectionState::kStreaming, absl::OkStatus());
}

void SubscriptionEngine::OnDeliveries(const std::shared_ptr<SubscriberStream>& stream,
                                      v1::Deliveries& deliveries) {
  std::vector<HeldEvents::Place> replaced;
  std::vector<const v1::Delivery*> refused;
  {
    absl::MutexLock lock(&mutex_);
    for (v1::Delivery& delivery : *deliveries.mutable_deliveries()) {
      // After a stop too, its handler settles what came again: released, it would be handled
      // elsewhere meanwhile.
      if (stopping_ && !held_.Has(delivery.event().event_id())) {
        refused.push_back(&delivery);
        continue;
      }
      auto place = held_.Take({stream, std::move(delivery)});
      if (place.has_value()) replaced.push_back(*std::move(place));
    }
    arrived_.SignalAll();
  }
  for (const v1::Delivery* const delivery : refused) {
    GiveBack(stream.get(), delivery->delivery_id(), delivery->event().event_id());
  }
  for (const HeldEvents::Place& place : replaced) place.stream->Discard(place.delivery_id);
}

void SubscriptionEngine::OnGoAway(SubscriberStream* stream, const v1::GoAway& go_away) {
  // Of age alone, the gateway goes on delivering until the replacement is open; of anything else,
  // nothing more comes.
  if (go_away.reason() != v1::GoAway::REASON_MAX_AGE) stream->CloseWhenIdle();
  absl::MutexLock lock(&mutex_);
  Attempt* const attempt = Find(stream);
  if (attempt == nullptr) return;
  attempt->going_away = true;
  attempt->reason = go_away.reason();
  changed_.SignalAll();
}

void SubscriptionEngine::OnAnswered(PendingSettlement settlement, absl::Status status) {
  if (options_.on_settled && !settlement.extension.has_value()) {
    options_.on_settled(
        {settlement.delivery_id, settlement.event_id, settlement.settlement, status});
  }
  Answer(settlement, std::move(status));
}

void SubscriptionEngine::TellState(ConnectionState state, const absl::Status& why) {
  {
    absl::MutexLock lock(&mutex_);
    if (state_ == state && state == ConnectionState::kConnecting) return;
    state_ = state;
  }
  if (options_.on_state) options_.on_state(state, why);
}

}  // namespace onhook::client
