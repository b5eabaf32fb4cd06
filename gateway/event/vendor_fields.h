#ifndef ONHOOK_GATEWAY_EVENT_VENDOR_FIELDS_H_
#define ONHOOK_GATEWAY_EVENT_VENDOR_FIELDS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace onhook {

// One callback in the vendor's own words: names and texts in the order they were sent.
//
// Why: signature, identity and event are three views of the same words, so the words are kept
// untouched until all three have been taken. Whoever reads a callback writes its texts into one
// room and adds where they lie: a callback of twenty fields costs two allocations and one copy.
//
// Promises: a name occurs once. Order, names and values are exactly as added.
// Threads: as a standard container that can only be moved. Blocking: never. Errors: none but the
// refusal of Add and AddInRoom.
class VendorFields {
 public:
  // Nothing: the vendor sent null, which is not the same as an empty text.
  using Value = absl::optional<absl::string_view>;

  // Valid until the VendorFields is changed or destroyed.
  struct Field {
    absl::string_view name;
    Value value;
    // The name's first eight bytes, the first as the most significant; zeros for what a shorter one
    // lacks. It orders nearly all names by itself, without a look at bytes that lie elsewhere.
    uint64_t name_start = 0;

    // The order of the names' bytes.
    bool NameIsBefore(const Field& other) const;
  };

  VendorFields();

  // Appends a field, copying both texts. False, and nothing changed: there is one of that name.
  bool Add(absl::string_view name, Value value);

  // Room for texts, uninitialised. It stays where it is until the fields are destroyed, even if
  // they are moved.
  char* MakeRoom(size_t bytes);
  // As Add, but copies nothing: both texts lie in a room of these fields.
  bool AddInRoom(absl::string_view name, const Value& value);

  size_t size() const { return fields_.size(); }
  // Whether each name sorts behind the one before it, by their bytes. The vendor sends them so.
  bool ascending() const { return ascending_; }
  // `index` < size(), in the order of Add.
  const Field& operator[](size_t index) const { return fields_[index]; }

  // Whether the field is there, null or not.
  bool Has(absl::string_view name) const;
  // The field's value. Nothing if it is null or absent.
  Value Find(absl::string_view name) const;

 private:
  const Field* FindField(absl::string_view name, uint64_t name_start) const;

  std::vector<std::unique_ptr<char[]>> rooms_;
  std::vector<Field> fields_;
  bool ascending_ = true;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_EVENT_VENDOR_FIELDS_H_
