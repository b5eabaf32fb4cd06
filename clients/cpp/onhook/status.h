#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_STATUS_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_STATUS_H_

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

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_STATUS_H_
