#ifndef ONHOOK_GATEWAY_STORE_SUBSCRIPTION_QUEUE_H_
#define ONHOOK_GATEWAY_STORE_SUBSCRIPTION_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/store/event_log.h"
#include "gateway/store/sequence.h"

namespace onhook {

// Names one attached consumer of a queue; never reused within a process.
using ConsumerId = uint64_t;

// How much a consumer may hold unsettled.
struct ConsumerLimits {
  int64_t max_outstanding_events = 1000;
  int64_t max_outstanding_bytes = 16 << 20;  // one event is let through whatever its size
};

// An event handed to a consumer, for as long as it stays attached.
struct Lease {
  std::string delivery_id;
  LogEventPtr event;
  int32_t attempt = 1;
  bool stream_lost = false;  // it comes again because a consumer went without settling it
};

struct PullResult {
  std::vector<Lease> leases;
  bool at_tail = false;     // nothing more is stored that this subscription owes and nobody holds
  bool has_credit = false;  // the consumer may hold more than it does now
};

// Why a delivery could not be settled.
enum class SettleError {
  kUnknown,     // no delivery of this subscription and epoch
  kRetryLater,  // it could not be made durable now
};
struct SettleException {
  size_t index = 0;  // in the request
  SettleError error = SettleError::kUnknown;
};

struct QueueStats {
  int64_t connected_consumers = 0;
  int64_t backlog_events = 0;      // unsettled, those with consumers included
  int64_t outstanding_events = 0;  // with consumers
};

// The deliveries of one durable named subscription: who holds which event, and what is settled.
//
// Why a contract: as EventLog. Underneath memory and SQLite lies one pure state machine
// (subscription_state.h); JetStream brings its own consumers.
//
// Promises
//   Q1 owed      Every event stored after the subscription's start is handed out until it is
//                settled, over consumers, restarts and crashes.
//   Q2 settled   A settlement reported without exception is durable; its event never comes again.
//   Q3 one       An event is with one consumer at a time.
//   Q4 returned  When a consumer detaches, what it held is handed to others, or to itself when it
//                comes back.
//   Q5 ordered   An event that never was handed out comes in the order of the log; what comes
//                again comes before it.
//   Q6 bounded   A consumer holds no more than its limits; memory is bounded by what consumers
//                hold and one page read ahead.
//   Q7 free      Handing out writes nothing to disk.
//   Q8 lasting   A delivery id settles its event from any consumer, over reconnection and restart.
//
// Threads: any, on every method. Callbacks come from the caller's thread or one of the engine's,
// never while the queue holds a lock; they must not block and may call the queue again.
class SubscriptionQueue {
 public:
  using Ready = std::function<void()>;
  using SettleDone = std::function<void(std::vector<SettleException>)>;

  virtual ~SubscriptionQueue() = default;

  virtual const std::string& name() const = 0;

  // Adds a consumer. `ready` is called when a Pull that came back with nothing is worth repeating:
  // once for each such Pull, perhaps in vain, perhaps before that Pull returns. It is not called
  // after Detach returned, unless a call was under way.
  virtual ConsumerId Attach(const std::string& consumer_name, ConsumerLimits limits,
                            Ready ready) = 0;

  // Removes a consumer. What it held and has not asked to settle goes to others.
  virtual void Detach(ConsumerId consumer) = 0;

  // Changes a consumer's limits. Lowering them takes nothing back.
  virtual void SetLimits(ConsumerId consumer, ConsumerLimits limits) = 0;

  // Hands out events: as many as there are, as `limits` and the consumer's own limits allow. Never
  // blocks; what must be read from disk first is announced by `ready`. A consumer that is not
  // attached gets nothing.
  virtual PullResult Pull(ConsumerId consumer, ReadLimits limits) = 0;

  // Settles deliveries. `done` is called when that is durable, or failed: with what was not
  // settled, in the order of the request.
  virtual void Ack(const std::vector<std::string>& delivery_ids, const std::string& consumer_name,
                   SettleDone done) = 0;

  virtual QueueStats Stats() const = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SUBSCRIPTION_QUEUE_H_
