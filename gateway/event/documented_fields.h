#ifndef ONHOOK_GATEWAY_EVENT_DOCUMENTED_FIELDS_H_
#define ONHOOK_GATEWAY_EVENT_DOCUMENTED_FIELDS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {

// One field of the vendor's page, and its home in a ReleaseEvent: exactly one of `text`, `time`
// and `duration` is set.
struct DocumentedField {
  absl::string_view name;  // the vendor's
  bool mandatory;          // must be there, neither null nor empty
  std::string* (v1::ReleaseEvent::*text)();
  google::protobuf::Timestamp* (v1::ReleaseEvent::*time)();
  google::protobuf::Duration* (v1::ReleaseEvent::*duration)();
};

// The one table of the vendor's 18 fields, in the page's order. Mapping, the reading of the
// Java-map form and the tests all go by it: a field that the vendor adds is a line here.
// Threads: any. Blocking: never.
absl::Span<const DocumentedField> DocumentedFields();

// The field of that name (case matters), or null if the page has none.
const DocumentedField* FindDocumentedField(absl::string_view name);

// Whether a field only serves the vendor's signature: nonce, timestamp, signature. Such fields
// differ between repeats of one event and are no part of it.
bool IsSignatureField(absl::string_view name);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_EVENT_DOCUMENTED_FIELDS_H_
