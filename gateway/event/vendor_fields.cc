#include "gateway/event/vendor_fields.h"

#include <algorithm>

namespace onhook {
namespace {

// Of the vendor's usual callback, and some more.
constexpr size_t kUsualFields = 24;

// Field::name_start of that name.
uint64_t StartOf(absl::string_view name) {
  constexpr size_t kBytes = 8;
  uint64_t start = 0;
  if (name.size() >= kBytes) {
    // Without a condition in the loop the compiler makes one instruction of it.
    for (size_t i = 0; i < kBytes; ++i) start = start << 8 | static_cast<unsigned char>(name[i]);
    return start;
  }
  for (const char c : name) start = start << 8 | static_cast<unsigned char>(c);
  return name.empty() ? 0 : start << (8 * (kBytes - name.size()));
}

bool IsBefore(const VendorFields::Field& field, absl::string_view name, uint64_t name_start) {
  return field.name_start != name_start ? field.name_start < name_start : field.name < name;
}

}  // namespace

bool VendorFields::Field::NameIsBefore(const Field& other) const {
  return IsBefore(*this, other.name, other.name_start);
}

VendorFields::VendorFields() { fields_.reserve(kUsualFields); }

bool VendorFields::Add(absl::string_view name, Value value) {
  const absl::string_view text = value.value_or(absl::string_view());
  char* const room = MakeRoom(name.size() + text.size());
  char* const behind_name = std::copy(name.begin(), name.end(), room);
  std::copy(text.begin(), text.end(), behind_name);
  if (value.has_value()) value = absl::string_view(behind_name, text.size());
  return AddInRoom(absl::string_view(room, name.size()), value);
}

char* VendorFields::MakeRoom(size_t bytes) { return rooms_.emplace_back(new char[bytes]).get(); }

bool VendorFields::AddInRoom(absl::string_view name, const Value& value) {
  const uint64_t start = StartOf(name);
  const bool ascending = ascending_ && (fields_.empty() || IsBefore(fields_.back(), name, start));
  if (!ascending && FindField(name, start) != nullptr) return false;
  ascending_ = ascending;
  Field& field = fields_.emplace_back();
  field.name = name;
  field.value = value;
  field.name_start = start;
  return true;
}

bool VendorFields::Has(absl::string_view name) const {
  return FindField(name, StartOf(name)) != nullptr;
}

VendorFields::Value VendorFields::Find(absl::string_view name) const {
  const Field* field = FindField(name, StartOf(name));
  return field == nullptr ? absl::nullopt : field->value;
}

// A callback has a few dozen fields: comparing them all is quicker than any index.
const VendorFields::Field* VendorFields::FindField(absl::string_view name,
                                                   uint64_t name_start) const {
  for (const Field& field : fields_) {
    if (field.name_start == name_start && field.name == name) return &field;
  }
  return nullptr;
}

}  // namespace onhook
