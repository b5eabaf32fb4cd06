#include "gateway/forwarding/receipt_desk.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/synchronization/notification.h"

namespace onhook {

// One callback that waits, on its thread's stack.
struct ReceiptDesk::Waiter {
  AcknowledgePolicy policy;
  // Set before `finished`, then read by the waiting thread.
  absl::Status outcome;
  AppendResult stored;
  absl::Notification finished;
  // Under the desk's mutex.
  bool is_waiting = false;  // in waiting_
};

namespace {

absl::Status NotForwarded() { return absl::DeadlineExceededError("stored, not yet forwarded"); }

}  // namespace

ReceiptDesk::ReceiptDesk(const Clock* clock, EventLog* log, ReceiptDeskOptions options)
    : clock_(clock),
      log_(log),
      options_(options),
      last_eligible_ns_(absl::ToInt64Nanoseconds(clock->Elapsed())),
      forwarded_(log->ForwardedAtOpen()) {}

absl::Status ReceiptDesk::Accept(NewEvent event, const AcknowledgePolicy& policy,
                                 AppendResult* result) {
  const absl::Duration deadline = clock_->Elapsed() + policy.timeout;
  Waiter waiter;
  waiter.policy = policy;
  log_->Append(std::move(event), [this, &waiter](const absl::StatusOr<AppendResult>& stored) {
    Stored(&waiter, stored);
  });
  const absl::Duration patience = std::max(deadline - clock_->Elapsed(), absl::ZeroDuration());
  if (!waiter.finished.WaitForNotificationWithTimeout(patience)) {
    bool withdrawn = false;
    {
      absl::MutexLock lock(&mutex_);
      if (waiter.is_waiting) {
        Withdraw(&waiter);
        withdrawn = true;
      } else {
        waiter.policy.timeout = absl::ZeroDuration();  // once stored, it has no time left
      }
    }
    // The disk is waited for however long it takes: only it knows whether the event is stored.
    if (withdrawn) {
      waiter.outcome = NotForwarded();
    } else {
      waiter.finished.WaitForNotification();
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
  {
    absl::MutexLock lock(&mutex_);
    const bool must_wait = waiter->policy.when == AcknowledgePolicy::When::kForwarded &&
                           !forwarded_.Contains(result->sequence);
    if (must_wait) {
      if (waiting_count_ < options_.max_waiting && waiter->policy.timeout > absl::ZeroDuration() &&
          EligibleWithin(waiter->policy.timeout)) {
        waiting_[result->sequence].push_back(waiter);
        waiter->is_waiting = true;
        ++waiting_count_;
        return;
      }
      waiter->outcome = NotForwarded();
    }
  }
  waiter->finished.Notify();
}

void ReceiptDesk::Withdraw(Waiter* waiter) {
  const auto it = waiting_.find(waiter->stored.sequence);
  std::vector<Waiter*>& waiters = it->second;
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
  std::vector<Waiter*> finished;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [first, last] : runs.runs()) forwarded_.Add({first, last});
    if (!waiting_.empty()) {
      for (const Sequence sequence : sequences) {
        const auto it = waiting_.find(sequence);
        if (it == waiting_.end()) continue;
        for (Waiter* waiter : it->second) {
          waiter->is_waiting = false;
          finished.push_back(waiter);
        }
        waiting_.erase(it);
      }
      waiting_count_ -= static_cast<int64_t>(finished.size());
    }
  }
  for (Waiter* waiter : finished) waiter->finished.Notify();
  for (const auto& [first, last] : runs.runs()) log_->RecordForwarded(receiver, {first, last});
}

void ReceiptDesk::StreamBecameEligible() {
  eligible_streams_.fetch_add(1, std::memory_order_relaxed);
}

void ReceiptDesk::StreamCeasedToBeEligible() {
  last_eligible_ns_.store(absl::ToInt64Nanoseconds(clock_->Elapsed()), std::memory_order_relaxed);
  eligible_streams_.fetch_sub(1, std::memory_order_release);
}

bool ReceiptDesk::EligibleWithin(absl::Duration timeout) const {
  // Whoever sees the last stream gone sees when it went.
  if (eligible_streams_.load(std::memory_order_acquire) > 0) return true;
  const absl::Duration since =
      clock_->Elapsed() - absl::Nanoseconds(last_eligible_ns_.load(std::memory_order_relaxed));
  return since <= timeout;
}

}  // namespace onhook
