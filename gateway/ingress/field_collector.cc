#include "gateway/ingress/field_collector.h"

#include "absl/strings/str_cat.h"
#include "gateway/event/documented_fields.h"

namespace onhook {

absl::Status FieldCollector::Add(absl::string_view name, VendorFields::Value value) {
  if (fields_.size() == max_fields_) {
    return absl::InvalidArgumentError(absl::StrCat("there are more than ", max_fields_, " fields"));
  }
  if (!fields_.Add(name, value)) {
    return absl::InvalidArgumentError(
        absl::StrCat(NameForMessage(name, fields_.size() + 1), " occurs twice"));
  }
  return absl::OkStatus();
}

std::string NameForMessage(absl::string_view name, size_t place) {
  if (FindDocumentedField(name) != nullptr || IsSignatureField(name)) {
    return absl::StrCat("field \"", name, "\"");
  }
  return absl::StrCat("the name of field ", place);
}

}  // namespace onhook
