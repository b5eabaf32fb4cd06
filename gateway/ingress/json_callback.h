#ifndef ONHOOK_GATEWAY_INGRESS_JSON_CALLBACK_H_
#define ONHOOK_GATEWAY_INGRESS_JSON_CALLBACK_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/config/settings.h"
#include "gateway/event/vendor_fields.h"

namespace onhook {

// Reads a body that is one JSON object, losing nothing. `body` is valid UTF-8 and `start` the
// place of its first `{`.
//
// A value becomes: a string its decoded text; a number, true or false its source text (a serial
// number of 19 digits fits no double); null nothing; a nested object or array its JSON text as it
// was sent, white space included.
//
// Promises: strict by RFC 8259, in nested values as well, whose parts nobody reads: no trailing
// commas, no `01`, no control character in a string, no lone surrogate, nothing behind the object.
// Nested objects may repeat a name; the object itself may not.
// Threads, Blocking, Errors: as ParseCallback.
absl::StatusOr<VendorFields> ParseJsonCallback(absl::string_view body, size_t start,
                                               const Settings::CallbackLimits& limits = {});

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_JSON_CALLBACK_H_
