#ifndef ONHOOK_GATEWAY_FORWARDING_RECEIPT_DESK_H_
#define ONHOOK_GATEWAY_FORWARDING_RECEIPT_DESK_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/base/clock.h"
#include "gateway/store/event_log.h"

namespace onhook {

// When a callback is answered with success; a setting of each source.
struct AcknowledgePolicy {
  enum class When {
    kForwarded,  // durable, and written to at least one receiver
    kStored,     // durable
  };
  When when = When::kForwarded;
  // How long a callback may wait for being forwarded, counted from its acceptance.
  absl::Duration timeout = absl::Milliseconds(500);
};

struct ReceiptDeskOptions {
  // How many callbacks may wait to be forwarded at once; more are told "stored, not yet
  // forwarded" at once, so that slow subscribers cannot use up the connections.
  int64_t max_waiting = 768;
};

// Where ingress and delivery meet: ingress hands events in and waits for their receipt; delivery
// says what it has written to whom.
//
// Promises: store first, always: an event is appended before anything else is decided. A receipt
// is OK only for an event that is durable and, where the policy asks for it, forwarded, now or
// earlier. A repeat of a stored event gets what the original would get now.
// Threads: any. Blocking: only Accept.
class ReceiptDesk {
 public:
  // `clock` and `log` must outlive the desk.
  ReceiptDesk(const Clock* clock, EventLog* log, ReceiptDeskOptions options);

  // Stores an event and waits until its policy is met. The calling thread is woken once.
  //
  // OK: the callback may be answered with success. Otherwise kDeadlineExceeded: it is stored, but
  // not forwarded; it will be delivered, and a repeat may find that done. Any other error, as
  // EventLog::Append gives it: it is not stored. `result`, if not null, is filled in whenever the
  // event is stored.
  absl::Status Accept(NewEvent event, const AcknowledgePolicy& policy,
                      AppendResult* result = nullptr);

  // Says that these events, in any order, were written to `receiver` (gRPC reported the write
  // done). `receiver` is bounded in number: "subscription/NAME" or "watch".
  void Forwarded(const std::string& receiver, absl::Span<const Sequence> sequences);

  // A stream became, or ceased to be, eligible: connected, not paused, with credit, at the tail,
  // and without a write under way. While none is, and none was within a policy's timeout, callbacks
  // do not wait. At start, one is taken to have been just before.
  void StreamBecameEligible();
  void StreamCeasedToBeEligible();

 private:
  struct Waiter;

  // Called when the append is done, on the engine's thread or the caller's.
  void Stored(Waiter* waiter, const absl::StatusOr<AppendResult>& result);
  void Withdraw(Waiter* waiter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool EligibleWithin(absl::Duration timeout) const;

  const Clock* clock_;
  EventLog* log_;
  const ReceiptDeskOptions options_;

  std::atomic<int64_t> eligible_streams_{0};
  // Clock::Elapsed() in nanoseconds when the last eligible stream ceased to be.
  std::atomic<int64_t> last_eligible_ns_;

  mutable absl::Mutex mutex_;
  SequenceSet forwarded_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Sequence, std::vector<Waiter*>> waiting_ ABSL_GUARDED_BY(mutex_);
  int64_t waiting_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_FORWARDING_RECEIPT_DESK_H_
