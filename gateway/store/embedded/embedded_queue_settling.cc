// What is asked of an EmbeddedQueue about deliveries: begun, written, finished.

#include <algorithm>
#include <set>
#include <utility>

#include "gateway/store/delivery_id.h"
#include "gateway/store/embedded/embedded_queue.h"

namespace onhook {
namespace {

using Action = SettleRequest::Action;
using Decision = SubscriptionState::Decision;
using Next = SubscriptionState::Next;

// The floor is saved after so many commits: bounds what opening reads.
constexpr int kCommitsBetweenSaves = 256;
// Deliveries that one operation ends, about: some ten milliseconds of a transaction, which ingress
// shares. A single request is never divided.
constexpr size_t kMostDecisionsInOneGo = 2000;

}  // namespace

// Takes all that is pending in the queue when its turn comes, so one operation serves many
// requests.
class EmbeddedQueue::SettleOperation final : public CommitOperation {
 public:
  explicit SettleOperation(std::shared_ptr<EmbeddedQueue> queue) : queue_(std::move(queue)) {}
  size_t bytes() const override { return 512; }
  absl::Status Apply(Storage& storage) override {
    applied_ = true;
    journal_ = queue_->TakePending();
    return queue_->Write(journal_, storage);
  }
  // In the order of the writing: a redrive or a seek may follow in the same transaction.
  void Publish() override { queue_->Finish(journal_, absl::OkStatus()); }
  void Finish(const absl::Status& status) override {
    // Refused, perhaps while another one is being written.
    if (!applied_) journal_ = queue_->TakePending();
    if (applied_ && !status.ok()) queue_->commits_since_save_ = kCommitsBetweenSaves;
    if (!status.ok()) queue_->Finish(journal_, status);
    queue_->Answer(std::move(journal_), status);
  }

 private:
  const std::shared_ptr<EmbeddedQueue> queue_;
  bool applied_ = false;
  Journal journal_;
};

void EmbeddedQueue::Settle(const SettleRequest& request, SettleDone done) {
  Wish wish;
  wish.done = std::move(done);
  wish.action = request.action;
  wish.asked = request.delivery_ids.size();
  wish.decisions.reserve(wish.asked);
  wish.indexes.reserve(wish.asked);
  wish.consumer_name = request.consumer_name;
  wish.reason = request.reason;
  std::optional<Wish> answered;  // at once
  Calls calls;
  bool submit = false;
  bool hasten = false;
  {
    absl::MutexLock lock(&mutex_);
    for (size_t i = 0; i < request.delivery_ids.size(); ++i) Begin(request, i, wish, calls);
    WakeOne(calls);  // something may have been released
    // Also a request that changes nothing waits its turn behind those that settle what it names.
    if (request.action != Action::kRelease && !deleted_) {
      hasten = IsWaitedFor(wish);
      pending_.push_back(std::move(wish));
      submit = MustSubmit();
    } else {
      answered = std::move(wish);
    }
  }
  if (submit) SubmitSettling();
  if (hasten) environment_.commits->Hasten();
  if (answered.has_value()) {
    counters_.CountAnswered(answered->action, answered->asked, answered->exceptions);
    answered->done(std::move(answered->exceptions));
  }
  Call(calls);
}

std::optional<Next> EmbeddedQueue::Parse(const std::string& delivery_id, LeaseNumber& lease) const {
  const std::optional<DeliveryId> id = DeliveryId::FromText(delivery_id);
  if (deleted_ || !id.has_value() || id->epoch != record_.epoch || !state_.KnowsLease(id->lease) ||
      id->sequence > environment_.event_log->last()) {
    return std::nullopt;
  }
  lease = id->lease;
  return Next{id->sequence};
}

void EmbeddedQueue::Begin(const SettleRequest& request, size_t index, Wish& wish, Calls& calls) {
  LeaseNumber lease = 0;
  const std::optional<Next> named = Parse(request.delivery_ids[index], lease);
  if (!named.has_value()) {
    wish.exceptions.push_back({index, SettleError::kUnknown});
    return;
  }
  std::optional<Decision> decision;
  bool stale = false;
  switch (request.action) {
    case Action::kAck:
      decision = state_.BeginAck(named->sequence);
      break;
    case Action::kSkip:
      decision = state_.BeginSkip(named->sequence, lease);
      stale = !decision.has_value();
      break;
    case Action::kRetry:
    case Action::kPark:
      decision = state_.BeginNack(named->sequence, lease, request.action, request.delay, Now());
      stale = !decision.has_value();
      break;
    case Action::kRelease: {
      const std::optional<ConsumerId> freed = state_.ReleaseLease(named->sequence, lease, Now());
      stale = !freed.has_value();
      if (!freed.has_value()) break;
      recent_.Add(named->sequence, v1::TimelineEntry::KIND_NACKED, 0,
                  std::make_shared<const std::string>(request.consumer_name),
                  request.reason.empty() ? "released" : request.reason, environment_.clock->Now());
      line_.WakeForCredit(*freed, calls);
      break;
    }
  }
  if (stale) wish.exceptions.push_back({index, SettleError::kStale});
  if (!decision.has_value()) return;
  wish.decisions.push_back(*decision);
  wish.indexes.push_back(index);
}

std::vector<SettleException> EmbeddedQueue::Extend(const std::vector<std::string>& delivery_ids,
                                                   absl::Duration ack_deadline) {
  std::vector<SettleException> exceptions;
  absl::MutexLock lock(&mutex_);
  const Moment now = Now();
  for (size_t i = 0; i < delivery_ids.size(); ++i) {
    LeaseNumber lease = 0;
    const std::optional<Next> named = Parse(delivery_ids[i], lease);
    if (!named.has_value()) {
      exceptions.push_back({i, SettleError::kUnknown});
    } else if (!state_.Extend(named->sequence, lease, ack_deadline, now)) {
      exceptions.push_back({i, SettleError::kStale});
    }
  }
  return exceptions;
}

void EmbeddedQueue::AddWishes(std::vector<Decision> decisions) {
  for (const Decision& decision : decisions) {
    const ConsumerLine::Name name = line_.NameOf(decision.consumer);
    Wish wish;
    if (name != nullptr) wish.consumer_name = *name;
    wish.decisions.push_back(decision);
    wish.indexes.push_back(0);
    pending_.push_back(std::move(wish));
  }
}

bool EmbeddedQueue::MustSubmit() {
  if (settle_queued_ || (pending_.empty() && unrequested_.empty())) return false;
  settle_queued_ = true;
  return true;
}

bool EmbeddedQueue::IsWaitedFor(const Wish& wish) const {
  // Whoever settles usually settles what one consumer has.
  if (wish.decisions.empty()) return false;
  return line_.WaitsForCredit(wish.decisions.front().consumer);
}

void EmbeddedQueue::SubmitSettling() {
  environment_.commits->Submit(std::make_unique<SettleOperation>(shared_from_this()),
                               CommitQueue::Urgency::kMayLinger);
}

EmbeddedQueue::Journal EmbeddedQueue::TakePending() {
  absl::MutexLock lock(&mutex_);
  settle_queued_ = false;
  Journal journal;
  for (size_t decisions = 0; !pending_.empty() && decisions < kMostDecisionsInOneGo;) {
    decisions += pending_.front().decisions.size();
    journal.wishes.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  journal.unrequested = std::exchange(unrequested_, {});
  return journal;
}

absl::Status EmbeddedQueue::Write(Journal& journal, Storage& storage) {
  SettlementBatch batch(id_, first_epoch_number_, environment_.cautious_clock->Latest());
  std::optional<SubscriptionProgress> progress;
  {
    absl::MutexLock lock(&mutex_);
    journal.deleted = deleted_;
    if (deleted_) return absl::OkStatus();
    for (Wish& wish : journal.wishes) {
      for (Decision& decision : wish.decisions) {
        // A dead letter may have come since it was begun, by what was decided before a seek.
        const bool dead = state_.HasDeadLetter(decision.sequence) ||
                          state_.redriven().Contains(decision.sequence);
        decision.ends_dead_letter =
            decision.ends_dead_letter ||
            (dead && decision.outcome == SubscriptionState::Outcome::kSettle);
        const bool settled =
            decision.epoch == state_.epoch() && state_.IsSettled(decision.sequence);
        batch.Add(decision, wish.consumer_name, wish.reason, settled);
      }
    }
    using Kind = SettlementRow::Kind;
    batch.AddRuns(state_.epoch(), journal.unrequested.excluded, Kind::kFiltered);
    batch.AddRuns(state_.epoch(), journal.unrequested.dropped, Kind::kDropped);
    if (journal.unrequested.progress || !journal.unrequested.dropped.empty() ||
        ++commits_since_save_ >= kCommitsBetweenSaves) {
      progress = {id_, record_.epoch_number, state_.floor(), record_.last_used_at,
                  record_.dropped_by_limit};
      commits_since_save_ = 0;
    }
  }
  journal.processed = batch.processed();
  if (progress.has_value()) {
    if (absl::Status status = storage.SaveProgress(*progress); !status.ok()) return status;
  }
  return batch.Write(storage);
}

void EmbeddedQueue::RefuseTheRest(Wish& wish) {
  // Also what needed no decision: it may be settled in memory only, by what has just failed.
  std::set<size_t> told;
  for (const SettleException& exception : wish.exceptions) told.insert(exception.index);
  for (size_t index = 0; index < wish.asked; ++index) {
    if (told.count(index) == 0) wish.exceptions.push_back({index, SettleError::kRetryLater});
  }
}

void EmbeddedQueue::Finish(Journal& journal, const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  const Moment now = Now();
  const bool had_room = state_.HasRoom();
  for (Wish& wish : journal.wishes) {
    for (size_t i = 0; i < wish.decisions.size(); ++i) {
      const Decision& decision = wish.decisions[i];
      line_.WakeForCredit(state_.Finish(decision, status.ok() && !journal.deleted, now),
                          journal.calls);
      const bool settles = decision.outcome != SubscriptionState::Outcome::kRetry;
      if (decision.kind == v1::TimelineEntry::KIND_DEADLINE_EXPIRED) counters_.CountExpired();
      if (journal.deleted) {
        wish.exceptions.push_back({wish.indexes[i], SettleError::kUnknown});
      } else if (status.ok() && settles) {
        ++settled_;
        if (decision.outcome == SubscriptionState::Outcome::kPark) {
          counters_.CountParked();
          journal.parked = std::max(journal.parked, parking_.Occurred());
        }
      }
    }
    if (!status.ok()) RefuseTheRest(wish);
  }
  if (!status.ok()) {  // with the next tick
    for (const auto& [first, last] : journal.unrequested.excluded.runs()) {
      unrequested_.excluded.Add({first, last});
    }
    for (const auto& [first, last] : journal.unrequested.dropped.runs()) {
      unrequested_.dropped.Add({first, last});
    }
    unrequested_.progress = unrequested_.progress || journal.unrequested.progress;
  }
  // Something may have been returned. With room again, consumers are at the tail again.
  WakeOne(journal.calls_first);
  if (!had_room && state_.HasRoom()) line_.WakeAll(journal.calls);
}

void EmbeddedQueue::Answer(Journal journal, const absl::Status& status) {
  bool submit = false;
  {
    absl::MutexLock lock(&mutex_);
    submit = !pending_.empty() && MustSubmit();
  }
  if (submit) SubmitSettling();
  // Before the answers: a callback may wait for what is handed out now.
  Call(journal.calls_first);
  if (journal.parked > 0) {
    environment_.log->Warning("store", "events were parked among the dead letters",
                              {{"subscription", name_}, {"events", journal.parked}});
  }
  for (Wish& wish : journal.wishes) {
    if (wish.done == nullptr) continue;
    std::sort(wish.exceptions.begin(), wish.exceptions.end(),
              [](const auto& a, const auto& b) { return a.index < b.index; });
    counters_.CountAnswered(wish.action, wish.asked, wish.exceptions);
    wish.done(std::move(wish.exceptions));
  }
  if (status.ok() && !journal.processed.empty()) {
    for (const auto& listener : *environment_.settled_listeners) {
      listener(name_, journal.processed);
    }
  }
  // Behind them: a consumer hears of what gave it credit before it sees what that brought.
  Call(journal.calls);
}

}  // namespace onhook
