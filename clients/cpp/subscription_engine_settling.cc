// Of SubscriptionEngine: how deliveries are taken, and what becomes of their settlements.
#include <utility>

#include "clients/cpp/subscription_engine.h"

namespace onhook::client {

std::optional<v1::Delivery> SubscriptionEngine::TakeMessage() {
  absl::MutexLock lock(&mutex_);
  arrived_.Await(&mutex_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || held_.HasWaiting();
  });
  if (stopping_) return std::nullopt;
  return held_.Begin().delivery;
}

absl::StatusOr<Delivery> SubscriptionEngine::TakeDelivery(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const auto over = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || held_.HasWaiting();
  };
  if (!over() && !arrived_.AwaitUntil(&mutex_, SteadyNow() + timeout, over)) {
    return absl::DeadlineExceededError("no event came");
  }
  if (!ended_.ok()) return ended_;
  if (stopping_) return absl::CancelledError("the consumer was stopped");
  return Make(shared_from_this(), held_.Begin().delivery);
}

void SubscriptionEngine::Settle(const std::string& event_id, Settlement settlement) {
  PendingSettlement pending;
  pending.settlement = std::move(settlement);
  Settle(event_id, std::move(pending));
}

void SubscriptionEngine::Settle(const std::string& event_id, Settlement settlement,
                                std::promise<absl::Status> answer) {
  PendingSettlement pending;
  pending.settlement = std::move(settlement);
  pending.answer = std::move(answer);
  Settle(event_id, std::move(pending));
}

void SubscriptionEngine::Abandon(const std::string& event_id) {
  PendingSettlement pending;
  {
    absl::MutexLock lock(&mutex_);
    pending.settlement = stopping_ ? Settlement::Release(kStopReason)
                                   : Settlement::Retry("the delivery was dropped unsettled");
  }
  Settle(event_id, std::move(pending));
}

void SubscriptionEngine::Settle(const std::string& event_id, PendingSettlement pending) {
  std::optional<HeldEvents::Place> place;
  {
    absl::MutexLock lock(&mutex_);
    place = held_.End(event_id);
    ++placing_;
  }
  bool is_orphan = false;
  if (!place.has_value()) {
    Answer(pending, absl::UnavailableError("it was given back when the grace was over"));
  } else if (pending.settlement.action == Settlement::Action::kLeave) {
    place->stream->Discard(place->delivery_id);
    Answer(pending, absl::OkStatus());
  } else {
    pending.delivery_id = std::move(place->delivery_id);
    pending.event_id = event_id;
    const bool taken = place->stream->Settle(pending);
    is_orphan = !taken && pending.IsAck();
    if (!taken && !is_orphan) {
      Answer(pending, absl::UnavailableError("its stream was lost; it comes again"));
    }
  }
  {
    absl::MutexLock lock(&mutex_);
    --placing_;
    if (stopping_) changed_.SignalAll();
    if (!is_orphan) return;
    if (!closed_) orphans_.push_back(std::move(pending));
    is_orphan = !closed_;
  }
  if (is_orphan) return PlaceOrphans();
  // NOLINTNEXTLINE(bugprone-use-after-move): what was not kept was not moved
  Answer(pending, absl::UnavailableError("the consumer has ended"));
}

void SubscriptionEngine::Extend(const std::string& event_id, absl::Duration ack_deadline,
                                std::promise<absl::Status> answer) {
  PendingSettlement pending;
  pending.extension = ack_deadline;
  pending.answer = std::move(answer);
  std::shared_ptr<SubscriberStream> stream;
  {
    absl::MutexLock lock(&mutex_);
    if (const HeldEvents::Place* const place = held_.Find(event_id); place != nullptr) {
      stream = place->stream;
      pending.delivery_id = place->delivery_id;
    }
  }
  if (stream != nullptr && stream->Adopt(pending)) return;
  Answer(pending, absl::UnavailableError("its stream was lost; it comes again"));
}

void SubscriptionEngine::Answer(PendingSettlement& settlement, absl::Status status) {
  if (settlement.answer.has_value()) settlement.answer->set_value(std::move(status));
}

void SubscriptionEngine::PlaceOrphans() {
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
    changed_.SignalAll();
    // Else another stream opened meanwhile and did not see these.
    if (current_ == stream) return;
  }
}

}  // namespace onhook::client
