#ifndef ONHOOK_GATEWAY_FORWARDING_RECEIPT_DESK_H_
#define ONHOOK_GATEWAY_FORWARDING_RECEIPT_DESK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/base/clock.h"
#include "gateway/base/steady_condition.h"
#include "gateway/event/event_filter.h"
#include "gateway/forwarding/eligibility.h"
#include "gateway/forwarding/receivers_elsewhere.h"
#include "gateway/store/store.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {

// A subscription whose receipt a callback waits for.
struct NamedSubscription {
  std::string name;
  EventFilter filter;  // what it excludes needs no receipt of it
};

// When a callback is answered with success; a setting of each source.
struct AcknowledgePolicy {
  enum class When {
    kForwarded,  // durable, and written to a receiver
    kStored,     // durable
    kProcessed,  // durable, and settled by a subscription: acked, skipped or parked
  };
  When when = When::kForwarded;
  // Each of these must have received, or settled, the event. Empty: one receiver will do,
  // whichever. Each must be among ReceiptDeskOptions::named_subscriptions.
  std::vector<NamedSubscription> subscriptions;
  // How long a callback may wait for that, counted from its acceptance.
  absl::Duration timeout = absl::Milliseconds(500);
};

struct ReceiptDeskOptions {
  // How many callbacks may wait for their receipts at once; more are told "stored, not yet
  // forwarded" at once, so that slow subscribers cannot use up the connections.
  int64_t max_waiting = 768;
  // Subscriptions that policies name. What is known of them is kept one by one, from when they are
  // named.
  std::vector<std::string> named_subscriptions;
  // How many runs of sequences are kept of each receiver, the newest ones: what filters pass over
  // tears them apart. Some 6 MB each. A repeat of what is forgotten is told "not yet" unless the
  // store knows of its settlement.
  size_t max_runs = 100000;
};

// Where ingress and delivery meet: ingress hands events in and waits for their receipt; delivery
// says what it has written to whom, and the store what was settled.
//
// Promises: store first, always: an event is appended before anything else is decided. A receipt
// is OK only for an event that is durable and meets its policy, now or earlier, in this process or
// one before. What every subscription's filter excludes needs no receipt, nor that of a named one
// whose filter excludes it: the filter as it is now. What a subscription was spared otherwise (by
// its start, a seek, its backlog limit, a filter of before) it has not received: decision 0008.
// A repeat of a stored event gets what the original would get now. What is durable but not in the
// log yet (AppendResult::spooled) meets a policy only if that needs no receipt.
// On a log that several gateways share, what any of them has forwarded counts, and callbacks wait
// for streams of all; but hints between gateways may be lost, and then a callback is told "not yet"
// that could have been told better.
// Threads: any. Blocking: only AcceptAndWait.
class ReceiptDesk {
 public:
  // `clock` and `store` must outlive the desk. To be made before the store's first append.
  ReceiptDesk(const Clock* clock, Store* store, const ReceiptDeskOptions& options);
  // Nobody may wait for a receipt any more.
  ~ReceiptDesk();

  // Another max_waiting holds from now on, and policies may name these subscriptions; those named
  // before may be named still, since callbacks wait for them. What was written to a subscription
  // before it was named counts once it is settled. To be called before a policy is used that names
  // a new one.
  void SetOptions(const ReceiptDeskOptions& options);

  // OK: the callback may be answered with success. Otherwise kDeadlineExceeded: it is stored, but
  // its policy is not met; it will be delivered, and a repeat may find that done. Any other error,
  // as EventLog::Append gives it: it is not stored. `stored` is filled in whenever the event is
  // stored.
  using ReceiptDone = std::function<void(const absl::Status& receipt, const AppendResult& stored)>;

  // Stores an event, and calls `done` once its policy is met, or will not be in time: on the thread
  // that finds it out, which is the caller's, the one that commits, one that delivers or one of the
  // desk's; so `done` must not block. `event` is what `new_event` holds as bytes; it must last
  // until `done` is called.
  void Accept(NewEvent new_event, const v1::ReleaseEvent& event, const AcknowledgePolicy& policy,
              ReceiptDone done);

  // The same for a thread that may wait. `stored` may be null.
  absl::Status AcceptAndWait(NewEvent new_event, const v1::ReleaseEvent& event,
                             const AcknowledgePolicy& policy, AppendResult* stored = nullptr);

  // Says that these events, in any order, were written to `receiver` (gRPC reported the write
  // done). `receiver` is bounded in number: "subscription/NAME" or "watch".
  void Forwarded(const std::string& receiver, absl::Span<const Sequence> sequences);

  // Adds a stream of `receiver`, which says when it is eligible and for which events, and at last
  // that it leaves. While none is that could meet an event's policy, and none was within its
  // timeout, callbacks do not wait. At start, all are taken to have been just before.
  std::shared_ptr<EligibleStream> AddStream(std::string receiver,
                                            EligibleStream::Wants wants = nullptr);

 private:
  struct Waiter;
  using Waiters = std::vector<Waiter*>;
  using When = AcknowledgePolicy::When;

  // Called when the append is done, on the engine's thread or the caller's.
  void Stored(Waiter* waiter, const absl::StatusOr<AppendResult>& result);
  // Tells the waiter's `done`, and destroys it.
  static void Finish(Waiter* waiter, const absl::Status& receipt);
  // Lets the waiter wait, or finishes it. `processed`: some subscription settled the event.
  void Decide(Waiter* waiter, bool processed);
  // Takes what is met already off what the waiter needs; says whether that was all.
  bool IsMet(Waiter* waiter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsMetNow(Waiter* waiter) ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether a stream could meet it in time, as far as that can be told. Asks the streams, which ask
  // their queues, so not under the lock.
  bool MayBeMet(const Waiter& waiter) const ABSL_LOCKS_EXCLUDED(mutex_);
  void Settled(const std::string& subscription, const SequenceSet& sequences);
  void ListenToOthers();
  // Notes the runs, and gathers the waiters that have all they need now.
  void Note(When when, const std::string& receiver, const SequenceSet& runs)
      ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<Sequence> WaitedForWithin(SequenceRange run) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The desk's own thread: finishes those that have waited for as long as they may.
  void EndWaits();
  // Takes those off whose time is over by `now`, and says when the next one's is.
  Waiters TakeLate(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock* const clock_;
  Store* const store_;
  const size_t max_runs_;
  Eligibility eligibility_;
  // Null: no other gateway is on the log.
  std::unique_ptr<ReceiversElsewhere> elsewhere_;

  // What is known to have been received: by anybody, and by those that policies name.
  struct Known {
    SequenceSet by_anybody;
    std::map<std::string, SequenceSet> by_name;  // of receivers
  };
  void KnowByName(const std::vector<std::string>& subscriptions)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Adds to a set, within max_runs.
  void Remember(SequenceRange run, SequenceSet& known) const;
  Known& KnownOf(When when) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return when == When::kProcessed ? processed_ : forwarded_;
  }
  mutable absl::Mutex mutex_;
  int64_t max_waiting_ ABSL_GUARDED_BY(mutex_);
  Known forwarded_ ABSL_GUARDED_BY(mutex_);
  Known processed_ ABSL_GUARDED_BY(mutex_);  // in this process
  absl::flat_hash_map<Sequence, Waiters> waiting_ ABSL_GUARDED_BY(mutex_);
  int64_t waiting_count_ ABSL_GUARDED_BY(mutex_) = 0;

  // By this clock, since nobody turns the waits' own.
  const SystemClock waits_clock_;
  // When the thread looks for waits that are over; it sleeps on if none had begun by then.
  absl::Duration next_look_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  SteadyCondition look_sooner_;
  std::thread ending_waits_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_FORWARDING_RECEIPT_DESK_H_
