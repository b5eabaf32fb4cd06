#include "gateway/store/embedded/embedded_queue.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "gateway/store/delivery_id.h"
#include "gateway/store/subscription_spec.h"

namespace onhook {
namespace {

// After so many journal rows the state beside them is saved again: bounds what opening reads.
constexpr int64_t kRowsBetweenSaves = 256;

}  // namespace

// Takes all that is pending in the queue when its turn comes, so one operation serves many
// requests.
class EmbeddedQueue::SettleOperation final : public CommitOperation {
 public:
  explicit SettleOperation(EmbeddedQueue* queue) : queue_(queue) {}
  size_t bytes() const override { return 512; }
  absl::Status Apply(Storage& storage) override {
    applied_ = true;
    requests_ = queue_->TakePending();
    return queue_->WriteSettlements(requests_, storage);
  }
  void Finish(const absl::Status& status) override {
    if (applied_) {
      queue_->FinishJournal(status);
    } else {
      requests_ = queue_->TakePending();  // refused, perhaps while another one is being written
    }
    queue_->FinishSettlements(std::move(requests_), status);
  }

 private:
  EmbeddedQueue* const queue_;
  bool applied_ = false;
  std::vector<SettleRequest> requests_;
};

EmbeddedQueue::EmbeddedQueue(SubscriptionRecord record, EventLog* event_log, CommitQueue* commits,
                             const Clock* clock, const Log* log)
    : record_(std::move(record)),
      event_log_(event_log),
      commits_(commits),
      clock_(clock),
      log_(log),
      state_(record_.floor, record_.settled, MaxUnackedEvents(record_.spec)),
      journal_id_(record_.journal_id),
      journal_id_in_transaction_(record_.journal_id),
      saved_journal_id_(record_.journal_id),
      saved_in_transaction_(record_.journal_id) {}

ConsumerId EmbeddedQueue::Attach(const std::string& consumer_name, ConsumerLimits limits,
                                 Ready ready) {
  absl::MutexLock lock(&mutex_);
  const ConsumerId id = next_consumer_++;
  consumers_[id] = {consumer_name, Waiting::kNo, std::make_shared<Ready>(std::move(ready))};
  state_.Attach(id, limits);
  return id;
}

void EmbeddedQueue::Detach(ConsumerId consumer) {
  ReadyCalls calls;
  {
    absl::MutexLock lock(&mutex_);
    if (consumers_.erase(consumer) == 0) return;
    state_.Detach(consumer);
    TakeWaitingForEvents(calls);  // what it held, or a signal it had taken, is theirs now
  }
  for (const auto& ready : calls) (*ready)();
}

void EmbeddedQueue::SetLimits(ConsumerId consumer, ConsumerLimits limits) {
  ReadyCalls calls;
  {
    absl::MutexLock lock(&mutex_);
    state_.SetLimits(consumer, limits);
    TakeWaitingForCredit(consumer, calls);
  }
  for (const auto& ready : calls) (*ready)();
}

PullResult EmbeddedQueue::Pull(ConsumerId consumer, ReadLimits limits) {
  PullResult result;
  for (bool may_read = true; true;) {
    std::optional<SubscriptionState::Next> missing;
    {
      absl::MutexLock lock(&mutex_);
      const auto it = consumers_.find(consumer);
      if (it == consumers_.end()) return result;
      missing = LeaseWhatIsHere(consumer, limits, result);
      if (!missing.has_value() || reading_ || !may_read) {
        if (result.leases.empty() && it->second.waiting == Waiting::kNo) {
          it->second.waiting = result.has_credit ? Waiting::kForEvents : Waiting::kForCredit;
          if (result.has_credit) waiting_for_events_.push_back(consumer);
        }
        return result;
      }
      reading_ = true;
      read_failed_ = false;
    }
    Read(*missing, limits);
    absl::MutexLock lock(&mutex_);
    may_read = !read_failed_;
  }
}

std::optional<SubscriptionState::Next> EmbeddedQueue::LeaseWhatIsHere(ConsumerId consumer,
                                                                      ReadLimits limits,
                                                                      PullResult& result) {
  size_t bytes = 0;
  for (const Lease& lease : result.leases) bytes += lease.event->event.size();
  while (true) {
    result.at_tail = false;
    result.has_credit = state_.HasCredit(consumer);
    if (result.leases.size() >= limits.max_events || bytes >= limits.max_bytes ||
        !result.has_credit) {
      return std::nullopt;
    }
    const Sequence last = event_log_->last();
    const std::optional<SubscriptionState::Next> next = state_.PeekNext(last);
    if (!next.has_value()) {
      result.at_tail = state_.next_fresh() > last;  // or too much is unsettled to go on
      return std::nullopt;
    }
    const LogEventPtr event = EventOf(*next);
    if (event == nullptr) return next;
    if (event->corrupt) {
      state_.SetAside(*next);
      held_.erase(next->sequence);
      continue;
    }
    const auto size = static_cast<int64_t>(event->event.size());
    result.has_credit = state_.HasCredit(consumer, size);
    if (!result.has_credit) return std::nullopt;
    bytes += event->event.size();
    state_.LeaseNext(*next, consumer, size);
    held_[next->sequence] = event;
    result.leases.push_back({DeliveryId{record_.epoch, next->sequence, 1}.ToText(), event, 1,
                             /*stream_lost=*/next->returned});
  }
}

LogEventPtr EmbeddedQueue::EventOf(const SubscriptionState::Next& next) {
  if (next.returned) {
    const auto held = held_.find(next.sequence);
    return held == held_.end() ? nullptr : held->second;
  }
  while (!fresh_.empty() && fresh_.front()->sequence < next.sequence) fresh_.pop_front();
  if (fresh_.empty() || fresh_.front()->sequence != next.sequence) return nullptr;
  return fresh_.front();
}

void EmbeddedQueue::Read(const SubscriptionState::Next& next, ReadLimits limits) {
  if (next.returned) limits.max_events = 1;
  event_log_->Read(next.sequence - 1, limits, [this, next](absl::StatusOr<LogPage> page) {
    if (page.ok() && (page->events.empty() || page->events.front()->sequence != next.sequence)) {
      page = absl::InternalError("the log does not hold what it should");
    }
    // A failed read is tried again with the next signal; closing is the usual reason.
    if (!page.ok() && !absl::IsUnavailable(page.status())) {
      log_->Error("store", "reading for a subscription failed",
                  {{"subscription", record_.name}, {"status", page.status()}});
    }
    ReadyCalls calls;
    {
      absl::MutexLock lock(&mutex_);
      reading_ = false;
      read_failed_ = !page.ok();
      if (page.ok()) {
        const auto now = state_.PeekNext(event_log_->last());
        if (!next.returned) {
          fresh_.assign(page->events.begin(), page->events.end());
        } else if (now.has_value() && now->returned && now->sequence == next.sequence) {
          held_[next.sequence] = page->events.front();  // or it was settled meanwhile
        }
        TakeWaitingForEvents(calls);
      }
    }
    for (const auto& ready : calls) (*ready)();
  });
}

void EmbeddedQueue::TailGrew() {
  ReadyCalls calls;
  {
    absl::MutexLock lock(&mutex_);
    TakeWaitingForEvents(calls);
  }
  for (const auto& ready : calls) (*ready)();
}

void EmbeddedQueue::TakeWaitingForEvents(ReadyCalls& calls) {
  for (const ConsumerId id : waiting_for_events_) {
    const auto it = consumers_.find(id);
    if (it == consumers_.end()) continue;
    it->second.waiting = Waiting::kNo;
    calls.push_back(it->second.ready);
  }
  waiting_for_events_.clear();
}

void EmbeddedQueue::TakeWaitingForCredit(ConsumerId consumer, ReadyCalls& calls) {
  const auto it = consumers_.find(consumer);
  if (it == consumers_.end() || it->second.waiting != Waiting::kForCredit) return;
  it->second.waiting = Waiting::kNo;
  calls.push_back(it->second.ready);
}

void EmbeddedQueue::Ack(const std::vector<std::string>& delivery_ids,
                        const std::string& consumer_name, SettleDone done) {
  SettleRequest request;
  request.consumer_name = consumer_name;
  request.done = std::move(done);
  const Sequence last = event_log_->last();
  {
    absl::MutexLock lock(&mutex_);
    for (size_t i = 0; i < delivery_ids.size(); ++i) {
      const std::optional<DeliveryId> id = DeliveryId::FromText(delivery_ids[i]);
      if (!id.has_value() || id->epoch != record_.epoch || id->sequence > last) {
        request.exceptions.push_back({i, SettleError::kUnknown});
      } else if (state_.BeginSettling(id->sequence) == SubscriptionState::Settling::kStarted) {
        request.sequences.push_back(id->sequence);
        request.indexes.push_back(i);
      }
    }
    // Also a request that changes nothing waits its turn behind those that settle what it names.
    pending_.push_back(std::move(request));
    if (settle_queued_) return;
    settle_queued_ = true;
  }
  commits_->Submit(std::make_unique<SettleOperation>(this), CommitQueue::Urgency::kMayLinger);
}

std::vector<EmbeddedQueue::SettleRequest> EmbeddedQueue::TakePending() {
  absl::MutexLock lock(&mutex_);
  settle_queued_ = false;
  return std::exchange(pending_, {});
}

absl::Status EmbeddedQueue::WriteSettlements(const std::vector<SettleRequest>& requests,
                                             Storage& storage) {
  std::map<std::string, SequenceSet> by_consumer;
  SubscriptionRecord saved;
  journal_id_in_transaction_ = journal_id_;
  for (const SettleRequest& request : requests) {
    if (request.sequences.empty()) continue;
    SequenceSet& set = by_consumer[request.consumer_name];
    for (const Sequence sequence : request.sequences) set.Add(sequence);
  }
  if (journal_id_ - saved_journal_id_ >= kRowsBetweenSaves) {
    saved.id = record_.id;
    saved.journal_id = journal_id_;
    {
      absl::MutexLock lock(&mutex_);
      saved.floor = state_.floor();
      saved.settled = state_.settled();
    }
    if (absl::Status status = storage.SaveState(saved); !status.ok()) return status;
    saved_in_transaction_ = journal_id_;
  }
  const absl::Time now = clock_->Now();
  for (auto& [consumer_name, sequences] : by_consumer) {
    const absl::Status status = storage.InsertSettlement(
        {record_.id, ++journal_id_in_transaction_, std::move(sequences), consumer_name, now});
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void EmbeddedQueue::FinishJournal(const absl::Status& status) {
  if (status.ok()) {
    journal_id_ = journal_id_in_transaction_;
    saved_journal_id_ = saved_in_transaction_;
  }
  saved_in_transaction_ = saved_journal_id_;
}

void EmbeddedQueue::FinishSettlements(std::vector<SettleRequest> requests,
                                      const absl::Status& status) {
  ReadyCalls calls;
  {
    absl::MutexLock lock(&mutex_);
    const bool owed_something = OwesSomething();
    for (SettleRequest& request : requests) {
      for (size_t i = 0; i < request.sequences.size(); ++i) {
        const Sequence sequence = request.sequences[i];
        if (status.ok()) {
          held_.erase(sequence);
          const ConsumerId holder = state_.Settled(sequence);
          if (holder != 0) TakeWaitingForCredit(holder, calls);
        } else {
          state_.SettlingFailed(sequence);
          request.exceptions.push_back({request.indexes[i], SettleError::kRetryLater});
        }
      }
    }
    // Something may have been returned, or the floor has made room for more.
    if (!owed_something && OwesSomething()) TakeWaitingForEvents(calls);
  }
  for (SettleRequest& request : requests) {
    std::sort(request.exceptions.begin(), request.exceptions.end(),
              [](const auto& a, const auto& b) { return a.index < b.index; });
    request.done(std::move(request.exceptions));
  }
  for (const auto& ready : calls) (*ready)();
}

bool EmbeddedQueue::OwesSomething() const {
  return state_.PeekNext(event_log_->last()).has_value();
}

QueueStats EmbeddedQueue::Stats() const {
  absl::MutexLock lock(&mutex_);
  QueueStats stats;
  stats.connected_consumers = static_cast<int64_t>(consumers_.size());
  stats.backlog_events = state_.Backlog(event_log_->last());
  stats.outstanding_events = state_.outstanding();
  return stats;
}

}  // namespace onhook
