#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_SUBSCRIBE_OPTIONS_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_SUBSCRIBE_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "onhook/connection_state.h"
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
  // came. A Consumer, which has no handler, has no use for it.
  int handler_threads = 1;
  // Most acknowledgements that are gathered while an earlier request is unanswered.
  int ack_batch = 1000;
  // How long a stop waits for the handlers that run, and a Consumer's for the deliveries that were
  // taken. What they still hold then is released: somebody else gets it.
  absl::Duration stop_grace = absl::Seconds(30);
  // How long it waits after that for the gateway's last answers.
  absl::Duration drain_timeout = absl::Seconds(10);

  // All optional; called from the subscriber's own threads, several at once if streams overlap.
  // They must not block for long, for reading waits for them, and must not call Wait or Stop.
  //
  // How it stands with the gateway; never two calls of it at once.
  StateHook on_state;
  // A stream is attached; `opened` tells the limits that hold and what the subscription owes.
  std::function<void(const v1::SubscribeOpened& opened)> on_opened;
  // A stream was lost and will be opened again; or could not be opened, which for want of a
  // connection is told once for each cause.
  std::function<void(const absl::Status& why)> on_disconnected;
  // The subscriber ends by itself, which Wait returns once the running handlers have returned or
  // stop_grace is over: the subscription was deleted, say. Called once at most, and not for a stop.
  std::function<void(const absl::Status& why)> on_ending;
  // The gateway answered a settlement.
  std::function<void(const Settled& settled)> on_settled;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_SUBSCRIBE_OPTIONS_H_
