#ifndef ONHOOK_GATEWAY_EVENT_TRACEPARENT_H_
#define ONHOOK_GATEWAY_EVENT_TRACEPARENT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace onhook {

// The W3C traceparent that a header's value holds, in the form of version 00,
// `00-<32 hex>-<16 hex>-<2 hex>` in lower case; empty if it holds none: another form, a trace or a
// parent of zeros, the forbidden version ff.
//
// Of a later version, as Trace Context 1 asks of who knows version 00 only: its first four parts
// are those of version 00, whatever follows them behind a dash is left out, and so are flags other
// than "sampled". Pure. Threads: any. Blocking: never.
std::string ReadTraceparent(absl::string_view header);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_EVENT_TRACEPARENT_H_
