#include "tests/simulation/queue_model.h"

#include <algorithm>
#include <set>
#include <utility>

#include "gateway/config/subscription_spec.h"

namespace onhook {

using Action = SettleRequest::Action;

QueueModel::QueueModel(std::string name, const v1::SubscriptionSpec& spec, Sequence start,
                       const SimulatedClock* clock, SimulationTrace* trace, LogModel* log)
    : name_(std::move(name)),
      spec_(spec),
      specs_({spec}),
      clock_(clock),
      trace_(trace),
      log_(log),
      passed_through_(start) {}

// -------------------------------------------------------------------------------------- consumers

void QueueModel::Fail(Book& book) {
  ++book.failures_most;
  ++book.failures_ever;
}

void QueueModel::End(Book& book, bool failed) {
  // What was asked for may have been refused, and its deadline passed.
  if (book.holder != 0 && book.written && (failed || book.ended)) Fail(book);
  book.holder = 0;
  book.ended = false;
  book.written = false;
}

void QueueModel::Detached(ConsumerId consumer, Departure departure) {
  consumers_.erase(consumer);
  for (auto& [sequence, book] : books_) {
    if (book.holder == consumer) End(book, Overdue(book) || departure == Departure::kLost);
  }
}

void QueueModel::ProcessEnded() {
  consumers_.clear();
  last_fresh_ = 0;
  for (auto& [sequence, book] : books_) {
    End(book, Overdue(book));
    book.may_settled = book.may_settled || book.asking > 0;
    book.asking = 0;
    book.handed = false;
    book.asked = false;
    book.not_before = -absl::InfiniteDuration();
  }
  // What was asked for and not answered may have come about.
  if (seek_unknown_) ++epoch_;
  seek_unknown_ = false;
}

bool QueueModel::Excluded(const v1::SubscriptionSpec& spec, Sequence sequence) const {
  const auto& sources = spec.filter().sources();
  return !sources.empty() &&
         std::find(sources.begin(), sources.end(), log_->SourceOf(sequence)) == sources.end();
}

void QueueModel::Handed(ConsumerId consumer, const Lease& lease) {
  ++handed_;
  log_->Saw(*lease.event);
  Book& book = books_[lease.event->sequence];
  if (!log_->damaged()) {
    CheckLease(consumer, lease, book);
    CheckOrder(lease, book);
  }
  End(book, Overdue(book));
  book.handed = true;
  book.holder = consumer;
  book.bytes = static_cast<int64_t>(lease.event->event.size());
  book.patience = lease.ack_deadline;
  book.deadline = clock_->Elapsed() + lease.ack_deadline;
  if (!log_->damaged()) CheckBounds(consumer, lease);
}

void QueueModel::CheckLease(ConsumerId consumer, const Lease& lease, const Book& book) {
  const Sequence sequence = lease.event->sequence;
  if (lease.event->corrupt) trace_->Find(name_, ": ", sequence, " is corrupt and handed out");
  if (book.settled) trace_->Find("Q2: ", name_, ": ", sequence, " is settled and comes again");
  if (book.holder != 0 && !book.ended && !Overdue(book)) {
    trace_->Find("Q3: ", name_, ": ", sequence, " is with ", book.holder, " and goes to ",
                 consumer);
  }
  if (clock_->Elapsed() < book.not_before && WallOffset() == book.wall_offset) {
    trace_->Find("Q9: ", name_, ": ", sequence, " comes again before its delay is over");
  }
  if (paused_ && pausing_ == 0) trace_->Find(name_, ": paused, and hands out ", sequence);
  const bool failed = book.holder != 0 && book.written && (Overdue(book) || book.ended);
  const int most = book.failures_most + (failed ? 1 : 0);
  if (lease.attempt > most + 1) {
    trace_->Find("Q9: ", name_, ": ", sequence, " is told to be attempt ", lease.attempt, " of ",
                 most + 1);
  }
  if (lease.attempt < book.failures_least + 1) {
    trace_->Find("Q10: ", name_, ": ", sequence, " forgets that it failed ", book.failures_least,
                 " times");
  }
}

void QueueModel::CheckBounds(ConsumerId consumer, const Lease& lease) {
  const auto limits = consumers_.find(consumer);
  if (limits == consumers_.end()) return trace_->Find(name_, ": hands out to nobody");
  if (limits->second.paused) trace_->Find("Q6: ", name_, ": a paused consumer gets something");
  int64_t events = 0;
  int64_t bytes = 0;
  int64_t unsettled = 0;
  for (const auto& [sequence, book] : books_) {
    unsettled += book.handed && !book.settled && !book.may_settled && book.asking == 0 ? 1 : 0;
    if (book.holder != consumer || book.ended || Overdue(book)) continue;
    ++events;
    bytes += book.bytes;
  }
  if (events > 1 && (events > limits->second.max_outstanding_events ||
                     bytes > limits->second.max_outstanding_bytes)) {
    trace_->Find("Q6: ", name_, ": ", consumer, " holds ", events, " events of ", bytes,
                 " bytes with ", lease.event->sequence);
  }
  int64_t most = 0;
  for (const auto& spec : specs_) most = std::max(most, RulesOf(spec, true).max_unacked_events);
  if (unsettled > most && lease.reason == v1::Delivery::REDELIVERY_REASON_UNSPECIFIED) {
    trace_->Find("Q6: ", name_, ": ", unsettled, " events are out");
  }
}

void QueueModel::CheckOrder(const Lease& lease, const Book& book) {
  if (lease.reason != v1::Delivery::REDELIVERY_REASON_UNSPECIFIED) return;
  if (book.asked) return;  // by a delivery of an earlier process, and refused
  if (lease.event->sequence <= last_fresh_) {
    trace_->Find("Q5: ", name_, ": ", lease.event->sequence, " comes fresh after ", last_fresh_);
  }
  last_fresh_ = lease.event->sequence;
}

void QueueModel::Written(ConsumerId consumer, Sequence sequence) {
  Book& book = books_[sequence];
  if (book.holder != consumer || book.written) return;
  book.written = true;
  book.deadline = std::max(book.deadline, clock_->Elapsed() + book.patience);
}

void QueueModel::Extended(Sequence sequence, absl::Duration ack_deadline) {
  Book& book = books_[sequence];
  // It may have been over, and counted: then it is extended no more, which the queue says.
  book.deadline = clock_->Elapsed() + ack_deadline;
}

// --------------------------------------------------------------------------------------- settling

QueueModel::Asked QueueModel::Ask(const SettleRequest& request,
                                  const std::vector<Sequence>& sequences,
                                  const std::vector<int>& epochs) {
  for (const Sequence sequence : sequences) {
    Book& book = books_[sequence];
    book.ended = true;
    book.asked = true;
    switch (request.action) {
      case Action::kAck:
        book.may_letter_go = true;
        ++book.asking;
        break;
      case Action::kPark:
        book.asked_to_park = true;
        book.may_parked = true;
        Fail(book);
        ++book.asking;
        break;
      case Action::kSkip:
        book.may_letter_go = true;
        ++book.asking;
        break;
      case Action::kRetry:
        Fail(book);
        break;
      case Action::kRelease:
        break;
    }
  }
  return {request.action, sequences,         request.delivery_ids, epochs,
          request.delay,  clock_->Elapsed(), WallOffset()};
}

void QueueModel::Answered(const Asked& asked, const std::vector<SettleException>& exceptions) {
  std::map<size_t, SettleError> errors;
  for (const SettleException& exception : exceptions) errors[exception.index] = exception.error;
  for (size_t i = 0; i < asked.sequences.size(); ++i) {
    const Sequence sequence = asked.sequences[i];
    Book& book = books_[sequence];
    const bool settles = asked.action != Action::kRetry && asked.action != Action::kRelease;
    if (settles) book.asking = std::max(book.asking - 1, 0);
    const auto error = errors.find(i);
    if (error == errors.end()) {
      // After a seek a settlement of before means nothing any more but to dead letters.
      book.may_settled = book.may_settled || (settles && asked.epochs[i] != epoch_);
      if (asked.epochs[i] == epoch_) AnsweredOk(asked, book);
      continue;
    }
    if (log_->damaged()) continue;
    if (error->second == SettleError::kUnknown && asked.epochs[i] == epoch_ && !seek_unknown_) {
      trace_->Find("Q8: ", name_, ": the delivery of ", sequence, " is unknown");
    }
    if (error->second == SettleError::kStale && asked.action == Action::kAck) {
      trace_->Find("Q8: ", name_, ": an ack of ", sequence, " is stale");
    }
  }
}

void QueueModel::AnsweredOk(const Asked& asked, Book& book) {
  switch (asked.action) {
    case Action::kAck:
    case Action::kSkip:
      book.settled = true;
      break;
    case Action::kPark:
      book.settled = true;
      book.parked = true;
      break;
    case Action::kRetry:
      // A nack of what is used up parks it.
      ++book.failures_least;
      book.not_before = asked.asked_at + asked.delay.value_or(absl::ZeroDuration());
      book.wall_offset = asked.wall_offset;
      break;
    case Action::kRelease:
      break;
  }
}

// --------------------------------------------------------------------------------- administration

void QueueModel::AskToSeek(Sequence after) {
  seek_unknown_ = true;
  passed_through_ = std::max(passed_through_, after);
  for (auto& [sequence, book] : books_) {
    book.may_settled = book.may_settled || book.settled || book.asking > 0;
    book.settled = false;
    book.failures_least = 0;
    book.not_before = -absl::InfiniteDuration();
  }
}

void QueueModel::SeekDone(Sequence after, bool moved) {
  seek_unknown_ = false;
  if (!moved) return;
  ++epoch_;
  last_fresh_ = 0;
  for (auto& [sequence, book] : books_) {
    book.holder = 0;
    book.handed = false;
    if (sequence <= after) continue;
    book.failures_most = 0;
    book.may_settled = false;  // what is asked for from here on counts
    book.asking = 0;
  }
  passed_through_ = after;
}

void QueueModel::PauseDone(bool paused, bool changed) {
  if (!changed) return;  // which of them holds is not known
  pausing_ = 0;
  paused_ = paused;
}

void QueueModel::AskToUpdate(const v1::SubscriptionSpec& spec) {
  spec_ = spec;
  specs_.push_back(spec);
}

void QueueModel::AskToRedrive(Sequence sequence) {
  Book& book = books_[sequence];
  book.may_letter_go = true;
  book.may_settled = book.may_settled || book.settled;
  book.settled = false;
  book.failures_least = 0;
}

void QueueModel::RedriveDone(Sequence sequence, bool done) {
  Book& book = books_[sequence];
  if (!done) return;
  book.may_settled = false;
  book.failures_most = 0;
  book.parked = book.may_parked = book.asked_to_park = false;
  book.holder = 0;
}

void QueueModel::AskToDiscard(Sequence sequence) { books_[sequence].may_letter_go = true; }

// ---------------------------------------------------------------------------------------- looking

bool QueueModel::MayBeSettled(Sequence sequence, const Book& book) const {
  if (book.settled || book.may_settled || book.asking > 0 || book.may_parked) return true;
  if (sequence <= passed_through_) return true;
  return std::any_of(specs_.begin(), specs_.end(), [&](const v1::SubscriptionSpec& spec) {
    const SubscriptionRules rules = RulesOf(spec, true);
    const int failures = book.failures_most + (Overdue(book) ? 1 : 0);
    return Excluded(spec, sequence) || rules.backlog_age.has_value() ||
           rules.backlog_bytes.has_value() ||
           (rules.max_delivery_attempts.has_value() && failures >= *rules.max_delivery_attempts);
  });
}

void QueueModel::Check(const SubscriptionQueue& queue, Sequence first, Sequence last) {
  if (log_->damaged()) return;
  for (Sequence sequence = 1; sequence <= last; ++sequence) {
    const Book& book = books_[sequence];
    const bool settled = queue.IsSettled(sequence);
    if (settled && !MayBeSettled(sequence, book)) {
      trace_->Find("Q1: ", name_, ": ", sequence, " is taken for settled, and nobody did that");
    }
    if (!settled && book.settled) {
      trace_->Find("Q2: ", name_, ": ", sequence, " was settled and is owed");
    }
    if (!settled && sequence < first && !book.may_letter_go && !book.may_parked) {
      trace_->Find("P8: ", name_, ": ", sequence, " is owed and was removed");
    }
  }
}

void QueueModel::CheckDeadLetters(const std::vector<DeadLetter>& letters) {
  if (log_->damaged()) return;
  std::set<Sequence> there;
  for (const DeadLetter& letter : letters) {
    const Sequence sequence = letter.event->sequence;
    const Book& book = books_[sequence];
    log_->Saw(*letter.event);
    if (!there.insert(sequence).second) {
      trace_->Find("Q10: ", name_, ": ", sequence, " has two dead letters");
    }
    if (letter.reason == v1::DeadLetter::REASON_REQUESTED && !book.asked_to_park) {
      trace_->Find("Q10: ", name_, ": nobody asked to park ", sequence);
    }
    if (letter.reason == v1::DeadLetter::REASON_CORRUPT) {
      trace_->Find("P5: ", name_, ": ", sequence, " is parked as corrupt");
    }
    const bool failed = book.holder != 0 && book.written && (Overdue(book) || book.ended);
    if (letter.attempts > book.failures_ever + (failed ? 1 : 0)) {
      trace_->Find("Q10: ", name_, ": ", sequence, " is parked after ", letter.attempts,
                   " attempts of ", book.failures_ever);
    }
  }
  if (letters_may_go_) return;
  for (const auto& [sequence, book] : books_) {
    if (book.parked && !book.may_letter_go && there.count(sequence) == 0) {
      trace_->Find("Q10: ", name_, ": ", sequence, " was parked and has no dead letter");
    }
  }
}

}  // namespace onhook
