#include "gateway/event/vendor_fields.h"

namespace onhook {

VendorFields::VendorFields() {
  // Room for the vendor's usual callback.
  text_.reserve(1024);
  entries_.reserve(24);
}

bool VendorFields::Add(absl::string_view name, Value value) {
  const bool ascending = ascending_ && (entries_.empty() || NameOf(entries_.back()) < name);
  if (!ascending && FindEntry(name) != nullptr) return false;
  ascending_ = ascending;
  const absl::string_view text = value.value_or(absl::string_view());
  entries_.push_back({static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(name.size()),
                      static_cast<uint32_t>(text.size()), !value.has_value()});
  text_.append(name.data(), name.size());
  text_.append(text.data(), text.size());
  return true;
}

VendorFields::Field VendorFields::operator[](size_t index) const {
  const Entry& entry = entries_[index];
  return {NameOf(entry), ValueOf(entry)};
}

VendorFields::Value VendorFields::Find(absl::string_view name) const {
  const Entry* entry = FindEntry(name);
  return entry == nullptr ? absl::nullopt : ValueOf(*entry);
}

absl::string_view VendorFields::NameOf(const Entry& entry) const {
  return absl::string_view(text_.data() + entry.begin, entry.name_size);
}

VendorFields::Value VendorFields::ValueOf(const Entry& entry) const {
  if (entry.null) return absl::nullopt;
  return absl::string_view(text_.data() + entry.begin + entry.name_size, entry.value_size);
}

// A callback has a few dozen fields: comparing them all is quicker than any index.
const VendorFields::Entry* VendorFields::FindEntry(absl::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name_size == name.size() && NameOf(entry) == name) return &entry;
  }
  return nullptr;
}

}  // namespace onhook
