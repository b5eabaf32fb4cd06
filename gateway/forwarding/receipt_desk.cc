#include "gateway/forwarding/receipt_desk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/base/steady_condition.h"

namespace onhook {

// One callback that waits, on its thread's stack.
struct ReceiptDesk::Waiter {
  AcknowledgePolicy::When when;
  absl::Duration timeout;
  const v1::ReleaseEvent* event;
  // Whose receipt it needs; with none named, anybody's. Nobody's: being stored is enough.
  bool needs_receipt = true;
  std::vector<std::string> missing;  // subscriptions
  bool is_named = false;
  // Set before `finished`, then read by the waiting thread.
  absl::Status outcome;
  AppendResult stored;
  SteadyNotification finished;
  // Under the desk's mutex.
  bool is_waiting = false;  // in waiting_
  bool is_late = false;     // its time is over
};

namespace {

absl::Status NotYet(AcknowledgePolicy::When when) {
  return absl::DeadlineExceededError(when == AcknowledgePolicy::When::kProcessed
                                         ? "stored, not yet processed"
                                         : "stored, not yet forwarded");
}

std::string ReceiverOf(const std::string& subscription) {
  return absl::StrCat("subscription/", subscription);
}

}  // namespace

ReceiptDesk::ReceiptDesk(const Clock* clock, Store* store, const ReceiptDeskOptions& options)
    : clock_(clock),
      store_(store),
      max_runs_(options.max_runs),
      eligibility_(clock),
      max_waiting_(options.max_waiting) {
  absl::MutexLock lock(&mutex_);
  KnowByName(options.named_subscriptions);
  for (const auto& [receiver, sequences] : store->log().ForwardedAtOpen()) {
    const auto named = forwarded_.by_name.find(receiver);
    for (const auto& [first, last] : sequences.runs()) {
      Remember({first, last}, forwarded_.by_anybody);
      if (named != forwarded_.by_name.end()) Remember({first, last}, named->second);
    }
  }
  store->AddSettledListener([this](const std::string& subscription, const SequenceSet& sequences) {
    Settled(subscription, sequences);
  });
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

absl::Status ReceiptDesk::Accept(NewEvent new_event, const v1::ReleaseEvent& event,
                                 const AcknowledgePolicy& policy, AppendResult* result) {
  const absl::Duration deadline = clock_->Elapsed() + policy.timeout;
  Waiter waiter;
  waiter.when = policy.when;
  waiter.timeout = policy.timeout;
  waiter.event = &event;
  waiter.is_named = !policy.subscriptions.empty();
  waiter.missing.reserve(policy.subscriptions.size());
  for (const NamedSubscription& subscription : policy.subscriptions) {
    if (subscription.filter.Matches(event)) waiter.missing.push_back(subscription.name);
  }
  const bool wanted = waiter.is_named
                          ? !waiter.missing.empty()
                          : policy.when == When::kStored || !store_->ExcludedByAll(event);
  waiter.needs_receipt = policy.when != When::kStored && wanted;
  store_->log().Append(
      std::move(new_event),
      [this, &waiter](const absl::StatusOr<AppendResult>& stored) { Stored(&waiter, stored); });
  const absl::Duration patience = std::max(deadline - clock_->Elapsed(), absl::ZeroDuration());
  if (!waiter.finished.WaitFor(patience)) {
    bool withdrawn = false;
    {
      absl::MutexLock lock(&mutex_);
      if (waiter.is_waiting) {
        Withdraw(&waiter);
        withdrawn = true;
      } else {
        waiter.is_late = true;
      }
    }
    // The disk is waited for however long it takes: only it knows whether the event is stored.
    if (withdrawn) {
      waiter.outcome = NotYet(waiter.when);
    } else {
      waiter.finished.Wait();
    }
  }
  if (result != nullptr && waiter.stored.sequence != 0) *result = waiter.stored;
  return waiter.outcome;
}

void ReceiptDesk::Stored(Waiter* waiter, const absl::StatusOr<AppendResult>& result) {
  if (!result.ok()) {
    waiter->outcome = result.status();
    waiter->finished.Notify();
    return;
  }
  waiter->stored = *result;
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
  {
    absl::MutexLock lock(&mutex_);
    if (processed) {
      const Sequence sequence = waiter->stored.sequence;
      Remember({sequence, sequence}, KnownOf(waiter->when).by_anybody);
    } else if (!IsMet(waiter)) {
      if (may_be_met && !waiter->is_late && waiting_count_ < max_waiting_) {
        waiting_[waiter->stored.sequence].push_back(waiter);
        waiter->is_waiting = true;
        ++waiting_count_;
        return;
      }
      waiter->outcome = NotYet(waiter->when);
    }
  }
  waiter->finished.Notify();
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
  if (waiter.is_named) {
    return std::all_of(waiter.missing.begin(), waiter.missing.end(),
                       [this, timeout, &waiter](const std::string& name) {
                         return eligibility_.Within(ReceiverOf(name), timeout, *waiter.event);
                       });
  }
  return waiter.when == When::kProcessed
             ? eligibility_.AnySubscriptionWithin(timeout, *waiter.event)
             : eligibility_.AnybodyWithin(timeout, *waiter.event);
}

void ReceiptDesk::Withdraw(Waiter* waiter) {
  const auto it = waiting_.find(waiter->stored.sequence);
  Waiters& waiters = it->second;
  waiters.erase(std::find(waiters.begin(), waiters.end(), waiter));
  if (waiters.empty()) waiting_.erase(it);
  waiter->is_waiting = false;
  --waiting_count_;
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
  Note(When::kProcessed, ReceiverOf(subscription), sequences);
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
      if (waiting_.empty()) continue;
      for (Sequence sequence = first; sequence <= last; ++sequence) {
        const auto it = waiting_.find(sequence);
        if (it == waiting_.end()) continue;
        Waiters left;
        for (Waiter* waiter : it->second) {
          const bool met = waiter->when == when && IsMet(waiter);
          (met ? finished : left).push_back(waiter);
          waiter->is_waiting = !met;
        }
        it->second = std::move(left);
        if (it->second.empty()) waiting_.erase(it);
      }
    }
    waiting_count_ -= static_cast<int64_t>(finished.size());
  }
  for (Waiter* waiter : finished) waiter->finished.Notify();
}

}  // namespace onhook
