// What is asked of a JetStreamQueue about deliveries: begun, written into the journal, answered.

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "gateway/store/decision_words.h"
#include "gateway/store/delivery_id.h"
#include "gateway/store/jetstream/event_message.h"
#include "gateway/store/jetstream/jetstream_queue.h"
#include "gateway/store/jetstream/runs.h"

namespace onhook {
namespace {

using Action = SettleRequest::Action;
using Outcome = SubscriptionState::Outcome;
using Entry = v1::TimelineEntry;
using jetstream::StoredDeadLetter;
using jetstream::SubscriptionChange;
using jetstream::SubscriptionChanges;

// Deliveries that one record ends, about: it is to fit a message whatever their runs. A single
// request is never divided.
constexpr size_t kMostDecisionsInOneGo = 2000;

}  // namespace

void JetStreamQueue::Settle(const SettleRequest& request, SettleDone done) {
  Wish wish;
  wish.done = std::move(done);
  wish.action = request.action;
  wish.asked = request.delivery_ids.size();
  wish.consumer_name = request.consumer_name;
  wish.reason = request.reason;
  std::optional<Wish> answered;  // at once
  Todo todo;
  {
    absl::MutexLock lock(&mutex_);
    for (size_t i = 0; i < request.delivery_ids.size(); ++i) Begin(request, i, wish, todo);
    WakeOne(todo.calls);  // something may have been released
    // Also a request that changes nothing waits its turn behind those that settle what it names.
    if (request.action != Action::kRelease && !deleted_ && !closed_) {
      pending_.push_back(std::move(wish));
      todo.submit = MustSubmit();
    } else {
      answered = std::move(wish);
    }
  }
  if (answered.has_value()) Answer(*std::move(answered));
  Do(std::move(todo));
}

std::optional<Sequence> JetStreamQueue::Parse(const std::string& delivery_id,
                                              LeaseNumber& lease) const {
  const std::optional<DeliveryId> id = DeliveryId::FromText(delivery_id);
  if (deleted_ || !id.has_value() || id->epoch != record_.epoch) return std::nullopt;
  lease = id->lease;
  return id->sequence;
}

void JetStreamQueue::Begin(const SettleRequest& request, size_t index, Wish& wish, Todo& todo) {
  LeaseNumber lease = 0;
  const std::optional<Sequence> sequence = Parse(request.delivery_ids[index], lease);
  if (!sequence.has_value()) {
    wish.exceptions.push_back({index, SettleError::kUnknown});
    return;
  }
  // Another gateway may have handed out what we have not heard of yet. Whoever makes up a sequence
  // is told the same for ever.
  if (closed_ || *sequence > std::max(environment_.event_log->last(), seen_through_)) {
    wish.exceptions.push_back({index, SettleError::kRetryLater});
    return;
  }
  std::optional<Decision> decision;
  bool stale = false;
  switch (request.action) {
    case Action::kAck:
      decision = state_->BeginAck(*sequence);
      break;
    case Action::kSkip:
      decision = state_->BeginSkip(*sequence, lease);
      stale = !decision.has_value();
      break;
    case Action::kRetry:
    case Action::kPark:
      decision = state_->BeginNack(*sequence, lease, request.action, request.delay, Now());
      stale = !decision.has_value();
      break;
    case Action::kRelease: {
      const std::optional<ConsumerId> freed = state_->ReleaseLease(*sequence, lease, Now());
      stale = !freed.has_value();
      if (!freed.has_value()) break;
      recent_.Add(*sequence, Entry::KIND_NACKED, 0,
                  std::make_shared<const std::string>(request.consumer_name),
                  request.reason.empty() ? "released" : request.reason, environment_.clock->Now());
      line_.WakeForCredit(*freed, todo.calls);
      break;
    }
  }
  if (stale) wish.exceptions.push_back({index, SettleError::kStale});
  if (!decision.has_value()) return;
  wish.decisions.push_back(*decision);
  wish.indexes.push_back(index);
}

std::vector<SettleException> JetStreamQueue::Extend(const std::vector<std::string>& delivery_ids,
                                                    absl::Duration ack_deadline) {
  std::vector<SettleException> exceptions;
  absl::MutexLock lock(&mutex_);
  const Moment now = Now();
  for (size_t i = 0; i < delivery_ids.size(); ++i) {
    LeaseNumber lease = 0;
    const std::optional<Sequence> sequence = Parse(delivery_ids[i], lease);
    if (!sequence.has_value()) {
      exceptions.push_back({i, SettleError::kUnknown});
    } else if (!state_->Extend(*sequence, lease, ack_deadline, now)) {
      exceptions.push_back({i, SettleError::kStale});
    }
  }
  return exceptions;
}

void JetStreamQueue::AddWishes(std::vector<Decision> decisions) {
  for (const Decision& decision : decisions) {
    Wish wish;
    if (const auto name = line_.NameOf(decision.consumer)) wish.consumer_name = *name;
    wish.decisions.push_back(decision);
    wish.indexes.push_back(0);
    pending_.push_back(std::move(wish));
  }
}

// -------------------------------------------------------------------------------------- writing

bool JetStreamQueue::MustSubmit() {
  if (submitting_ || deleted_ || (pending_.empty() && unrequested_.empty())) return false;
  submitting_ = true;
  return true;
}

void JetStreamQueue::Submit() {
  auto write = std::make_shared<Write>();
  std::vector<std::pair<const Decision*, const Wish*>> parked;
  {
    absl::MutexLock lock(&mutex_);
    write->number = environment_.journal->NextNumber();
    write->incarnation = incarnation_;
    write->base_epoch = base_epoch_;
    write->epoch = state_->epoch();
    for (size_t decisions = 0; !pending_.empty() && decisions < kMostDecisionsInOneGo;) {
      decisions += pending_.front().decisions.size();
      write->wishes.push_back(std::move(pending_.front()));
      pending_.pop_front();
    }
    write->unrequested = std::exchange(unrequested_, {});
    for (const Wish& wish : write->wishes) {
      for (const Decision& decision : wish.decisions) {
        if (decision.outcome == Outcome::kPark) parked.emplace_back(&decision, &wish);
      }
    }
    write->copying = static_cast<int>(parked.size());
    in_flight_ = write;
  }
  if (parked.empty()) return WriteJournal(write);
  for (const auto& [decision, wish] : parked) CopyDeadLetter(write, *decision, *wish);
}

void JetStreamQueue::CopyDeadLetter(const WritePtr& write, const Decision& decision,
                                    const Wish& wish) {
  const Sequence sequence = decision.sequence;
  auto letter = std::make_shared<StoredDeadLetter>();
  letter->set_sequence(sequence);
  letter->set_reason(ReasonOf(decision));
  letter->set_detail(WordsFor(decision, wish.reason));
  letter->set_attempts(decision.trials.attempts);
  letter->set_parked_at_us(absl::ToUnixMicros(environment_.cautious_clock->Latest()));
  letter->set_consumer_name(wish.consumer_name);
  letter->set_corrupt(decision.kind == Entry::KIND_PARKED);
  int64_t earlier = 0;  // what it is a dead letter of is one already: the log may have forgotten it
  {
    absl::MutexLock lock(&mutex_);
    const auto it = letters_.find(sequence);
    if (it != letters_.end()) earlier = it->second.id;
  }
  const std::shared_ptr<JetStreamQueue> self = shared_from_this();
  const auto found = [self, write, sequence, letter,
                      earlier](const absl::StatusOr<StreamMessage>& message) {
    if (earlier != 0 && message.ok()) {
      StoredDeadLetter before;
      before.ParseFromString(message->data);
      letter->set_stored_at_us(before.stored_at_us());
      *letter->mutable_event() = std::move(*before.mutable_event());
    } else if (message.ok()) {
      letter->set_stored_at_us(absl::ToUnixMicros(message->stored_at));
      letter->mutable_event()->ParseFromString(message->data);
    } else if (!absl::IsNotFound(message.status()) || !self->CopyOfHeld(*letter)) {
      return self->Copied(write, sequence, message.status());
    }
    self->PublishDeadLetter(write, letter);
  };
  const Subjects& subjects = *environment_.subjects;
  environment_.api->GetMessage(earlier != 0 ? subjects.dead_stream() : subjects.events_stream(),
                               earlier != 0 ? earlier : sequence, found);
}

bool JetStreamQueue::CopyOfHeld(StoredDeadLetter& letter) const {
  absl::MutexLock lock(&mutex_);
  const auto held = held_.find(letter.sequence());
  if (held == held_.end() || held->second.event->corrupt) return false;
  const LogEvent& event = *held->second.event;
  letter.set_stored_at_us(absl::ToUnixMicros(event.stored_at));
  NewEvent copy;
  copy.received_at = event.received_at;
  copy.event = event.event;
  *letter.mutable_event() = EncodeEvent(copy);
  return true;
}

void JetStreamQueue::PublishDeadLetter(const WritePtr& write,
                                       const std::shared_ptr<StoredDeadLetter>& letter) {
  const std::shared_ptr<JetStreamQueue> self = shared_from_this();
  const auto copied = [self, write, letter](const absl::StatusOr<PublishAck>& ack) {
    if (absl::IsInvalidArgument(ack.status()) && !letter->event().raw_body().empty()) {
      // The event fitted a message; what is said of it here must not keep it from being parked.
      letter->mutable_event()->clear_raw_body();
      letter->mutable_event()->clear_raw_body_checksum();
      return self->PublishDeadLetter(write, letter);
    }
    self->Copied(write, letter->sequence(),
                 ack.ok() ? absl::StatusOr<int64_t>(ack->sequence) : ack.status());
  };
  environment_.api->Publish(environment_.subjects->Dead(name_), {}, letter->SerializeAsString(),
                            PublishOptions(), copied);
}

void JetStreamQueue::Copied(const WritePtr& write, Sequence sequence,
                            const absl::StatusOr<int64_t>& place) {
  Todo todo;
  {
    absl::MutexLock lock(&mutex_);
    if (place.ok()) {
      write->dead_letters[sequence] = *place;
    } else {
      write->uncopied[sequence] = place.status();
    }
    if (--write->copying > 0) return;
    RefuseUncopied(*write, todo);
  }
  if (!write->uncopied.empty() && parking_fails_.Occurred() > 0) {
    environment_.log->Error("store", "an event could not be copied among the dead letters",
                            {{"subscription", name_},
                             {"sequence", write->uncopied.begin()->first},
                             {"error", write->uncopied.begin()->second}});
  }
  WriteJournal(write);
  Do(std::move(todo));
}

void JetStreamQueue::RefuseUncopied(Write& write, Todo& todo) {
  if (write.uncopied.empty()) return;
  const Moment now = Now();
  for (Wish& wish : write.wishes) {
    std::vector<Decision> decisions;
    std::vector<size_t> indexes;
    for (size_t i = 0; i < wish.decisions.size(); ++i) {
      const Decision& decision = wish.decisions[i];
      if (decision.outcome != Outcome::kPark || write.uncopied.count(decision.sequence) == 0) {
        decisions.push_back(decision);
        indexes.push_back(wish.indexes[i]);
        continue;
      }
      if (write.incarnation == incarnation_ && !deleted_) {
        line_.WakeForCredit(state_->Finish(decision, false, now), todo.calls);
      }
      wish.exceptions.push_back({wish.indexes[i], SettleError::kRetryLater});
    }
    wish.decisions = std::move(decisions);
    wish.indexes = std::move(indexes);
  }
}

void JetStreamQueue::WriteJournal(const WritePtr& write) {
  SubscriptionChanges changes;
  {
    absl::MutexLock lock(&mutex_);
    changes = ChangesOf(*write);
  }
  const std::shared_ptr<JetStreamQueue> self = shared_from_this();
  // Nothing to be written: only answers that wait for their turn.
  if (changes.changes().empty()) return Written(write, absl::OkStatus());
  environment_.journal->Write(std::move(changes), [self, write](const absl::Status& status) {
    self->Written(write, status);
  });
}

SubscriptionChanges JetStreamQueue::ChangesOf(const Write& write) const {
  SubscriptionChanges changes;
  changes.set_subscription(name_);
  changes.set_number(write.number);
  const int64_t now_us = absl::ToUnixMicros(environment_.cautious_clock->Latest());
  const auto add = [&](int64_t epoch, const std::string& consumer) {
    SubscriptionChange* const change = changes.add_changes();
    change->set_epoch_number(write.base_epoch + epoch);
    change->set_at_us(now_us);
    change->set_consumer_name(consumer);
    return change;
  };
  using Kind = SettlementRow::Kind;
  // What is settled in the same way, by the same consumer.
  std::map<std::tuple<int64_t, Kind, std::string, std::string>, SequenceSet> settled;
  std::string last_words;
  for (const Wish& wish : write.wishes) {
    for (const Decision& decision : wish.decisions) {
      const std::string words = WordsFor(decision, wish.reason);
      if (decision.outcome == Outcome::kSettle) {
        const bool skipped = decision.kind == Entry::KIND_SKIPPED;
        settled[{decision.epoch, skipped ? Kind::kSkipped : Kind::kAcked, wish.consumer_name,
                 skipped ? wish.reason : ""}]
            .Add(decision.sequence);
        continue;
      }
      SubscriptionChange* const change = add(decision.epoch, wish.consumer_name);
      // A request may name many deliveries, with a long reason.
      if (changes.changes_size() > 1 && words == last_words) {
        change->set_same_reason(true);
      } else {
        change->set_reason(words);
        last_words = words;
      }
      if (decision.outcome == Outcome::kRetry) {
        SubscriptionChange::Failed& failed = *change->mutable_failed();
        failed.set_sequence(decision.sequence);
        failed.set_kind(decision.kind);
        failed.set_attempts(decision.trials.attempts);
        failed.set_first_attempt_at_us(absl::ToUnixMicros(decision.trials.first_attempt_at));
        failed.set_retry_at_us(absl::ToUnixMicros(decision.trials.retry_at));
        continue;
      }
      SubscriptionChange::Settled& parking = *change->mutable_settled();
      parking.set_kind(static_cast<int32_t>(Kind::kParked));
      SubscriptionChange::Parked& parked = *parking.add_parked();
      parked.set_sequence(decision.sequence);
      parked.set_dead_letter_id(write.dead_letters.at(decision.sequence));
      parked.set_attempt(decision.attempt);
      parked.set_kind(decision.kind);
    }
  }
  const auto add_settled = [&](int64_t epoch, Kind kind, const std::string& consumer,
                               const std::string& reason, const SequenceSet& sequences) {
    if (sequences.empty()) return;
    SubscriptionChange* const change = add(epoch, consumer);
    change->set_reason(reason);
    change->mutable_settled()->set_kind(static_cast<int32_t>(kind));
    EncodeRuns(sequences, change->mutable_settled()->mutable_sequences());
  };
  for (const auto& [key, sequences] : settled) {
    add_settled(std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), sequences);
  }
  add_settled(write.epoch, Kind::kFiltered, "", "", write.unrequested.excluded);
  add_settled(write.epoch, Kind::kDropped, "", "", write.unrequested.dropped);
  if (write.unrequested.used) add(write.epoch, "")->mutable_used();
  return changes;
}

void JetStreamQueue::RefuseTheRest(Wish& wish) {
  // Also what needed no decision: it may be settled in memory only, by what has just failed.
  std::set<size_t> told;
  for (const SettleException& exception : wish.exceptions) told.insert(exception.index);
  for (size_t index = 0; index < wish.asked; ++index) {
    if (told.count(index) == 0) wish.exceptions.push_back({index, SettleError::kRetryLater});
  }
}

void JetStreamQueue::Written(const WritePtr& write, const absl::Status& status) {
  Todo todo;
  {
    absl::MutexLock lock(&mutex_);
    in_flight_ = nullptr;
    submitting_ = false;
    const bool refused = !status.ok() && !write->applied;
    const Moment now = Now();
    for (Wish& wish : write->wishes) {
      for (size_t i = 0; i < wish.decisions.size(); ++i) {
        if (deleted_) {
          wish.exceptions.push_back({wish.indexes[i], SettleError::kUnknown});
        } else if (refused && write->incarnation == incarnation_) {
          line_.WakeForCredit(state_->Finish(wish.decisions[i], false, now), todo.calls);
        }
      }
      if (refused) RefuseTheRest(wish);
    }
    if (deleted_) {
      for (const auto& [sequence, place] : write->dead_letters) todo.dead_messages.push_back(place);
    }
    if (refused && !deleted_) {
      for (const auto& [first, last] : write->unrequested.excluded.runs()) {
        unrequested_.excluded.Add({first, last});
      }
      unrequested_.used = unrequested_.used || write->unrequested.used;
    }
    // What was refused is tried again with the next tick: the servers may be away.
    todo.submit = !refused && MustSubmit();
    WakeOne(todo.calls_first);
  }
  if (write->parked > 0 && parking_.Occurred() > 0) {
    environment_.log->Warning("store", "events were parked among the dead letters",
                              {{"subscription", name_}, {"events", write->parked}});
  }
  // Before the answers: a callback may wait for what is handed out now.
  ConsumerLine::Calls first;
  first.swap(todo.calls_first);
  for (const auto& call : first) call->ready();
  for (Wish& wish : write->wishes) Answer(std::move(wish));
  Do(std::move(todo));
}

void JetStreamQueue::Answer(Wish wish) {
  if (wish.done == nullptr) return;
  std::sort(wish.exceptions.begin(), wish.exceptions.end(),
            [](const auto& a, const auto& b) { return a.index < b.index; });
  counters_.CountAnswered(wish.action, wish.asked, wish.exceptions);
  wish.done(std::move(wish.exceptions));
}

}  // namespace onhook
