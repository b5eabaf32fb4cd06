#ifndef ONHOOK_GATEWAY_INGRESS_VENDOR_REPLY_H_
#define ONHOOK_GATEWAY_INGRESS_VENDOR_REPLY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/http/http_message.h"

namespace onhook {

// What the vendor is told. Some of its interfaces judge the HTTP status, others retCode: both say
// the same.
//
//   retCode  HTTP  means
//   0        200   accepted
//   1        4xx   refused; the same callback again would be refused again
//   2        503   stored, not yet forwarded; a repeat may find that done
//   3        503   not stored; try again, after Retry-After seconds
//
// Pure functions. Threads: any. Blocking: never. Errors: none.

// The one table from a step's status to its answer. A refusal's message is repeated in retMsg; a
// failure of the gateway's own is not, since it may tell of its inside. A status that no step gives
// counts as "not stored": a repeat that was not needed does no harm, one not sent loses a call.
HttpResponse ReplyTo(const absl::Status& status);

// The same format for what never became a callback: a malformed request, a wrong path, an overload.
// `http_status` is a 4xx or 5xx, `reason` a sentence that repeats nothing of the request.
HttpResponse ReplyToRefusal(int http_status, absl::string_view reason);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_VENDOR_REPLY_H_
