#include "gateway/store/jetstream/jetstream_queue.h"

#include <algorithm>

#include "gateway/config/subscription_spec.h"
#include "gateway/store/delivery_id.h"
#include "gateway/store/embedded/random_bits.h"

namespace onhook {
namespace {

using Next = SubscriptionState::Next;

constexpr absl::Duration kWarningInterval = absl::Minutes(1);
// A subscription counts as unused only when it was so for this long before the gateway's own eyes,
// in which others would have told of its use more than once.
constexpr absl::Duration kUnusedBeforeOurEyes = absl::Hours(1);
constexpr absl::Duration kLongestUse = absl::Minutes(30);
// With nothing new for so long, while the servers are asked for more, there is nothing more.
constexpr absl::Duration kQuiet = absl::Milliseconds(100);
// Lease numbers begin at random, so that one gateway's are not another's: below 2^62, with room for
// years of deliveries.
constexpr uint64_t kLeaseMask = (uint64_t{1} << 62) - 1;

}  // namespace

JetStreamQueue::JetStreamQueue(int64_t place, SubscriptionRecord record, Letters letters,
                               LostEvents lost, SequenceSet processed,
                               const JetStreamQueueEnvironment* environment)
    : name_(record.name),
      environment_(*environment),
      first_lease_((RandomBits() & kLeaseMask) | 1),
      parking_(environment->clock, kWarningInterval),
      parking_fails_(environment->clock, kWarningInterval),
      dropping_(environment->clock, kWarningInterval),
      opening_fails_(environment->clock, kWarningInterval) {
  absl::MutexLock lock(&mutex_);
  record_ = std::move(record);
  letters_ = std::move(letters);
  lost_ = std::move(lost);
  processed_ = std::move(processed);
  tried_ = std::move(record_.tried);
  rules_ = RulesOf(record_.spec, record_.origin != SubscriptionRecord::Origin::kCreated);
  filter_ = EventFilter(rules_.filter);
  state_ = MakeState();
  place_ = place;
  unused_since_ = alive_at_ = environment_.clock->Elapsed();
}

std::unique_ptr<SubscriptionState> JetStreamQueue::MakeState() {
  SubscriptionState::Beginning beginning;
  beginning.floor = record_.floor;
  beginning.settled = std::move(record_.settled);
  beginning.settled.RemoveThrough(beginning.floor);
  for (const auto& [sequence, letter] : letters_) {
    (letter.copy == 0 ? beginning.dead_letters : beginning.redriven).Add(sequence);
  }
  beginning.replayed_through = record_.replayed_through;
  beginning.first_lease = first_lease_;
  beginning.paused = record_.paused;
  beginning.shared = true;
  base_epoch_ = record_.epoch_number;
  return std::make_unique<SubscriptionState>(std::move(beginning), rules_, RandomBits(), Now());
}

// ------------------------------------------------------------------------------------ consumers

ConsumerId JetStreamQueue::Attach(ConsumerOptions options, ConsumerCallbacks callbacks) {
  ConsumerId id = 0;
  ConsumerLine::Calls deletions;
  {
    absl::MutexLock lock(&mutex_);
    id = line_.Add(std::move(options.name), std::move(callbacks));
    if (deleted_) {
      deletions = line_.Clear();
    } else {
      const absl::Time latest = environment_.cautious_clock->Latest();
      unrequested_.used =
          unrequested_.used || latest - std::exchange(record_.last_used_at, latest) > UseInterval();
      attached_[id] = {options.limits, options.ack_deadline};
      state_->Attach(id, options.limits, options.ack_deadline);
    }
  }
  for (const auto& call : deletions) call->deleted();
  TellWanted();
  return id;
}

void JetStreamQueue::Detach(ConsumerId consumer, Departure departure) {
  Todo todo;
  {
    absl::MutexLock lock(&mutex_);
    const ConsumerLine::Name name = line_.NameOf(consumer);
    if (name == nullptr) return;
    const Moment now = Now();
    SubscriptionState::Detached detached = state_->Detach(consumer, departure, now);
    for (const Sequence sequence : detached.lost) {
      recent_.Add(sequence, v1::TimelineEntry::KIND_STREAM_LOST, 0, name, "", now.wall);
    }
    AddWishes(std::move(detached.decisions));
    line_.Remove(consumer);
    attached_.erase(consumer);
    record_.last_used_at = environment_.cautious_clock->Latest();
    unused_since_ = now.elapsed;
    unrequested_.used = unrequested_.used || line_.empty();
    WakeOne(todo.calls);  // what it held, or a signal it had taken, is another's now
    todo.submit = MustSubmit();
  }
  Do(std::move(todo));
}

void JetStreamQueue::SetLimits(ConsumerId consumer, ConsumerLimits limits) {
  Todo todo;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = attached_.find(consumer);
    if (it == attached_.end()) return;
    it->second.limits = limits;
    state_->SetLimits(consumer, limits);
    line_.WakeForCredit(consumer, todo.calls);
    if (limits.paused) {
      line_.StopWaitingForEvents(consumer);
      WakeOne(todo.calls);  // a signal it had taken is another's now
    }
  }
  Do(std::move(todo));
}

void JetStreamQueue::WakeOne(ConsumerLine::Calls& calls) {
  if (line_.waiting_for_events() > 0 && state_->OwesSomething(0)) line_.WakeFirst(calls);
}

// ---------------------------------------------------------------------------------- handing out

PullResult JetStreamQueue::Pull(ConsumerId consumer, ReadLimits limits) {
  PullResult result;
  Todo todo;
  {
    absl::MutexLock lock(&mutex_);
    if (!line_.Contains(consumer)) return result;
    NoteTime(environment_.clock->Elapsed());
    limits.max_events = ShareOf(limits.max_events);
    LeaseWhatIsHere(consumer, limits, result);
    if (result.leases.empty()) {
      line_.Wait(consumer, result.has_credit);
    } else {
      WakeOne(todo.calls);  // for the rest
    }
    todo.submit = MustSubmit();
  }
  Do(std::move(todo));
  return result;
}

void JetStreamQueue::LeaseWhatIsHere(ConsumerId consumer, ReadLimits limits, PullResult& result) {
  const Moment now = Now();
  size_t bytes = 0;
  while (true) {
    result.at_tail = false;
    result.has_credit = state_->HasCredit(consumer);
    if (!result.has_credit || result.leases.size() >= limits.max_events ||
        bytes >= limits.max_bytes || (!current_ && !held_.empty())) {
      return;
    }
    const std::optional<Next> next = state_->ChooseNext(0, consumer, now);
    if (!next.has_value()) {
      result.at_tail = IsAtTail();
      result.has_credit = state_->HasCredit(consumer);  // it may be reserved now
      return;
    }
    const auto held = held_.find(next->sequence);
    if (held == held_.end()) {
      state_->GiveUp(next->sequence);
      continue;
    }
    const LogEventPtr& event = held->second.event;
    if (event->corrupt) {
      environment_.log->Error("store", "event does not fit its checksum; it is parked",
                              {{"subscription", name_}, {"sequence", next->sequence}});
      AddWishes({state_->BeginParkingCorrupt(*next, now)});
      continue;
    }
    const auto size = static_cast<int64_t>(event->event.size());
    result.has_credit = state_->HasCredit(consumer, size);
    if (!result.has_credit) return;
    bytes += event->event.size();
    const SubscriptionState::Handed handed = state_->Lease(*next, consumer, size, now);
    Lease lease;
    lease.delivery_id = DeliveryId{record_.epoch, next->sequence, handed.lease}.ToText();
    lease.event = event;
    lease.attempt = handed.attempt;
    lease.reason = handed.reason;
    lease.ack_deadline = handed.ack_deadline;
    result.leases.push_back(std::move(lease));
    if (next->from == SubscriptionState::From::kSuspect) return;
  }
}

bool JetStreamQueue::IsAtTail() const {
  if (record_.paused || !state_->AtTail(0) || !arrivals_.empty() || events_ == nullptr) {
    return false;
  }
  return pending_events_ == 0 || environment_.clock->Elapsed() - last_arrival_ > kQuiet;
}

bool JetStreamQueue::Wanted(const LogEvent& event) const {
  if (filter_.matches_all() || event.corrupt) return true;
  const FilteredFields* const fields = event.filtered_fields();
  return fields != nullptr && filter_.Matches(*fields);
}

size_t JetStreamQueue::ShareOf(size_t most) const {
  const size_t sharing = line_.waiting_for_events() + 1;
  if (sharing == 1) return most;
  const auto held = static_cast<int64_t>(held_.size());
  const auto there = static_cast<size_t>(std::max<int64_t>(held - state_->outstanding(), 1));
  return std::min(most, (there + sharing - 1) / sharing);
}

void JetStreamQueue::MarkWritten(ConsumerId consumer, const std::vector<WrittenEvent>& events) {
  const Moment now = Now();
  counters_.CountDelivered(events, now.wall);
  absl::MutexLock lock(&mutex_);
  const ConsumerLine::Name name = line_.NameOf(consumer);
  if (name == nullptr) return;
  for (const WrittenEvent& event : events) {
    state_->MarkWritten(event.sequence, consumer, now);
    recent_.Add(event.sequence, v1::TimelineEntry::KIND_DELIVERED, event.attempt, name, "",
                now.wall);
  }
}

// --------------------------------------------------------------------------------- what there is

SubscriptionRecord JetStreamQueue::record() const {
  absl::MutexLock lock(&mutex_);
  SubscriptionRecord record = record_;
  record.floor = state_->floor();
  return record;
}

Sequence JetStreamQueue::floor() const {
  absl::MutexLock lock(&mutex_);
  return state_->floor();
}

Sequence JetStreamQueue::seen_through() const {
  absl::MutexLock lock(&mutex_);
  return std::max(seen_through_, record_.replayed_through);
}

bool JetStreamQueue::IsSettled(Sequence sequence) const {
  absl::MutexLock lock(&mutex_);
  return deleted_ || state_->IsSettled(sequence);
}

bool JetStreamQueue::HasProcessed(Sequence sequence) const {
  absl::MutexLock lock(&mutex_);
  return processed_.Contains(sequence);
}

bool JetStreamQueue::KnowsBehind(Sequence sequence) const {
  absl::MutexLock lock(&mutex_);
  const auto reaches = [sequence](const SequenceSet& set) {
    return !set.empty() && set.runs().rbegin()->second > sequence;
  };
  return state_->floor() > sequence || reaches(state_->settled()) || reaches(processed_);
}

bool JetStreamQueue::Excludes(const v1::ReleaseEvent& event) const {
  absl::MutexLock lock(&mutex_);
  return !filter_.matches_all() && !filter_.Matches(event);
}

QueueStats JetStreamQueue::Stats() const {
  const Sequence last = environment_.event_log->last();
  absl::MutexLock lock(&mutex_);
  QueueStats stats;
  stats.paused = record_.paused;
  stats.connected_consumers = static_cast<int64_t>(line_.size());
  stats.backlog_events = state_->Backlog(last);
  stats.outstanding_events = state_->outstanding();
  stats.redeliveries = state_->redeliveries();
  stats.dead_letters = state_->dead_letters().size() + static_cast<int64_t>(lost_.letters.size());
  stats.dropped_by_limit = record_.dropped_by_limit;
  stats.settled = settled_;
  stats.floor = state_->floor();
  stats.oldest_unsettled = state_->OldestUnsettled(last);
  return stats;
}

std::optional<absl::Duration> JetStreamQueue::UnusedBeyondLimit() const {
  absl::MutexLock lock(&mutex_);
  if (!line_.empty() || deleted_ || !rules_.expire_after_unused.has_value()) return std::nullopt;
  const absl::Duration limit = *rules_.expire_after_unused;
  const absl::Duration unused = environment_.cautious_clock->Now() - record_.last_used_at;
  const absl::Duration seen = environment_.clock->Elapsed() - unused_since_;
  if (unused < limit || seen < std::min(limit, kUnusedBeforeOurEyes)) return std::nullopt;
  return unused;
}

absl::Duration JetStreamQueue::UseInterval() const {
  return std::min(kLongestUse, rules_.expire_after_unused.value_or(kLongestUse) / 4);
}

// --------------------------------------------------------------------------------- what is to do

void JetStreamQueue::Do(Todo todo) {
  std::shared_ptr<PullConsumer> consumer;
  {
    absl::MutexLock lock(&mutex_);
    consumer = events_ != nullptr ? events_ : redriven_;
  }
  if (consumer != nullptr) {
    for (const std::string& subject : todo.acks) consumer->Acknowledge(subject);
    for (const std::string& subject : todo.keep) consumer->Keep(subject);
    for (const auto& [subject, delay] : todo.give_back) consumer->GiveBack(subject, delay);
  }
  todo.retired.clear();
  for (const auto& call : todo.calls_first) call->ready();
  for (Wish& wish : todo.refused) Answer(std::move(wish));
  if (todo.submit) Submit();
  if (todo.judge) Judge();
  if (todo.reopen) Open();
  for (const int64_t place : todo.dead_messages) {
    environment_.api->DeleteMessage(environment_.subjects->dead_stream(), place,
                                    [](const absl::Status&) {});
  }
  if (todo.snapshot_does_not_fit) {
    environment_.log->Error(
        "store", "what a subscription remembers does not fit a message; its journal grows",
        {{"subscription", name_}, {"dead_letters", Stats().dead_letters}});
  }
  if (todo.snapshot.has_value()) {
    environment_.journal->Replace(*std::move(todo.snapshot), todo.snapshot_place,
                                  [](const absl::Status&) {});
  }
  if (!todo.processed.empty()) {
    for (const auto& listener : *environment_.settled_listeners) listener(name_, todo.processed);
  }
  for (const auto& call : todo.calls) call->ready();
  for (const auto& call : todo.deletions) call->deleted();
  TellWanted();
}

}  // namespace onhook
