#include "gateway/forwarding/receipt_desk.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace onhook {

// One callback that waits. It belongs to whoever finishes it.
struct ReceiptDesk::Waiter {
  AcknowledgePolicy::When when;
  absl::Duration timeout;
  absl::Duration deadline;  // of waits_clock_
  const v1::ReleaseEvent* event;
  // Whose receipt it needs; with none named, anybody's. Nobody's: being stored is enough.
  bool needs_receipt = true;
  std::vector<std::string> missing;  // subscriptions
  bool is_named = false;
  AppendResult stored;
  ReceiptDone done;
};

namespace {

constexpr absl::Duration kShortestLook = absl::Milliseconds(5);

absl::Status NotYet(AcknowledgePolicy::When when) {
  return absl::DeadlineExceededError(when == AcknowledgePolicy::When::kProcessed
                                         ? "stored, not yet processed"
                                         : "stored, not yet forwarded");
}

constexpr absl::string_view kSubscription = "subscription/";

std::string ReceiverOf(const std::string& subscription) {
  return absl::StrCat(kSubscription, subscription);
}

}  // namespace

ReceiptDesk::ReceiptDesk(const Clock* clock, Store* store, const ReceiptDeskOptions& options)
    : clock_(clock),
      store_(store),
      max_runs_(options.max_runs),
      eligibility_(clock),
      max_waiting_(options.max_waiting) {
  {
    absl::MutexLock lock(&mutex_);
    KnowByName(options.named_subscriptions);
    for (const auto& [receiver, sequences] : store->log().ForwardedAtOpen()) {
      const auto named = forwarded_.by_name.find(receiver);
      for (const auto& [first, last] : sequences.runs()) {
        Remember({first, last}, forwarded_.by_anybody);
        if (named != forwarded_.by_name.end()) Remember({first, last}, named->second);
      }
    }
  }
  store->AddSettledListener([this](const std::string& subscription, const SequenceSet& sequences) {
    Settled(subscription, sequences);
  });
  if (store->log().shared()) ListenToOthers();
  ending_waits_ = std::thread([this] { EndWaits(); });
}

void ReceiptDesk::ListenToOthers() {
  // Whether a watch elsewhere has a filter is not known here.
  const auto wants_of = [this](const std::string& receiver) -> EligibleStream::Wants {
    absl::string_view name = receiver;
    if (!absl::ConsumePrefix(&name, kSubscription)) return nullptr;
    return [this, name = std::string(name)](const v1::ReleaseEvent& event) {
      const auto queue = store_->FindQueue(name);
      return !queue.ok() || !(*queue)->Excludes(event);
    };
  };
  EventLog& log = store_->log();
  elsewhere_ = std::make_unique<ReceiversElsewhere>(clock_, &log, &eligibility_, wants_of);
  EventLog::OtherGateways others;
  others.forwarded = [this](const std::string& receiver, SequenceRange range) {
    SequenceSet runs;
    runs.Add(range);
    Note(When::kForwarded, receiver, runs);
  };
  others.receivers = [this](const std::vector<std::string>& receivers) {
    elsewhere_->Heard(receivers);
  };
  log.ListenToOthers(std::move(others));
}

std::shared_ptr<EligibleStream> ReceiptDesk::AddStream(std::string receiver,
                                                       EligibleStream::Wants wants) {
  std::shared_ptr<EligibleStream> stream = eligibility_.Add(std::move(receiver), std::move(wants));
  if (elsewhere_ != nullptr) elsewhere_->TellSoon();
  return stream;
}

ReceiptDesk::~ReceiptDesk() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    look_sooner_.Signal();
  }
  ending_waits_.join();
}

void ReceiptDesk::SetOptions(const ReceiptDeskOptions& options) {
  absl::MutexLock lock(&mutex_);
  max_waiting_ = options.max_waiting;
  KnowByName(options.named_subscriptions);
}

void ReceiptDesk::KnowByName(const std::vector<std::string>& subscriptions) {
  for (const std::string& name : subscriptions) {
    forwarded_.by_name[ReceiverOf(name)];
    processed_.by_name[ReceiverOf(name)];
  }
}

void ReceiptDesk::Accept(NewEvent new_event, const v1::ReleaseEvent& event,
                         const AcknowledgePolicy& policy, ReceiptDone done) {
  auto owned = std::make_unique<Waiter>();
  Waiter* const waiter = owned.release();  // Finish destroys it
  waiter->when = policy.when;
  waiter->timeout = policy.timeout;
  waiter->deadline = waits_clock_.Elapsed() + policy.timeout;
  waiter->event = &event;
  waiter->is_named = !policy.subscriptions.empty();
  waiter->done = std::move(done);
  waiter->missing.reserve(policy.subscriptions.size());
  for (const NamedSubscription& subscription : policy.subscriptions) {
    if (subscription.filter.Matches(event)) waiter->missing.push_back(subscription.name);
  }
  const bool wanted = waiter->is_named
                          ? !waiter->missing.empty()
                          : policy.when == When::kStored || !store_->ExcludedByAll(event);
  waiter->needs_receipt = policy.when != When::kStored && wanted;
  store_->log().Append(
      std::move(new_event),
      [this, waiter](const absl::StatusOr<AppendResult>& stored) { Stored(waiter, stored); });
}

absl::Status ReceiptDesk::AcceptAndWait(NewEvent new_event, const v1::ReleaseEvent& event,
                                        const AcknowledgePolicy& policy, AppendResult* stored) {
  absl::Status outcome;
  SteadyNotification finished;
  Accept(std::move(new_event), event, policy,
         [&](const absl::Status& receipt, const AppendResult& result) {
           outcome = receipt;
           if (stored != nullptr && (result.sequence != 0 || result.spooled)) *stored = result;
           finished.Notify();
         });
  finished.Wait();
  return outcome;
}

void ReceiptDesk::Finish(Waiter* waiter, const absl::Status& receipt) {
  const std::unique_ptr<Waiter> owned(waiter);
  owned->done(receipt, owned->stored);
}

void ReceiptDesk::Stored(Waiter* waiter, const absl::StatusOr<AppendResult>& result) {
  if (!result.ok()) return Finish(waiter, result.status());
  waiter->stored = *result;
  // Nobody is sent what is not in the log yet.
  if (result->spooled) {
    return Finish(waiter, waiter->needs_receipt ? NotYet(waiter->when) : absl::OkStatus());
  }
  const Sequence sequence = result->sequence;
  // What was settled in a process before, only the store knows. Who settled an event has received
  // it, even if a crash forgot that; whoever was merely spared it has not.
  if (result->duplicate && !IsMetNow(waiter)) {
    if (!waiter->is_named) {
      return store_->FindProcessed(sequence, [this, waiter](absl::StatusOr<bool> processed) {
        Decide(waiter, processed.value_or(false));
      });
    }
    return store_->FindProcessedBy(
        sequence, waiter->missing, [this, waiter](absl::StatusOr<std::vector<std::string>> names) {
          auto& missing = waiter->missing;
          for (const std::string& name : names.value_or(std::vector<std::string>())) {
            missing.erase(std::remove(missing.begin(), missing.end(), name), missing.end());
          }
          Decide(waiter, /*processed=*/false);
        });
  }
  Decide(waiter, /*processed=*/false);
}

void ReceiptDesk::Decide(Waiter* waiter, bool processed) {
  const bool may_be_met = !processed && MayBeMet(*waiter);
  absl::Status receipt;
  {
    absl::MutexLock lock(&mutex_);
    if (processed) {
      const Sequence sequence = waiter->stored.sequence;
      Remember({sequence, sequence}, KnownOf(waiter->when).by_anybody);
    } else if (!IsMet(waiter)) {
      if (may_be_met && waiting_count_ < max_waiting_ &&
          waits_clock_.Elapsed() < waiter->deadline) {
        waiting_[waiter->stored.sequence].push_back(waiter);
        ++waiting_count_;
        if (waiter->deadline < next_look_) {
          next_look_ = waiter->deadline;
          look_sooner_.Signal();
        }
        return;
      }
      receipt = NotYet(waiter->when);
    }
  }
  Finish(waiter, receipt);
}

void ReceiptDesk::Remember(SequenceRange run, SequenceSet& known) const {
  known.Add(run);
  if (known.run_count() > max_runs_) known.RemoveThrough(known.runs().begin()->second);
}

bool ReceiptDesk::IsMetNow(Waiter* waiter) {
  absl::MutexLock lock(&mutex_);
  return IsMet(waiter);
}

bool ReceiptDesk::IsMet(Waiter* waiter) {
  if (!waiter->needs_receipt) return true;
  const Known& known = KnownOf(waiter->when);
  const Sequence sequence = waiter->stored.sequence;
  if (!waiter->is_named) return known.by_anybody.Contains(sequence);
  auto& missing = waiter->missing;
  missing.erase(std::remove_if(missing.begin(), missing.end(),
                               [&known, sequence](const std::string& name) {
                                 const auto it = known.by_name.find(ReceiverOf(name));
                                 return it != known.by_name.end() && it->second.Contains(sequence);
                               }),
                missing.end());
  return missing.empty();
}

bool ReceiptDesk::MayBeMet(const Waiter& waiter) const {
  const absl::Duration timeout = waiter.timeout;
  if (!waiter.needs_receipt || timeout <= absl::ZeroDuration()) return false;
  const v1::ReleaseEvent& event = *waiter.event;
  const ReceiversElsewhere* const there = elsewhere_.get();
  if (waiter.is_named) {
    return std::all_of(waiter.missing.begin(), waiter.missing.end(), [&](const std::string& name) {
      const std::string receiver = ReceiverOf(name);
      return eligibility_.Within(receiver, timeout, event) ||
             (there != nullptr && there->Within(receiver, timeout, event));
    });
  }
  if (waiter.when == When::kProcessed) {
    return eligibility_.AnySubscriptionWithin(timeout, event) ||
           (there != nullptr && there->AnySubscriptionWithin(timeout, event));
  }
  return eligibility_.AnybodyWithin(timeout, event) ||
         (there != nullptr && there->AnybodyWithin(timeout, event));
}

void ReceiptDesk::EndWaits() {
  absl::MutexLock lock(&mutex_);
  while (!closing_) {
    const absl::Duration now = waits_clock_.Elapsed();
    if (next_look_ == absl::InfiniteDuration()) {
      look_sooner_.Wait(&mutex_);
    } else if (now < next_look_) {
      look_sooner_.WaitFor(&mutex_, next_look_ - now);
    } else {
      const Waiters late = TakeLate(now);
      mutex_.Unlock();
      for (Waiter* waiter : late) Finish(waiter, NotYet(waiter->when));
      mutex_.Lock();
    }
  }
}

ReceiptDesk::Waiters ReceiptDesk::TakeLate(absl::Duration now) {
  Waiters late;
  next_look_ = absl::InfiniteDuration();
  std::vector<Sequence> emptied;
  for (auto& [sequence, waiters] : waiting_) {
    const auto is_late = [&](const Waiter* waiter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      if (waiter->deadline <= now) return true;
      next_look_ = std::min(next_look_, waiter->deadline);
      return false;
    };
    const auto first_late = std::partition(waiters.begin(), waiters.end(), std::not_fn(is_late));
    late.insert(late.end(), first_late, waiters.end());
    waiters.erase(first_late, waiters.end());
    if (waiters.empty()) emptied.push_back(sequence);
  }
  for (const Sequence sequence : emptied) waiting_.erase(sequence);
  // All are looked through, so not for each of many.
  next_look_ = std::max(next_look_, now + kShortestLook);
  waiting_count_ -= static_cast<int64_t>(late.size());
  return late;
}

void ReceiptDesk::Forwarded(const std::string& receiver, absl::Span<const Sequence> sequences) {
  if (sequences.empty()) return;
  // As runs: usually there is one.
  SequenceSet runs;
  for (const Sequence sequence : sequences) runs.Add(sequence);
  Note(When::kForwarded, receiver, runs);
  for (const auto& [first, last] : runs.runs()) {
    store_->log().RecordForwarded(receiver, {first, last});
  }
}

void ReceiptDesk::Settled(const std::string& subscription, const SequenceSet& sequences) {
  const std::string receiver = ReceiverOf(subscription);
  Note(When::kProcessed, receiver, sequences);
  // Another gateway's word that it wrote them may have been lost; this one is durable.
  if (elsewhere_ != nullptr) Note(When::kForwarded, receiver, sequences);
}

std::vector<Sequence> ReceiptDesk::WaitedForWithin(SequenceRange run) const {
  std::vector<Sequence> sequences;
  const auto [first, last] = run;
  // Whichever is less to look at: a run may be as long as the log.
  if (last - first < static_cast<Sequence>(waiting_.size())) {
    for (Sequence sequence = first; sequence <= last; ++sequence) {
      if (waiting_.contains(sequence)) sequences.push_back(sequence);
    }
  } else {
    for (const auto& [sequence, waiters] : waiting_) {
      if (sequence >= first && sequence <= last) sequences.push_back(sequence);
    }
  }
  return sequences;
}

void ReceiptDesk::Note(When when, const std::string& receiver, const SequenceSet& runs) {
  Waiters finished;
  {
    absl::MutexLock lock(&mutex_);
    Known& known = KnownOf(when);
    const auto named = known.by_name.find(receiver);
    for (const auto& [first, last] : runs.runs()) {
      Remember({first, last}, known.by_anybody);
      if (named != known.by_name.end()) Remember({first, last}, named->second);
      for (const Sequence sequence : WaitedForWithin({first, last})) {
        const auto it = waiting_.find(sequence);
        Waiters left;
        for (Waiter* waiter : it->second) {
          const bool met = waiter->when == when && IsMet(waiter);
          (met ? finished : left).push_back(waiter);
        }
        it->second = std::move(left);
        if (it->second.empty()) waiting_.erase(it);
      }
    }
    waiting_count_ -= static_cast<int64_t>(finished.size());
  }
  for (Waiter* waiter : finished) Finish(waiter, absl::OkStatus());
}

}  // namespace onhook
