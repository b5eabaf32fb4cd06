#ifndef ONHOOK_GATEWAY_EVENT_RELEASE_EVENT_MAPPER_H_
#define ONHOOK_GATEWAY_EVENT_RELEASE_EVENT_MAPPER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/event/vendor_fields.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {

// What the gateway knows about a callback beside its words.
struct MappingOptions {
  absl::string_view source;  // name of the configured source
  v1::Authentication authentication = v1::AUTHENTICATION_NONE;
  // The zone the vendor's times are read in, and its IANA name; looked up once, with the settings.
  absl::TimeZone time_zone = absl::UTCTimeZone();
  absl::string_view time_zone_name = "UTC";
  absl::Time received_at;         // microseconds are kept
  absl::string_view traceparent;  // as in the header; left out of the event unless valid
};

// Turns the vendor's words into the event that subscribers receive: fills `event`, which must be
// empty, and returns the digest that its identity rests on (see event_identity.h). It has some
// twenty parts to be allocated: where that counts, the caller puts it on an arena.
//
// Promise: every word that is not null, the signature's fields apart, can be told from the event
// alone: it is in its typed field where that gives it back letter by letter, else in `extra`.
// Pure. Threads: any. Blocking: never.
// Errors: kInvalidArgument, naming the field and never its value: a mandatory field is absent,
// null or empty (serviceNo is not held to it), or callSerialNo is longer than 50 code points.
// `event` is still empty then.
absl::StatusOr<std::string> MapReleaseEvent(const VendorFields& fields,
                                            const MappingOptions& options, v1::ReleaseEvent& event);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_EVENT_RELEASE_EVENT_MAPPER_H_
