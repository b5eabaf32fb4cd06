#ifndef ONHOOK_GATEWAY_STORE_SUBSCRIPTION_QUEUE_H_
#define ONHOOK_GATEWAY_STORE_SUBSCRIPTION_QUEUE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/distribution.h"
#include "gateway/store/event_log.h"
#include "gateway/store/sequence.h"
#include "onhook/v1/release_event.pb.h"
#include "onhook/v1/release_event_service.pb.h"
#include "onhook/v1/subscription_service.pb.h"

namespace onhook {

// Names one attached consumer of a queue; never reused within a process.
using ConsumerId = uint64_t;

// How much a consumer may hold unsettled.
struct ConsumerLimits {
  int64_t max_outstanding_events = 1000;
  int64_t max_outstanding_bytes = 16 << 20;  // one event is let through whatever its size
  bool paused = false;                       // gets nothing new
};

struct ConsumerOptions {
  std::string name;  // for the timeline; need not be unique
  ConsumerLimits limits;
  // How long what it is handed may stay unsettled. Unset: as the subscription's specification says.
  std::optional<absl::Duration> ack_deadline;
};

struct ConsumerCallbacks {
  // A Pull that came back with nothing is worth repeating: called once for each such Pull, perhaps
  // in vain, perhaps before that Pull returns.
  std::function<void()> ready;
  // The subscription was deleted: nothing comes any more, and nothing can be settled. Called once.
  std::function<void()> deleted;
};

// How a consumer went.
enum class Departure {
  kInOrder,  // it said goodbye, or the gateway ended it: its events come again as if untouched
  kLost,     // it broke off; an event that was with several such consumers is held in suspicion
};

// An event handed to a consumer, for as long as it stays attached.
struct Lease {
  std::string delivery_id;
  LogEventPtr event;
  int32_t attempt = 1;
  v1::Delivery::RedeliveryReason reason = v1::Delivery::REDELIVERY_REASON_UNSPECIFIED;
  absl::Duration ack_deadline;  // from its writing
};

// An event that has gone out to its consumer.
struct WrittenEvent {
  Sequence sequence = 0;
  int32_t attempt = 1;
  absl::Time received_at;
  bool again = false;  // it was written for this subscription before

  static WrittenEvent Of(const Lease& lease) {
    return {lease.event->sequence, lease.attempt, lease.event->received_at,
            lease.reason != v1::Delivery::REDELIVERY_REASON_UNSPECIFIED};
  }
};

struct PullResult {
  std::vector<Lease> leases;
  bool at_tail = false;     // nothing more is stored that this subscription owes and nobody holds
  bool has_credit = false;  // the consumer may hold more than it does now
};

// A wish to end deliveries.
struct SettleRequest {
  enum class Action {
    kAck,      // done
    kRetry,    // failed: again after `delay`, counted as an attempt; parked if those are used up
    kPark,     // put among the dead letters at once
    kSkip,     // settle without having processed it; by the latest attempt only, unlike kAck
    kRelease,  // again at once, with another consumer if there is one; counted as nothing
  };
  Action action = Action::kAck;
  std::vector<std::string> delivery_ids;
  std::string consumer_name;            // who says so
  std::optional<absl::Duration> delay;  // kRetry only; unset: backoff
  std::string reason;                   // for the timeline
};

// Why a delivery was not settled or extended.
enum class SettleError {
  kStale,    // never of an ack: a later attempt exists, this one is over, or the event is settled
  kUnknown,  // no delivery of this subscription and epoch
  kRetryLater,  // it could not be made durable now
};
struct SettleException {
  size_t index = 0;  // in the request
  SettleError error = SettleError::kUnknown;
};

struct QueueStats {
  bool paused = false;  // the subscription, not a consumer
  int64_t connected_consumers = 0;
  int64_t backlog_events = 0;      // unsettled, those with consumers included
  int64_t outstanding_events = 0;  // with consumers
  int64_t redeliveries = 0;        // deliveries beyond an event's first, since the store was opened
  int64_t dead_letters = 0;        // those that were redriven and are unsettled excluded
  int64_t dropped_by_limit = 0;    // ever
  int64_t settled = 0;             // since the store was opened
  Sequence floor = 0;              // everything up to here is settled
  Sequence oldest_unsettled = 0;   // 0: none
};

// What came of a delivery's end, as its consumer was told, or would have been. The first six end
// it.
enum class SettleResult {
  kAcked,
  kRetry,
  kPark,
  kSkip,
  kRelease,
  kExpired,  // nobody asked: its deadline passed
  kStale,
  kUnknown,
  kRetryLater,
};
constexpr size_t kSettleResults = static_cast<size_t>(SettleResult::kRetryLater) + 1;

// What a queue has counted since the store was opened.
struct QueueCounts {
  int64_t first_deliveries = 0;  // written to consumers
  int64_t redeliveries = 0;      // likewise, beyond an event's first
  // Seconds from an event's receipt to its first delivery.
  Distribution::Counts first_delivery_latency;
  std::array<int64_t, kSettleResults> results = {};  // by SettleResult
  int64_t parked = 0;                                // on request, by exhaustion, or corrupt
};

// An event that was given up, with a copy of its own: the log may have forgotten it.
struct DeadLetter {
  int64_t id = 0;     // of this store; in the order of their parking
  LogEventPtr event;  // as it lay in the log
  v1::DeadLetter::Reason reason = v1::DeadLetter::REASON_UNSPECIFIED;
  std::string detail;
  int32_t attempts = 0;
  absl::Time parked_at;
  std::string consumer_name;  // that had it last
};

// Dead letters that an administrator names.
struct DeadLetterSelection {
  bool all = false;
  std::vector<int64_t> ids;  // if not all
};
struct DeadLetterOutcome {
  int64_t done = 0;
  std::vector<int64_t> unknown;  // of the selection
};

// The deliveries of one durable named subscription: who holds which event, and what is settled.
//
// Why a contract: as EventLog. Underneath memory and SQLite lies one pure state machine
// (subscription_state.h); JetStream brings its own consumers.
//
// Promises
//   Q1 owed      Every event stored after the subscription's start is handed out until it is
//                settled, over consumers, restarts and crashes. Settled is: acked, skipped, parked,
//                excluded by the filter, given up by the backlog limit, or passed over by a seek.
//   Q2 settled   A settlement reported without exception is durable; its event never comes again,
//                unless it is redriven or the subscription is sent back.
//   Q3 one       An event is with one consumer at a time.
//   Q4 returned  When a consumer detaches, what it held is handed to others, or to itself when it
//                comes back. What was with three that were lost goes alone from then on, and each
//                further loss counts as an attempt.
//   Q5 ordered   An event that never was handed out comes in the order of the log; what comes
//                again comes before it.
//   Q6 bounded   A consumer holds no more than its limits; memory is bounded by the records of
//                max_unacked_events and a page read ahead, not by the events that consumers hold.
//   Q7 free      Handing out writes nothing to disk.
//   Q8 lasting   A delivery id settles its event from any consumer, over reconnection and restart;
//                after a seek it is unknown.
//   Q9 timely    What is not settled or extended within its deadline comes again, after a backoff.
//   Q10 parked   When attempts and minimum_retry_time are both used up the event is copied among
//                the dead letters: never dropped, and in nobody's way.
//   Q11 fair     Consumers that are ready share what there is.
//
// Threads: any, on every method. Callbacks come from the caller's thread or one of the engine's,
// never while the queue holds a lock; they must not block and may call the queue again. After the
// subscription was deleted every method answers as for an unknown delivery, or kNotFound.
class SubscriptionQueue {
 public:
  using SettleDone = std::function<void(std::vector<SettleException>)>;
  template <typename Result>
  using Done = std::function<void(absl::StatusOr<Result>)>;

  virtual ~SubscriptionQueue() = default;

  virtual const std::string& name() const = 0;

  // Adds a consumer. The callbacks are not called after Detach returned, unless a call was under
  // way.
  virtual ConsumerId Attach(ConsumerOptions options, ConsumerCallbacks callbacks) = 0;

  // Removes a consumer. What it held and has not asked to settle goes to others.
  virtual void Detach(ConsumerId consumer, Departure departure) = 0;

  // Changes a consumer's limits. Lowering them takes nothing back.
  virtual void SetLimits(ConsumerId consumer, ConsumerLimits limits) = 0;

  // Hands out events: as many as there are, as `limits`, the consumer's own limits and its share
  // allow. Never blocks; what must be read from disk first is announced by `ready`. A consumer that
  // is not attached gets nothing.
  virtual PullResult Pull(ConsumerId consumer, ReadLimits limits) = 0;

  // Tells that events which `consumer` pulled have been written to it. Their deadlines count from
  // now. What was not written when its time is over, or its consumer lost, comes again as if it had
  // not been handed out.
  virtual void MarkWritten(ConsumerId consumer, const std::vector<WrittenEvent>& events) = 0;

  // Settles deliveries. `done` is called when that is durable, or failed: with what was not
  // settled, in the order of the request. Of the request nothing is needed after the return.
  virtual void Settle(const SettleRequest& request, SettleDone done) = 0;

  // Gives deliveries a new deadline, counted from now. Returns what was not extended, in the order
  // of the request. Leases live in memory, so nothing waits for the disk.
  virtual std::vector<SettleException> Extend(const std::vector<std::string>& delivery_ids,
                                              absl::Duration ack_deadline) = 0;

  virtual QueueStats Stats() const = 0;

  // Takes no lock that an event's way takes.
  virtual QueueCounts Counts() const = 0;

  // Whether the subscription owes the event no more, or never did.
  virtual bool IsSettled(Sequence sequence) const = 0;

  // Whether the subscription's filter, as it is now, excludes the event. Never blocks.
  virtual bool Excludes(const v1::ReleaseEvent& event) const = 0;

  // What became of an event here, oldest entry first; with STATE_UNSPECIFIED and no entries if the
  // subscription never owed it. What lives in memory only is absent after a restart.
  // Errors: kUnavailable, kInternal.
  virtual void FindTimeline(Sequence sequence, Done<v1::SubscriptionTimeline> done) = 0;

  // Lists dead letters in the order of their parking, with ids greater than `after`.
  // Errors: kUnavailable, kInternal.
  virtual void ListDeadLetters(int64_t after, ReadLimits limits,
                               Done<std::vector<DeadLetter>> done) = 0;

  // Owes dead letters again, with attempts counted from 1. They stay stored until they are settled.
  // Errors: kUnavailable, kResourceExhausted, kInternal; of many, some may have been changed
  // before.
  virtual void Redrive(DeadLetterSelection selection, Done<DeadLetterOutcome> done) = 0;

  // Gives dead letters up. Errors as Redrive.
  virtual void Discard(DeadLetterSelection selection, Done<DeadLetterOutcome> done) = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SUBSCRIPTION_QUEUE_H_
