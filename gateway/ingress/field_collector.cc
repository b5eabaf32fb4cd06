#include "gateway/ingress/field_collector.h"

#include "absl/strings/str_cat.h"
#include "gateway/event/documented_fields.h"

namespace onhook {

absl::Status FieldCollector::Refusal(absl::string_view name) const {
  return absl::InvalidArgumentError(
      fields_.size() == max_fields_
          ? absl::StrCat("there are more than ", max_fields_, " fields")
          : absl::StrCat(NameForMessage(name, fields_.size() + 1), " occurs twice"));
}

std::string NameForMessage(absl::string_view name, size_t place) {
  if (FindDocumentedField(name) != nullptr || IsSignatureField(name)) {
    return absl::StrCat("field \"", name, "\"");
  }
  return absl::StrCat("the name of field ", place);
}

}  // namespace onhook
