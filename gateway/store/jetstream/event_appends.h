#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_EVENT_APPENDS_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_EVENT_APPENDS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/store/event_log.h"
#include "gateway/store/jetstream/event_search.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/jetstream_nonces.h"
#include "gateway/store/jetstream/message_lookup.h"
#include "gateway/store/jetstream/postponed_work.h"
#include "gateway/store/jetstream/subjects.h"

namespace onhook {

// Appends that are on their way to the servers.
//
// An append is answered by whichever comes first: the server's acknowledgement, or the event itself
// with those that come to all gateways, which knows its append by a number of its own. The servers
// hand an event out only when it is as durable as one they acknowledged. While they elect a leader
// an append is sent again: its message id makes that harmless. While none is connected it fails, so
// that the vendor, or the spool, need not wait for what is known.
//
// Threads: any; answers come from the connection's threads, from whoever ticks, or for what is
// refused from the caller's. Blocking: never.
class EventAppends {
 public:
  struct Parts {
    JetStreamApi* api = nullptr;
    JetStreamNonces* nonces = nullptr;
    EventSearch* search = nullptr;
    MessageLookup* lookup = nullptr;
    PostponedWork* postponed = nullptr;
    const Clock* clock = nullptr;
    // As what Arrived says, later: called when the append was answered that it had to wait for.
    std::function<void(Sequence)> may_be_told;
  };
  // All must outlive it, and the connection be closed before it goes.
  EventAppends(const Parts& parts, const Subjects& subjects, absl::Duration request_timeout);

  // How large an event may be, as it lies in a message; 0: it is not known yet.
  int64_t largest() const;

  // As EventLog::Append.
  void Append(NewEvent event, EventLog::AppendDone done);

  // An event came in that was appended with this number: answers its append, if it is one of ours.
  // Up to where others may be told of events now, since all appends of what came in are answered.
  // Nothing: one is being answered this moment by another thread, which will say so. Calls come one
  // at a time, in order.
  std::optional<Sequence> Arrived(uint64_t append, Sequence sequence);

  // The greatest sequence that an append was answered with. Raised before it is.
  Sequence greatest_told() const { return greatest_told_.load(std::memory_order_acquire); }

  // The stream ends at `last`: what was told behind it has been lost.
  void ForgetBehind(Sequence last);

  // kResourceExhausted: the servers said a moment ago that there is no room.
  absl::Status room() const;

  // Answers everything. Idempotent.
  void Close();

 private:
  struct Operation {
    uint64_t number = 0;
    std::string source;
    std::string call_serial_no;
    std::string digest;
    std::optional<NewEvent::Nonce> nonce;
    bool only_if_known = false;
    std::string identity;
    std::string data;      // the message, if it may be one
    absl::Duration until;  // then it has failed
    EventLog::AppendDone done;

    size_t bytes() const;
  };
  using OperationPtr = std::shared_ptr<Operation>;
  // Appends of one identity that may store it, and those that may only be repeats of it.
  struct Family {
    int64_t storing = 0;
    std::vector<OperationPtr> waiting;
  };

  absl::Status Admit(const OperationPtr& operation);
  void Begin(const OperationPtr& operation);
  void Bound(const OperationPtr& operation, const absl::StatusOr<JetStreamNonces::Bound>& bound);

  // --- events that may be stored
  void Publish(const OperationPtr& operation);
  void Published(const OperationPtr& operation, const absl::StatusOr<PublishAck>& ack);
  // Its nonce had been bound to it before.
  void PublishUnlessStored(const OperationPtr& operation, absl::Time bound_at);
  void PublishIfItWouldBeKept(const OperationPtr& operation, absl::Time bound_at);

  // --- events that may only be repeats
  void Repeat(const OperationPtr& operation);
  void LookUp(const OperationPtr& operation);
  void Found(const OperationPtr& operation, Sequence sequence);

  void Answer(const OperationPtr& operation, const absl::StatusOr<AppendResult>& result);

  const Parts parts_;
  const Subjects subjects_;
  const absl::Duration request_timeout_;
  std::atomic<Sequence> greatest_told_{0};
  std::atomic<bool> had_no_room_{false};

  mutable absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status no_room_ ABSL_GUARDED_BY(mutex_);
  absl::Duration no_room_since_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<uint64_t, OperationPtr> open_ ABSL_GUARDED_BY(mutex_);  // by number
  // By number: those whose `done` is being called, and of these the ones whose events came in.
  absl::flat_hash_set<uint64_t> answering_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<uint64_t> awaited_ ABSL_GUARDED_BY(mutex_);
  Sequence arrived_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, Family> families_ ABSL_GUARDED_BY(mutex_);  // by identity
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_EVENT_APPENDS_H_
