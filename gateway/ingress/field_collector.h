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
  explicit FieldCollector(size_t max_fields) : max_fields_(max_fields) {}

  // Where the texts of the body's fields are to lie; see VendorFields.
  char* MakeRoom(size_t bytes) { return fields_.MakeRoom(bytes); }

  // Adds a field whose texts lie in that room. Errors: kInvalidArgument: a second field of that
  // name, which would leave open what the vendor said and signed; or more than max_fields.
  absl::Status Add(absl::string_view name, const VendorFields::Value& value) {
    if (fields_.size() < max_fields_ && fields_.AddInRoom(name, value)) return absl::OkStatus();
    return Refusal(name);
  }

  // What was gathered. Ends the collector's use.
  VendorFields Take() { return std::move(fields_); }

 private:
  absl::Status Refusal(absl::string_view name) const;

  const size_t max_fields_;
  VendorFields fields_;
};

// A field for a message: its name if the vendor documents it, else its place among the fields,
// counted from 1, since a name of the sender's own may be anything.
std::string NameForMessage(absl::string_view name, size_t place);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_FIELD_COLLECTOR_H_
