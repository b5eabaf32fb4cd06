#ifndef ONHOOK_GATEWAY_CONFIG_VALUE_SCHEMA_H_
#define ONHOOK_GATEWAY_CONFIG_VALUE_SCHEMA_H_

#include "absl/strings/string_view.h"
#include "gateway/config/json_object.h"

namespace onhook {

// What of a JSON Schema says that a value has a form: "type", "pattern", "minimum" and so on.
//
// `form` is what the reference says of it: kinds in capitals and words, divided by bars
// ("DURATION|unlimited"), in brackets if it is a sequence ("[NAME, ...]"), or with ",..." behind if
// it is one in a file, but may be a text with commas too. `bounds`, "1s to 24h" or empty, are of
// the kinds.
//
// Promises: whatever the reader of a file takes, this takes; most of what it refuses, this refuses.
// A form that is not known gives nothing, and a test sees that there is none.
// Pure. Threads: any.
enum class MayBeEmpty { kNo, kYes };
JsonObject SchemaOfForm(absl::string_view form, absl::string_view bounds, MayBeEmpty empty);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_VALUE_SCHEMA_H_
