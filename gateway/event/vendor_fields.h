#ifndef ONHOOK_GATEWAY_EVENT_VENDOR_FIELDS_H_
#define ONHOOK_GATEWAY_EVENT_VENDOR_FIELDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace onhook {

// One callback in the vendor's own words: names and texts in the order they were sent.
//
// Why: signature, identity and event are three views of the same words, so the words are kept
// untouched until all three have been taken. They lie in one buffer: a callback of twenty fields
// costs two allocations.
//
// Promises: a name occurs once. Order, names and values are exactly as added.
// Threads: as a standard container. Blocking: never. Errors: none but Add's refusal.
class VendorFields {
 public:
  // Nothing: the vendor sent null, which is not the same as an empty text.
  using Value = absl::optional<absl::string_view>;

  // Valid until the VendorFields is changed, moved or destroyed.
  struct Field {
    absl::string_view name;
    Value value;
  };

  VendorFields();

  // Appends a field, copying both texts. False, and nothing changed: there is one of that name.
  bool Add(absl::string_view name, Value value);

  size_t size() const { return entries_.size(); }
  // Whether each name sorts behind the one before it, by their bytes. The vendor sends them so.
  bool ascending() const { return ascending_; }
  // `index` < size(), in the order of Add.
  Field operator[](size_t index) const;

  // Whether the field is there, null or not.
  bool Has(absl::string_view name) const { return FindEntry(name) != nullptr; }
  // The field's value. Nothing if it is null or absent.
  Value Find(absl::string_view name) const;

 private:
  // A value's text follows its name's in `text_`.
  struct Entry {
    uint32_t begin;
    uint32_t name_size;
    uint32_t value_size;
    bool null;
  };

  absl::string_view NameOf(const Entry& entry) const;
  Value ValueOf(const Entry& entry) const;
  const Entry* FindEntry(absl::string_view name) const;

  std::string text_;
  std::vector<Entry> entries_;
  bool ascending_ = true;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_EVENT_VENDOR_FIELDS_H_
