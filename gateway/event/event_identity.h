#ifndef ONHOOK_GATEWAY_EVENT_EVENT_IDENTITY_H_
#define ONHOOK_GATEWAY_EVENT_EVENT_IDENTITY_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "gateway/event/vendor_fields.h"

namespace onhook {

// What makes two callbacks the same event: equal source and equal words, whatever their order and
// their signature. release_event.proto defines it, beside event_id, so that anyone can compute it.
//
// Pure functions. Threads: any. Blocking: never. Errors: none.

constexpr size_t kEventDigestSize = 16;

// The first kEventDigestSize bytes of SHA-256 over source, callSerialNo and all other fields that
// are not null and do not belong to the signature. A missing callSerialNo counts as empty.
std::string EventDigest(absl::string_view source, const VendorFields& fields);

// `v1-<digest in hexadecimal>-<callSerialNo, percent-encoded>`.
std::string EventId(absl::string_view digest, absl::string_view call_serial_no);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_EVENT_EVENT_IDENTITY_H_
