#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_SUBSCRIBER_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_SUBSCRIBER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "onhook/settlement.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook::client {

// An answer of the gateway to one settlement.
struct Settled {
  std::string delivery_id;
  std::string event_id;
  Settlement settlement;
  // OK: done as asked, and durable: after an acknowledgement the event does not come again.
  // kAborted: a later attempt exists, or the event is settled already (never of an
  // acknowledgement). kNotFound: the gateway does not know this delivery (any more).
  absl::Status status;
};

struct SubscribeOptions {
  // Name of the durable subscription.
  std::string subscription;
  // Names this consumer in delivery timelines, for instance a pod's name.
  std::string consumer_name;
  // Creates the subscription if there is none of this name. Without it, a missing one ends the
  // subscriber with kNotFound.
  std::optional<v1::SubscriptionSpec> create_if_missing;

  // Flow control: the most this subscriber is sent without having settled it. Unset: the gateway's
  // defaults (1,000 events, 16 MiB). This also bounds the subscriber's memory.
  std::optional<int32_t> max_outstanding_events;
  std::optional<int64_t> max_outstanding_bytes;
  // How long an event may be silent here before it is given to another consumer, if there is one:
  // after a crash, say. Unset: as the subscription is set. A handler may take longer; see
  // max_extension.
  std::optional<absl::Duration> ack_deadline;
  // For how long, counted from its arrival, an event that waits for a handler or is in one has its
  // deadline extended. A handler that takes longer may see its event given to another consumer, one
  // deadline later at most; where there is none it comes here again, as a further attempt, and the
  // time counts from then (see S8). Zero: nothing is extended.
  absl::Duration max_extension = absl::Hours(1);

  // How many threads call the handler. With 1, events are handled one at a time in the order they
  // came.
  int handler_threads = 1;
  // Most acknowledgements that are gathered while an earlier request is unanswered.
  int ack_batch = 100;
  // How long Stop waits, once the running handlers have returned, for the gateway's last answers.
  absl::Duration drain_timeout = absl::Seconds(10);

  // All optional; called from the subscriber's own threads, several at once if streams overlap.
  // They must not block for long, for reading waits for them, and must not call Wait or Stop.
  //
  // A stream is attached; `opened` tells the limits that hold and what the subscription owes.
  std::function<void(const v1::SubscribeOpened& opened)> on_opened;
  // A stream was lost and will be opened again; or could not be opened, which for want of a
  // connection is told once for each cause.
  std::function<void(const absl::Status& why)> on_disconnected;
  // The subscriber ends by itself, which Wait returns once the running handlers have returned: the
  // subscription was deleted, say. Called once at most, and not for a stop.
  std::function<void(const absl::Status& why)> on_ending;
  // The gateway answered a settlement.
  std::function<void(const Settled& settled)> on_settled;
};

// Receives the events of a durable subscription, at least once each, until it is stopped.
//
// Why a class and not a loop over the stub: streams are lost and drained, and what was handled must
// then be acknowledged on another stream without being forgotten or said too early.
//
// Promises
//   S1 no early ack      An event is acknowledged only after its handler returned Ack.
//   S2 nothing kept      Every event whose acknowledgement was not confirmed comes again, here or
//                        at another consumer; the handler must tolerate that (event_id tells).
//   S3 confirmed         on_settled with OK, and an OK from Stop, mean durable on the gateway.
//   S4 persistent        A lost stream is opened again with growing, randomised delays for as long
//                        as it takes. Acknowledgements without an answer are sent again there.
//   S5 gentle            go_away opens the replacement first; the old stream then finishes what it
//                        had handed out. An acknowledgement leaves at once when none is under way,
//                        and in batches otherwise.
//   S6 held              While an event waits here or is being handled, its deadline is extended
//                        when half of it is over, for max_extension at most: a slow handler does
//                        not make its event come again, a dead process does.
//   S7 stops cleanly     After a stop what waits here, and what still comes, is released at once:
//                        others get it, and it counts as no attempt. A stream is kept open for the
//                        handlers that still run.
//   S8 one at a time     An event that comes again while it waits here or is being handled, after a
//                        lost stream say, is not handled a second time at once. The newest delivery
//                        takes the place of the one before: it is the one that is extended, and
//                        that the handler's answer settles. Once that answer is given, an event
//                        that comes again is handled again.
//
// Threads: `handler_threads` threads call the handler and nothing else; further ones of the
// subscriber read and write. All methods may be called from any thread, but only RequestStop from
// the handler and the callbacks of SubscribeOptions.
// Errors: the subscriber ends by itself when repeating cannot help, with the gateway's status:
// kNotFound (no such subscription, or it was deleted), kInvalidArgument, kFailedPrecondition (it
// exists with another specification), kPermissionDenied, kUnauthenticated (who was let in before
// and shows a certificate or a token goes on trying for ReconnectOptions::rotation_patience); or
// with Client's kFailedPrecondition.
class Subscriber {
 public:
  // Called once for every delivery but those of S8; see settlement.h for what to return. Must not
  // throw.
  using Handler = std::function<Settlement(const v1::Delivery& delivery)>;

  // As Stop.
  ~Subscriber();

  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  // Begins to stop: no further event is handled, those that wait for a handler are released. Never
  // blocks.
  void RequestStop();

  // Waits until the subscriber has ended and returns why: OK after a stop with every settlement
  // confirmed; kUnavailable after a stop that left settlements unconfirmed (their events may come
  // again); else as Errors above. Blocking: without bound until a stop is requested, then until
  // the running handlers have returned and drain_timeout at most beyond that.
  absl::Status Wait();

  // RequestStop, then Wait. May be called again; the answer stays the same.
  absl::Status Stop();

 private:
  friend class Client;
  class Engine;

  explicit Subscriber(std::unique_ptr<Engine> engine);

  std::unique_ptr<Engine> engine_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_SUBSCRIBER_H_
