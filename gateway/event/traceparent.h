#ifndef ONHOOK_GATEWAY_EVENT_TRACEPARENT_H_
#define ONHOOK_GATEWAY_EVENT_TRACEPARENT_H_

#include "absl/strings/string_view.h"

namespace onhook {

// Whether `header` is a W3C traceparent of version 00: `00-<32 hex>-<16 hex>-<2 hex>` in lower
// case, neither trace nor parent all zeros. Later versions may mean something else and are not
// taken. Pure. Threads: any. Blocking: never.
bool IsValidTraceparent(absl::string_view header);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_EVENT_TRACEPARENT_H_
