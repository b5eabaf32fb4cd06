#ifndef ONHOOK_GATEWAY_INGRESS_JAVA_MAP_CALLBACK_H_
#define ONHOOK_GATEWAY_INGRESS_JAVA_MAP_CALLBACK_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/config/settings.h"
#include "gateway/event/vendor_fields.h"

namespace onhook {

// Reads a body in the form that Java's Map.toString prints, `{a=1, b=null, c=}`, in one line or,
// as the vendor's page has it, with a new line for each pair. `body` is valid UTF-8 and `start` the
// place of its first `{`.
//
// The form has no quotes and no escapes, so values may look like anything. A pair begins
//   - behind `{`, white space, and
//   - behind a new line, white space, with any name (a letter or _, then letters, digits and _),
//   - behind `, `, with a documented name, or nonce, timestamp or signature;
// each with `=` right behind the name. All else belongs to the value before it: spaces, commas,
// braces, further `=`. So does white space, but for that around a line's end, and a comma before a
// line's end. The value `null` is null; the text "null" cannot be told from it in this form.
//
// Limits of the form: a callData with ", called=" or with a line "x=y" in it is split. Where that
// makes a documented name occur twice, the body is refused rather than misread.
// Control characters are kept: here they mean nothing, and whoever shows a value escapes it.
// Threads, Blocking, Errors: as ParseCallback.
absl::StatusOr<VendorFields> ParseJavaMapCallback(absl::string_view body, size_t start,
                                                  const Settings::CallbackLimits& limits = {});

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_JAVA_MAP_CALLBACK_H_
