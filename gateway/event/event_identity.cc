#include "gateway/event/event_identity.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gateway/event/documented_fields.h"

namespace onhook {
namespace {

// T(x) of the definition: the length, four bytes, most significant first; then the text.
void AppendLengthPrefixed(absl::string_view text, std::string& out) {
  const auto size = static_cast<uint32_t>(text.size());
  const char prefix[] = {static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                         static_cast<char>(size >> 8), static_cast<char>(size)};
  out.append(prefix, sizeof(prefix));
  out.append(text.data(), text.size());
}

struct DigestContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Looking SHA-256 up and allocating its context cost more than hashing a callback: both are done
// once, the one for the process, the other for the thread.
void Sha256(absl::string_view text, unsigned char (&hash)[EVP_MAX_MD_SIZE]) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local const std::unique_ptr<EVP_MD_CTX, DigestContextDeleter> context(EVP_MD_CTX_new());
  if (EVP_DigestInit_ex2(context.get(), algorithm, nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), hash, nullptr) != 1) {
    // OpenSSL without SHA-256: no event can have an identity, now or later.
    std::abort();
  }
}

}  // namespace

std::string EventDigest(absl::string_view source, const VendorFields& fields) {
  absl::InlinedVector<VendorFields::Field, 24> hashed;
  for (size_t i = 0; i < fields.size(); ++i) {
    const VendorFields::Field field = fields[i];
    if (field.value.has_value() && !IsSignatureField(field.name)) hashed.push_back(field);
  }
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  // The vendor sorts them itself.
  if (!std::is_sorted(hashed.begin(), hashed.end(), by_name)) {
    std::sort(hashed.begin(), hashed.end(), by_name);
  }

  std::string text;
  text.reserve(1024);
  AppendLengthPrefixed(source, text);
  AppendLengthPrefixed(fields.Find("callSerialNo").value_or(absl::string_view()), text);
  for (const VendorFields::Field& field : hashed) {
    AppendLengthPrefixed(field.name, text);
    AppendLengthPrefixed(*field.value, text);
  }
  unsigned char hash[EVP_MAX_MD_SIZE];
  Sha256(text, hash);
  return std::string(reinterpret_cast<const char*>(hash), kEventDigestSize);
}

std::string EventId(absl::string_view digest, absl::string_view call_serial_no) {
  static constexpr char kHexDigits[] = "0123456789ABCDEF";
  std::string id = absl::StrCat("v1-", absl::BytesToHexString(digest), "-");
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
