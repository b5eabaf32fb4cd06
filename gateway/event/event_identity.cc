#include "gateway/event/event_identity.h"

#include <algorithm>

#include "absl/container/fixed_array.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gateway/event/documented_fields.h"
#include "gateway/event/sha256.h"

namespace onhook {
namespace {

// Of the vendor's callback, with some room: more of a text than that is hashed from the heap.
constexpr size_t kUsualTextSize = 2048;
constexpr size_t kPrefixSize = 4;

size_t PrefixedSize(absl::string_view text) { return kPrefixSize + text.size(); }

// Writes T(x) of the definition: the length, most significant byte first; then the text. Returns
// where it ends.
char* PutPrefixed(absl::string_view text, char* to) {
  const auto size = static_cast<uint32_t>(text.size());
  to[0] = static_cast<char>(size >> 24);
  to[1] = static_cast<char>(size >> 16);
  to[2] = static_cast<char>(size >> 8);
  to[3] = static_cast<char>(size);
  return std::copy(text.begin(), text.end(), to + kPrefixSize);
}

}  // namespace

std::string EventDigest(absl::string_view source, const VendorFields& fields) {
  const absl::string_view call_serial_no =
      fields.Find("callSerialNo").value_or(absl::string_view());
  size_t size = PrefixedSize(source) + PrefixedSize(call_serial_no);
  absl::InlinedVector<const VendorFields::Field*, 24> hashed;
  for (size_t i = 0; i < fields.size(); ++i) {
    const VendorFields::Field& field = fields[i];
    if (!field.value.has_value() || IsSignatureField(field.name)) continue;
    size += PrefixedSize(field.name) + PrefixedSize(*field.value);
    hashed.push_back(&field);
  }
  if (!fields.ascending()) {
    std::sort(hashed.begin(), hashed.end(),
              [](const auto* a, const auto* b) { return a->NameIsBefore(*b); });
  }

  absl::FixedArray<char, kUsualTextSize> text(size);
  char* end = PutPrefixed(call_serial_no, PutPrefixed(source, text.data()));
  for (const VendorFields::Field* field : hashed) {
    end = PutPrefixed(*field->value, PutPrefixed(field->name, end));
  }
  std::string digest = Sha256(absl::string_view(text.data(), text.size()));
  digest.resize(kEventDigestSize);
  return digest;
}

std::string EventId(absl::string_view digest, absl::string_view call_serial_no) {
  static constexpr char kHexDigits[] = "0123456789ABCDEF";
  std::string id;
  id.reserve(4 + 2 * digest.size() + 3 * call_serial_no.size());  // whatever must be encoded
  absl::StrAppend(&id, "v1-", absl::BytesToHexString(digest), "-");
  for (const char c : call_serial_no) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' ||
        c == '~') {
      id.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      id.append({'%', kHexDigits[byte >> 4], kHexDigits[byte & 0xF]});
    }
  }
  return id;
}

}  // namespace onhook
