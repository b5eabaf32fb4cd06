#include "gateway/store/embedded/embedded_queue.h"

#include <algorithm>
#include <utility>

#include "gateway/store/delivery_id.h"
#include "gateway/store/embedded/random_bits.h"

namespace onhook {
namespace {

using From = SubscriptionState::From;
using Next = SubscriptionState::Next;

// Lease numbers of one opening of the storage: enough for years of deliveries.
constexpr int kLeaseBits = 40;
// The most events in a page of those that come again.
constexpr size_t kAgainPageEvents = 128;
// Events that are settled on the way to one that is handed out, before others have their turn.
constexpr int kMostSettledInOneGo = 1024;
constexpr absl::Duration kLimitInterval = absl::Seconds(1);
constexpr absl::Duration kWarningInterval = absl::Minutes(1);
// A subscription counts as unused only when it was so for this long before the gateway's own eyes:
// neither a gateway that was down for a month nor a clock that jumps is to delete anything.
constexpr absl::Duration kUnusedBeforeOurEyes = absl::Hours(1);

SubscriptionState::Beginning BeginningOf(SubscriptionRecord& record,
                                         const QueueEnvironment& environment) {
  SubscriptionState::Beginning beginning;
  // What the filter had excluded may have been removed before that was written.
  beginning.floor = std::max(record.floor, environment.event_log->first() - 1);
  record.settled.RemoveThrough(beginning.floor);
  beginning.settled = std::move(record.settled);
  beginning.tried = std::move(record.tried);
  beginning.dead_letters = std::move(record.dead_letters);
  beginning.redriven = std::move(record.redriven);
  beginning.replayed_through = record.replayed_through;
  beginning.first_lease = static_cast<LeaseNumber>(environment.openings) << kLeaseBits;
  beginning.paused = record.paused;
  return beginning;
}

}  // namespace

EmbeddedQueue::EmbeddedQueue(SubscriptionRecord record, const QueueEnvironment* environment)
    : name_(record.name),
      id_(record.id),
      first_epoch_number_(record.epoch_number),
      environment_(*environment),
      dropping_(environment->clock, kWarningInterval),
      reading_fails_(environment->clock, kWarningInterval),
      parking_(environment->clock, kWarningInterval),
      record_(std::move(record)),
      rules_(RulesOf(record_.spec, record_.origin != SubscriptionRecord::Origin::kCreated)),
      filter_(rules_.filter),
      state_(BeginningOf(record_, environment_), rules_, RandomBits(), Now()),
      unused_since_(environment->clock->Elapsed()) {
  filtered_ = !filter_.matches_all();
}

// ------------------------------------------------------------------------------------ consumers

ConsumerId EmbeddedQueue::Attach(ConsumerOptions options, ConsumerCallbacks callbacks) {
  ConsumerId id = 0;
  Calls deletions;
  {
    absl::MutexLock lock(&mutex_);
    record_.last_used_at = environment_.cautious_clock->Latest();
    id = line_.Add(std::move(options.name), std::move(callbacks));
    if (deleted_) {
      deletions = line_.Clear();
    } else {
      state_.Attach(id, options.limits, options.ack_deadline);
    }
  }
  for (const auto& each : deletions) each->deleted();
  return id;
}

void EmbeddedQueue::Detach(ConsumerId consumer, Departure departure) {
  Calls calls;
  bool submit = false;
  {
    absl::MutexLock lock(&mutex_);
    const ConsumerLine::Name name = line_.NameOf(consumer);
    if (name == nullptr) return;
    SubscriptionState::Detached detached = state_.Detach(consumer, departure, Now());
    for (const Sequence sequence : detached.lost) {
      recent_.Add(sequence, v1::TimelineEntry::KIND_STREAM_LOST, 0, name, "",
                  environment_.clock->Now());
    }
    AddWishes(std::move(detached.decisions));
    line_.Remove(consumer);
    record_.last_used_at = environment_.cautious_clock->Latest();
    unused_since_ = environment_.clock->Elapsed();
    unrequested_.progress = unrequested_.progress || line_.empty();
    WakeOne(calls);  // what it held, or a signal it had taken, is another's now
    submit = MustSubmit();
  }
  if (submit) SubmitSettling();
  Call(calls);
}

void EmbeddedQueue::SetLimits(ConsumerId consumer, ConsumerLimits limits) {
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    state_.SetLimits(consumer, limits);
    line_.WakeForCredit(consumer, calls);
    if (limits.paused) {
      line_.StopWaitingForEvents(consumer);
      WakeOne(calls);  // a signal it had taken is another's now
    }
  }
  Call(calls);
}

// ---------------------------------------------------------------------------------- handing out

PullResult EmbeddedQueue::Pull(ConsumerId consumer, ReadLimits limits) {
  PullResult result;
  Calls calls;
  bool submit = false;
  bool hasten = false;
  bool shared = false;
  for (bool may_read = true; true;) {
    std::optional<Next> missing;
    {
      absl::MutexLock lock(&mutex_);
      if (!line_.Contains(consumer)) return result;
      if (!shared) limits.max_events = ShareOf(limits.max_events);
      shared = true;
      missing = LeaseWhatIsHere(consumer, limits, result);
      if (reading_ || !may_read) missing.reset();
      if (!missing.has_value()) {
        if (!result.leases.empty()) {
          WakeOne(calls);  // for the rest
          missing = ReadAhead();
        } else if (line_.Wait(consumer, result.has_credit)) {
          hasten = !result.has_credit && !pending_.empty();
        }
        submit = MustSubmit();
      }
      reading_ = reading_ || missing.has_value();
      read_failed_ = false;
      if (!missing.has_value()) break;
      if (!result.leases.empty()) may_read = false;  // only ahead, for the next time
    }
    Read(*missing, limits);
    if (!may_read) break;
    absl::MutexLock lock(&mutex_);
    may_read = !read_failed_;
  }
  if (submit) SubmitSettling();
  if (hasten) environment_.commits->Hasten();
  Call(calls);
  return result;
}

std::optional<Next> EmbeddedQueue::LeaseWhatIsHere(ConsumerId consumer, ReadLimits limits,
                                                   PullResult& result) {
  const Moment now = Now();  // once: it is asked for much, and only the deadlines hang on it
  size_t bytes = 0;
  for (const Lease& lease : result.leases) bytes += lease.event->event.size();
  result.leases.reserve(std::min(limits.max_events, pages_.fresh_count()));
  for (int settled = 0; true;) {
    result.at_tail = false;
    result.has_credit = state_.HasCredit(consumer);
    if (!result.has_credit || result.leases.size() >= limits.max_events ||
        bytes >= limits.max_bytes) {
      return std::nullopt;
    }
    const Sequence last = environment_.event_log->last();
    const std::optional<Next> next = state_.ChooseNext(last, consumer, now);
    if (!next.has_value()) {
      result.at_tail = !state_.paused() && state_.AtTail(last);
      result.has_credit = state_.HasCredit(consumer);  // it may be reserved now
      return std::nullopt;
    }
    const LogEventPtr* event = nullptr;
    const Verdict verdict = Judge(*next, event);
    if (verdict == Verdict::kMissing) return next;
    if (verdict == Verdict::kSettled) {
      if (++settled >= kMostSettledInOneGo) return std::nullopt;  // Tick wakes it again
      continue;
    }
    const size_t size = (*event)->event.size();
    result.has_credit = state_.HasCredit(consumer, static_cast<int64_t>(size));
    if (!result.has_credit) return std::nullopt;
    bytes += size;
    LeaseOne(*next, *event, consumer, now, result);
    if (next->from == From::kSuspect) return std::nullopt;
  }
}

EmbeddedQueue::Verdict EmbeddedQueue::Judge(const Next& next, const LogEventPtr*& event) {
  event = next.from == From::kFresh ? pages_.Fresh(next.sequence) : pages_.Again(next.sequence);
  if (event == nullptr) return Verdict::kMissing;
  if ((*event)->corrupt) {
    environment_.log->Error("store", "event does not fit its checksum; it is parked",
                            {{"subscription", name_}, {"sequence", next.sequence}});
    AddWishes({state_.BeginParkingCorrupt(next, Now())});
    return Verdict::kSettled;
  }
  if (next.from == From::kFresh && !Wanted(**event)) {
    state_.Exclude(next.sequence);
    unrequested_.excluded.Add(next.sequence);
    return Verdict::kSettled;
  }
  return Verdict::kDeliver;
}

bool EmbeddedQueue::Wanted(const LogEvent& event) const {
  if (filter_.matches_all()) return true;
  const FilteredFields* const fields = event.filtered_fields();
  return fields != nullptr && filter_.Matches(*fields);
}

void EmbeddedQueue::LeaseOne(const Next& next, const LogEventPtr& event, ConsumerId consumer,
                             Moment now, PullResult& result) {
  const SubscriptionState::Handed handed =
      state_.Lease(next, consumer, static_cast<int64_t>(event->event.size()), now);
  Lease lease;
  lease.delivery_id = DeliveryId{record_.epoch, next.sequence, handed.lease}.ToText();
  lease.event = event;
  lease.attempt = handed.attempt;
  lease.reason = handed.reason;
  lease.ack_deadline = handed.ack_deadline;
  result.leases.push_back(std::move(lease));
}

void EmbeddedQueue::MarkWritten(ConsumerId consumer, const std::vector<WrittenEvent>& events) {
  const Moment now = Now();
  counters_.CountDelivered(events, now.wall);
  absl::MutexLock lock(&mutex_);
  const ConsumerLine::Name name = line_.NameOf(consumer);
  if (name == nullptr) return;
  for (const WrittenEvent& event : events) {
    state_.MarkWritten(event.sequence, consumer, now);
    recent_.Add(event.sequence, v1::TimelineEntry::KIND_DELIVERED, event.attempt, name, "",
                now.wall);
  }
}

size_t EmbeddedQueue::ShareOf(size_t most) const {
  const auto sharing = static_cast<int64_t>(line_.waiting_for_events()) + 1;
  if (sharing == 1) return most;
  const int64_t there =
      std::max<int64_t>(state_.Backlog(environment_.event_log->last()) - state_.outstanding(), 1);
  return std::min(most, static_cast<size_t>((there + sharing - 1) / sharing));
}

std::optional<Next> EmbeddedQueue::ScreenAhead() {
  if (filter_.matches_all() || !line_.empty() || reading_ || deleted_) return std::nullopt;
  for (int settled = 0; settled < kMostSettledInOneGo; ++settled) {
    const Next next{state_.next_fresh(), From::kFresh};
    if (next.sequence > environment_.event_log->last()) return std::nullopt;
    const LogEventPtr* const event = pages_.Fresh(next.sequence);
    if (event == nullptr) return next;
    if ((*event)->corrupt || Wanted(**event)) return std::nullopt;
    state_.Exclude(next.sequence);
    unrequested_.excluded.Add(next.sequence);
  }
  return std::nullopt;
}

// -------------------------------------------------------------------------------------- reading

void EmbeddedQueue::Read(const Next& next, ReadLimits limits) {
  const std::weak_ptr<EmbeddedQueue> weak = weak_from_this();
  if (next.from != From::kFresh) {
    absl::MutexLock lock(&mutex_);
    const int64_t owed = state_.Backlog(environment_.event_log->last());
    limits.max_events = std::min(kAgainPageEvents, static_cast<size_t>(std::max<int64_t>(owed, 1)));
    if (state_.redriven().Contains(next.sequence)) limits.max_events = 0;
  }
  if (limits.max_events == 0) return ReadRedriven(next);
  environment_.event_log->Read(next.sequence - 1, limits,
                               [weak, next](absl::StatusOr<LogPage> page) {
                                 if (const auto self = weak.lock())
                                   self->ReadDone(next, std::move(page));
                               });
}

void EmbeddedQueue::ReadRedriven(const Next& next) {
  const std::weak_ptr<EmbeddedQueue> weak = weak_from_this();
  const bool taken = environment_.reader->Run([weak, next](bool closing) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    if (closing) return self->ReadDone(next, absl::UnavailableError("the store is closing"));
    absl::StatusOr<LogEventPtr> event =
        self->environment_.storage->ReadDeadLetter(self->id_, next.sequence);
    if (!event.ok()) return self->ReadDone(next, event.status());
    LogPage page;
    // Acknowledged meanwhile, and owed all the same by a seek; or damaged when it was parked, and
    // perhaps written anew since.
    if (*event == nullptr || (*event)->corrupt) {
      absl::StatusOr<std::vector<LogEventPtr>> events = self->environment_.storage->Read(
          next.sequence - 1, next.sequence, {1, ReadLimits().max_bytes});
      if (!events.ok()) return self->ReadDone(next, events.status());
      if (!events->empty()) *event = events->front();
    }
    if (*event != nullptr) page.events.push_back(*std::move(event));
    self->ReadDone(next, std::move(page));
  });
  if (!taken) ReadDone(next, absl::UnavailableError("too many wait to read the store"));
}

void EmbeddedQueue::ReadDone(const Next& next, absl::StatusOr<LogPage> page) {
  // A failed read is tried again with the next tick; closing is the usual reason.
  if (!page.ok() && !absl::IsUnavailable(page.status()) && reading_fails_.Occurred() > 0) {
    environment_.log->Error("store", "reading for a subscription failed",
                            {{"subscription", name_}, {"status", page.status()}});
  }
  if (page.ok() && (page->events.empty() || page->events.front()->sequence != next.sequence)) {
    // The disk has lost it: the same as if its bytes were wrong.
    auto lost = std::make_shared<LogEvent>();
    lost->sequence = next.sequence;
    lost->corrupt = true;
    page->events = {std::move(lost)};
  }
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    reading_ = false;
    read_failed_ = !page.ok();
    if (page.ok() && next.from == From::kFresh) pages_.PutFresh(std::move(page->events));
    if (page.ok() && next.from != From::kFresh) pages_.PutAgain(std::move(page->events));
    if (page.ok()) WakeOne(calls);
  }
  Call(calls);
}

std::optional<Next> EmbeddedQueue::ReadAhead() {
  const Sequence at_hand = pages_.last_fresh();
  if (reading_ || at_hand == 0 || pages_.fresh_count() >= kAgainPageEvents) return std::nullopt;
  // What comes next is in the log's tail, most likely.
  if (environment_.event_log->last() - at_hand < static_cast<Sequence>(4 * kAgainPageEvents)) {
    return std::nullopt;
  }
  return Next{at_hand + 1, From::kFresh};
}

// ----------------------------------------------------------------------------------------- time

void EmbeddedQueue::TailGrew() {
  Calls calls;
  {
    absl::MutexLock lock(&mutex_);
    WakeOne(calls);
  }
  Call(calls);
}

void EmbeddedQueue::Tick() {
  Calls calls;
  bool submit = false;
  bool enforce = false;
  std::optional<Next> missing;
  {
    absl::MutexLock lock(&mutex_);
    const Moment now = Now();
    std::vector<SubscriptionState::Decision> failures = state_.Advance(now);
    for (const auto& failure : failures) line_.WakeForCredit(failure.consumer, calls);
    AddWishes(std::move(failures));
    missing = ScreenAhead();
    reading_ = reading_ || missing.has_value();
    // Also for one that was woken and did not come, and for a read that failed.
    WakeOne(calls);
    WakeWithCredit(calls);
    submit = MustSubmit();
    const bool limited = rules_.backlog_age.has_value() || rules_.backlog_bytes.has_value();
    enforce = limited && !deleted_ && now.elapsed - limits_enforced_ >= kLimitInterval;
    if (enforce) limits_enforced_ = now.elapsed;
    // So that a crash makes a subscription that is in use look unused for an hour at most.
    const absl::Time latest = environment_.cautious_clock->Latest();
    if (!line_.empty() && latest - record_.last_used_at > absl::Hours(1)) {
      record_.last_used_at = latest;
      unrequested_.progress = true;
    }
  }
  if (missing.has_value()) Read(*missing, {kMostSettledInOneGo, ReadLimits().max_bytes});
  if (submit) SubmitSettling();
  if (enforce) EnforceBacklogLimit();
  Call(calls);
}

void EmbeddedQueue::EnforceBacklogLimit() {
  SubscriptionRules rules;
  {
    absl::MutexLock lock(&mutex_);
    rules = rules_;
  }
  const std::weak_ptr<EmbeddedQueue> weak = weak_from_this();
  EmbeddedLog& event_log = *environment_.event_log;
  if (rules.backlog_age.has_value()) {
    event_log.FindPlace(environment_.cautious_clock->Now() - *rules.backlog_age,
                        [weak](absl::StatusOr<Sequence> place) {
                          const auto self = weak.lock();
                          if (self != nullptr && place.ok()) self->Drop(*place);
                        });
  }
  const int64_t offset = event_log.last_offset() - rules.backlog_bytes.value_or(0);
  if (rules.backlog_bytes.has_value() && offset > 0) {
    event_log.FindOffset(offset, [weak](absl::StatusOr<Sequence> place) {
      const auto self = weak.lock();
      if (self != nullptr && place.ok()) self->Drop(*place);
    });
  }
}

void EmbeddedQueue::Drop(Sequence through) {
  SequenceSet dropped;
  bool submit = false;
  {
    absl::MutexLock lock(&mutex_);
    dropped = state_.Drop(through);
    if (dropped.empty()) return;
    record_.dropped_by_limit += dropped.size();
    for (const auto& [first, last] : dropped.runs()) unrequested_.dropped.Add({first, last});
    submit = MustSubmit();
  }
  if (submit) SubmitSettling();
  if (dropping_.Occurred() > 0) {
    environment_.log->Warning("store", "the backlog limit has given up events",
                              {{"subscription", name_}, {"events", dropped.size()}});
  }
}

std::optional<absl::Duration> EmbeddedQueue::UnusedBeyondLimit() const {
  absl::MutexLock lock(&mutex_);
  if (!line_.empty() || deleted_ || !rules_.expire_after_unused.has_value()) {
    return std::nullopt;
  }
  const absl::Duration limit = *rules_.expire_after_unused;
  const absl::Duration unused = environment_.cautious_clock->Now() - record_.last_used_at;
  const absl::Duration seen = environment_.clock->Elapsed() - unused_since_;
  if (unused < limit || seen < std::min(limit, kUnusedBeforeOurEyes)) return std::nullopt;
  return unused;
}

// --------------------------------------------------------------------------------------- waking

void EmbeddedQueue::WakeOne(Calls& calls) {
  if (line_.waiting_for_events() > 0 && state_.OwesSomething(environment_.event_log->last())) {
    line_.WakeFirst(calls);
  }
}

void EmbeddedQueue::WakeWithCredit(Calls& calls) {
  const auto has_credit = [this](ConsumerId consumer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return state_.HasCredit(consumer);
  };
  line_.WakeWithCredit(has_credit, calls);
}

void EmbeddedQueue::Call(const Calls& calls) {
  for (const auto& callbacks : calls) callbacks->ready();
}

}  // namespace onhook
