#ifndef ONHOOK_GATEWAY_STORE_EVENT_LOG_H_
#define ONHOOK_GATEWAY_STORE_EVENT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/call_once.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/event/event_filter.h"
#include "gateway/store/sequence.h"

namespace onhook {

// An event as ingress hands it over.
struct NewEvent {
  std::string call_serial_no;  // 1 to 50 characters of UTF-8
  std::string source;
  std::string digest;      // 16 bytes that identify the content; see event/event_identity.h
  absl::Time received_at;  // microseconds are kept
  std::string event;       // a serialised onhook.v1.ReleaseEvent

  // Of a signed callback: what lets its signature be used for this one content only.
  struct Nonce {
    std::string nonce;
    int64_t timestamp_ms = 0;  // since 1970, by the sender's clock
    // One that is as old as nonces that have been forgotten counts as a repeat only: it could be
    // one of those. Set where a replay window is kept.
    bool refuse_forgotten = true;
  };
  std::optional<Nonce> nonce;
  // Stores nothing: it is a repeat, or an error.
  bool only_if_known = false;
  // The callback's body, if it is to be kept beside the event for as long as that.
  std::string raw_body;
};

// An event as it lies in the log. Never changes. Threads: any.
struct LogEvent {
  Sequence sequence = 0;
  absl::Time received_at;
  absl::Time stored_at;  // when its commit began
  // Serialised bytes of all events up to and including this one, so that a difference of two says
  // how much lies between them.
  int64_t end_offset = 0;
  // Exactly the bytes that were appended. Empty if and only if `corrupt`.
  std::string event;
  // The stored bytes do not fit their checksum. Never to be delivered.
  bool corrupt = false;

  // Read from `event` by the first who asks, once for the filters of all subscriptions. Null: it
  // is no ReleaseEvent.
  const FilteredFields* filtered_fields() const;

 private:
  mutable absl::once_flag fields_are_read_;
  mutable std::unique_ptr<const FilteredFields> fields_;
};
using LogEventPtr = std::shared_ptr<const LogEvent>;

struct AppendResult {
  Sequence sequence = 0;
  bool duplicate = false;  // an event of this identity was there already, at `sequence`
  // It is durable, but not in the log yet: `sequence` is 0. It will be, once, by itself.
  bool spooled = false;
};

// What an event is looked up by. Conditions that are set must all hold; at least one of
// call_serial_no and the times must be set.
struct EventQuery {
  std::string call_serial_no;
  std::string source;
  std::string digest;
  absl::Time received_from = absl::InfinitePast();      // included
  absl::Time received_before = absl::InfiniteFuture();  // excluded
  Sequence after = 0;                                   // only events behind this one
  size_t max_events = 100;
  // The answer ends with the event that makes it larger than this, which shows that there is more.
  size_t max_bytes = std::numeric_limits<size_t>::max();
};

// A bound for one answer. At least one event is returned, if there is one, whatever its size.
struct ReadLimits {
  size_t max_events = 256;
  size_t max_bytes = 1 << 20;
};

struct LogPage {
  std::vector<LogEventPtr> events;  // in order, without gaps from the place read from
  bool at_end = false;              // `events` ends with the newest event there was
};

// The log of all release events: the one place where "stored" is decided.
//
// Why a contract: the memory engine serves tests, SQLite one machine, JetStream a fleet; ingress
// and delivery know only this. tests/contract holds every engine to the promises.
//
// Promises
//   P1 durable   A successful Append survives whatever the engine's durability class names.
//   P2 ordered   Sequences grow in the order of commits, without gaps; an event becomes readable
//                only when all before it are.
//   P3 once      Of appends with equal (call_serial_no, source, digest), together or apart, before
//                a crash and after, one stores; the others learn its sequence, and only once that
//                one is durable.
//   P4 no lies   After an error the event is stored whole or not at all, and the error never says
//                "stored".
//   P5 verbatim  An event is read as it was appended, or as corrupt; never altered.
//   P6 signalled A tail listener is called after an event became readable and after its `done`.
//   P7 answered  Every `done` is called exactly once, unless the process ends first.
//   P8 kept      Only a prefix of the log is ever removed: what is beyond the retention's age or
//                size, and owed to no subscription. An identity outlives its event by the
//                deduplication window: a repeat within it is still a duplicate.
//   P9 nonces    A nonce with its timestamp and source goes with one content, for as long as nonces
//                are kept, over a crash as well; kept in the same transaction as the event. Who
//                comes with it again stores nothing: it is a repeat, or an error. With
//                refuse_forgotten this holds for ever, whatever the clock does.
//
// Threads: any, on every method. Callbacks come from the caller's thread or from one of the
// engine's; they must not block and may call the log again.
class EventLog {
 public:
  using AppendDone = std::function<void(const absl::StatusOr<AppendResult>&)>;
  using ReadDone = std::function<void(absl::StatusOr<LogPage>)>;
  using FindDone = std::function<void(absl::StatusOr<std::vector<LogEventPtr>>)>;
  using RawBodyDone = std::function<void(absl::StatusOr<std::optional<std::string>>)>;
  // `last`: the newest sequence; calls may overtake one another.
  using TailListener = std::function<void(Sequence last)>;

  virtual ~EventLog() = default;

  // Stores an event, or finds that it is stored. Appends that wait together share one commit. May
  // do the commit on the calling thread, so it may block for as long as the disk takes.
  //
  // Errors, all with nothing stored: kPermissionDenied (its nonce came with another content),
  // kNotFound (it may only be a repeat, by only_if_known or its nonce, and no such event is known),
  // kResourceExhausted (no room), kOutOfRange (larger than the engine ever stores: see
  // largest_event), kUnavailable (the engine cannot write now, or is closing; try again).
  virtual void Append(NewEvent event, AppendDone done) = 0;

  // Reads the events behind `after`, from memory when they are there: then `done` is called before
  // Read returns. Never blocks.
  //
  // Errors: kOutOfRange (`after` is beyond last(), or below first() - 1: events behind it are no
  // longer kept), kUnavailable (closing), kInternal (the engine cannot read).
  virtual void Read(Sequence after, ReadLimits limits, ReadDone done) = 0;

  // Looks events up, oldest first. Never blocks. Errors as Read, and kInvalidArgument for a query
  // without condition.
  virtual void Find(EventQuery query, FindDone done) = 0;

  // Finds the last event received before `time`, so that reading after it begins with the first
  // one at or after `time`; 0 if there is none. Events are taken to be stored about in the order
  // of their receipt. Never blocks. Errors as Read.
  virtual void FindPlace(absl::Time time, std::function<void(absl::StatusOr<Sequence>)> done) = 0;

  // The raw_body that an event was appended with; nothing if it had none, or is no longer kept.
  // Never blocks. Errors: kDataLoss (it does not fit its checksum), kUnavailable (closing),
  // kInternal (the engine cannot read).
  virtual void FindRawBody(Sequence sequence, RawBodyDone done) = 0;

  // Sequence of the newest readable event; 0 while the log is empty.
  virtual Sequence last() const = 0;

  // Sequence of the oldest event kept, or to come: retention removes a prefix. Only grows. The
  // newest event is always kept.
  virtual Sequence first() const = 0;

  // Calls `listener` after each commit that stored an event, until the log is closed. To be called
  // while the gateway is being put together, before the first Append.
  virtual void AddTailListener(TailListener listener) = 0;

  // Keeps in mind that `receiver` was sent these events. Lazy: it rides along with some later
  // commit, and a crash may forget it.
  virtual void RecordForwarded(const std::string& receiver, SequenceRange range) = 0;

  // How many bytes an event may take with its raw body; some more is what stands beside them. 0: no
  // limit, or none that is known yet.
  virtual int64_t largest_event() const { return 0; }

  // Whether other gateways may be on the same log. Always the same answer.
  virtual bool shared() const { return false; }

  // What other gateways on the same log tell, if the engine serves several: hints, that may be late
  // or lost. Calls come one at a time from one of the engine's threads.
  struct OtherGateways {
    // Another one has sent `receiver` these events: what RecordForwarded was told there.
    std::function<void(const std::string& receiver, SequenceRange range)> forwarded;
    // Another one has streams of these receivers that would take an event: what TellReceivers was
    // told there. It says so again and again, for as long as it has.
    std::function<void(const std::vector<std::string>& receivers)> receivers;
  };
  // Calls these until the log is closed. To be called while the gateway is being put together,
  // before the first Append.
  virtual void ListenToOthers(OtherGateways) {}

  // Tells other gateways on the same log whose streams there are here. Lazy, and never blocks.
  virtual void TellReceivers(const std::vector<std::string>&) {}

  // What was known to be forwarded when the log was opened, by receiver: what was kept in mind, as
  // far as no crash forgot it. What a subscription settled shows in its queue.
  virtual const std::map<std::string, SequenceSet>& ForwardedAtOpen() const = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EVENT_LOG_H_
