#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_STATUS_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_STATUS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace onhook::client {

// What the gateway says about an error beyond its code and message. Every status that this library
// returns for an answer of the gateway can be asked; threads: any; blocking: never.

// The reason, one word in capitals for programs to compare ("GOING_AWAY"); empty if none was given.
std::string ErrorReason(const absl::Status& status);

// A named detail, for instance `oldest_cursor` and `events_lost` of an OUT_OF_RANGE; empty if there
// is none of this name.
std::string ErrorMetadata(const absl::Status& status, absl::string_view name);

// Of a watch: what came behind its place is no longer kept.
struct WatchGap {
  // Where to begin to get all that is kept: WatchRequest.after_cursor.
  std::string oldest_cursor;
  // How many events are gone; 0 if the gateway did not say.
  int64_t events_lost = 0;
};

// The gap that ended a watch; nothing if that ended for something else.
std::optional<WatchGap> GapOf(const absl::Status& status);

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_STATUS_H_
