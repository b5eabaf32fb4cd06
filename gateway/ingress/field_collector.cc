#include "gateway/ingress/field_collector.h"

#include "absl/strings/str_cat.h"
#include "gateway/base/text.h"

namespace onhook {

absl::Status FieldCollector::Add(absl::string_view name, VendorFields::Value value) {
  if (fields_.size() == kMaxFields) {
    return absl::InvalidArgumentError(absl::StrCat("there are more than ", kMaxFields, " fields"));
  }
  if (!fields_.Add(name, value)) {
    return absl::InvalidArgumentError(absl::StrCat("field ", QuotedName(name), " occurs twice"));
  }
  return absl::OkStatus();
}

std::string QuotedName(absl::string_view name) {
  constexpr size_t kMaxBytes = 64;
  std::string quoted;
  if (name.size() <= kMaxBytes) {
    AppendJsonString(name, quoted);
    return quoted;
  }
  size_t size = kMaxBytes;
  // Never through the middle of a character.
  while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xC0) == 0x80) --size;
  AppendJsonString(name.substr(0, size), quoted);
  return quoted.append("...");
}

}  // namespace onhook
