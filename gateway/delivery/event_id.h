#ifndef ONHOOK_GATEWAY_DELIVERY_EVENT_ID_H_
#define ONHOOK_GATEWAY_DELIVERY_EVENT_ID_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhook {

// What an event_id says: what to look its event up by.
struct EventIdParts {
  std::string digest;  // as event/event_identity.h has it
  std::string call_serial_no;
};

// Reads an event_id as release_event.proto defines it. Takes exactly what EventId gives.
// Errors: kInvalidArgument.
absl::StatusOr<EventIdParts> ParseEventId(absl::string_view event_id);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_EVENT_ID_H_
