#ifndef ONHOOK_GATEWAY_STORE_SPOOL_ENVELOPE_H_
#define ONHOOK_GATEWAY_STORE_SPOOL_ENVELOPE_H_

#include <optional>

#include "gateway/store/event_log.h"

namespace onhook {

// How an event is handed to the spool, and how the same event comes out of it: a log gives back the
// event's bytes only, and the main store needs its identity, its nonce and its body as well. So all
// of that is put where the event's bytes would be. Nobody but the mover reads the spool.
//
// Pure functions. Threads: any. Blocking: never.

// To be appended to the spool's log: of the same identity and with the same nonce, so that the
// spool knows repeats, and nonces that come again, as any log does.
NewEvent ToEnvelope(const NewEvent& event);

// What asks the spool's log whether it knows the event, and whether its nonce may come with it.
// Stores nothing.
NewEvent ToQuestion(const NewEvent& event);

// The event that was handed to ToEnvelope. Nothing: it is none, or does not fit its checksum.
std::optional<NewEvent> FromEnvelope(const LogEvent& spooled);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SPOOL_ENVELOPE_H_
