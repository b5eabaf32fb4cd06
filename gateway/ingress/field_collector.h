#ifndef ONHOOK_GATEWAY_INGRESS_FIELD_COLLECTOR_H_
#define ONHOOK_GATEWAY_INGRESS_FIELD_COLLECTOR_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/event/vendor_fields.h"

namespace onhook {

// Gathers the fields of one body under the rules that both of its forms share.
//
// Threads: one. Blocking: never.
class FieldCollector {
 public:
  static constexpr size_t kMaxFields = 256;

  // Errors: kInvalidArgument: a second field of that name, which would leave open what the vendor
  // said and signed; or more than kMaxFields.
  absl::Status Add(absl::string_view name, VendorFields::Value value);

  // What was gathered. Ends the collector's use.
  VendorFields Take() { return std::move(fields_); }

 private:
  VendorFields fields_;
};

// A field's name for a message: quoted, escaped, and cut to 64 bytes, because it is the sender's
// text. `name` must be valid UTF-8.
std::string QuotedName(absl::string_view name);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_FIELD_COLLECTOR_H_
