#ifndef ONHOOK_GATEWAY_INGRESS_CALLBACK_PARSER_H_
#define ONHOOK_GATEWAY_INGRESS_CALLBACK_PARSER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/config/settings.h"
#include "gateway/event/vendor_fields.h"

namespace onhook {

// Reads a callback's body into the vendor's words.
//
// The vendor documents JSON and shows, on the same page, what Java prints for a map. Both are
// taken. Which one a body is, its bytes say (Content-Type is missing or wrong too often): behind
// white space and `{`, the next character that is no white space is `"` or `}` in JSON, anything
// else in a Java map. See json_callback.h and java_map_callback.h for the two forms. A byte order
// mark at the start is skipped.
//
// Promises: OK means that the whole body was read and every byte of it is accounted for. A name
// occurs once. The fields are no more, and nested no deeper, than `limits` say.
// Threads: any; each keeps a parser of its own for the next call. Blocking: never.
// Errors: kInvalidArgument, saying what is wrong and where, by field name or byte position (from
// 0); never repeating a value. A name is repeated only if the vendor documents it: any other is as
// much the sender's text as a value.
absl::StatusOr<VendorFields> ParseCallback(absl::string_view body,
                                           const Settings::CallbackLimits& limits = {});

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_CALLBACK_PARSER_H_
