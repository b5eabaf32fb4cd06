#include "gateway/ingress/signature.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "gateway/event/documented_fields.h"

namespace onhook {
namespace {

constexpr absl::string_view kNull = "null";

using Mac = std::array<unsigned char, 32>;
constexpr size_t kSignatureCharacters = 44;  // a Mac in Base64

// Places a byte of UTF-8 so that texts sort by their UTF-16 code units. What lies beyond U+FFFF
// (bytes F0 to F4) is written there with surrogates, which come before U+E000 to U+FFFF (EE, EF).
unsigned char Place(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte;
}

bool SortsBefore(const VendorFields::Field* a, const VendorFields::Field* b) {
  constexpr uint64_t kBeyondAscii = 0x8080808080808080;
  if (a->name_start != b->name_start && ((a->name_start | b->name_start) & kBeyondAscii) == 0) {
    return a->name_start < b->name_start;
  }
  const auto [in_a, in_b] =
      std::mismatch(a->name.begin(), a->name.end(), b->name.begin(), b->name.end());
  if (in_a == a->name.end() || in_b == b->name.end()) return a->name.size() < b->name.size();
  return Place(*in_a) < Place(*in_b);
}

// The documented fields, all null.
const VendorFields& DocumentedAsNull() {
  static const VendorFields* const nulls = [] {
    auto* const fields = new VendorFields;
    for (const DocumentedField& field : DocumentedFields()) fields->Add(field.name, absl::nullopt);
    return fields;
  }();
  return *nulls;
}

bool LacksDocumented(const VendorFields& fields) {
  const absl::Span<const DocumentedField> documented = DocumentedFields();
  return std::any_of(documented.begin(), documented.end(),
                     [&fields](const DocumentedField& field) { return !fields.Has(field.name); });
}

void RemoveSpaces(std::string& text) {
  const size_t first = text.find(' ');
  if (first == std::string::npos) return;
  text.erase(std::remove(text.begin() + static_cast<std::ptrdiff_t>(first), text.end(), ' '),
             text.end());
}

struct MacContextDeleter {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

// HMAC-SHA256 of the vendor's message. Holds a key until it is destroyed, which wipes it; the
// message, which begins with the key, is never put together.
class Signer {
 public:
  Signer() : context_(EVP_MAC_CTX_dup(Blank())) { AbortUnless(context_ != nullptr); }

  Mac Sign(absl::string_view key, absl::string_view timestamp, absl::string_view nonce,
           absl::string_view canonical) {
    // Without a key OpenSSL would go on with the one before.
    static constexpr unsigned char kNoKey = 0;
    const auto* bytes = key.empty() ? &kNoKey : reinterpret_cast<const unsigned char*>(key.data());
    AbortUnless(EVP_MAC_init(context_.get(), bytes, key.size(), nullptr) == 1);
    Update(key);
    Update("_");
    Update(timestamp);
    Update("_");
    Update(nonce);
    Update("_");
    Update(canonical);
    Mac mac;
    size_t size = 0;
    AbortUnless(EVP_MAC_final(context_.get(), mac.data(), &size, mac.size()) == 1 &&
                size == mac.size());
    return mac;
  }

 private:
  // OpenSSL without HMAC or memory: no callback can be verified, now or later.
  static void AbortUnless(bool good) {
    if (!good) std::abort();
  }

  // Looking HMAC and SHA-256 up costs more than signing a callback: it is done once.
  static const EVP_MAC_CTX* Blank() {
    static const EVP_MAC_CTX* const blank = [] {
      EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
      EVP_MAC_CTX* const context = EVP_MAC_CTX_new(algorithm);
      char digest[] = "SHA256";
      const OSSL_PARAM parameters[] = {
          OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
          OSSL_PARAM_construct_end()};
      static constexpr unsigned char kAnyKey[] = {0};
      // A context without a key cannot be copied.
      AbortUnless(context != nullptr &&
                  EVP_MAC_init(context, kAnyKey, sizeof(kAnyKey), parameters) == 1);
      return context;
    }();
    return blank;
  }

  void Update(absl::string_view text) {
    AbortUnless(EVP_MAC_update(context_.get(), reinterpret_cast<const unsigned char*>(text.data()),
                               text.size()) == 1);
  }

  const std::unique_ptr<EVP_MAC_CTX, MacContextDeleter> context_;
};

absl::string_view TextOf(const VendorFields& fields, absl::string_view name) {
  return fields.Find(name).value_or(absl::string_view());
}

// The bytes of a signature as Sign writes it. Nothing: it is not one.
absl::optional<std::string> Decode(absl::string_view signature) {
  std::string bytes;
  if (signature.size() != kSignatureCharacters || !absl::Base64Unescape(signature, &bytes)) {
    return absl::nullopt;
  }
  // Base64 is read leniently; what is read must be written as it came.
  if (bytes.size() != std::tuple_size<Mac>::value || absl::Base64Escape(bytes) != signature) {
    return absl::nullopt;
  }
  return bytes;
}

}  // namespace

std::string CanonicalText(const VendorFields& fields, AbsentFields absent) {
  absl::InlinedVector<const VendorFields::Field*, 24> covered;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!IsSignatureField(fields[i].name)) covered.push_back(&fields[i]);
  }
  if (absent == AbsentFields::kSignedAsNull) {
    const VendorFields& nulls = DocumentedAsNull();
    for (size_t i = 0; i < nulls.size(); ++i) {
      if (!fields.Has(nulls[i].name)) covered.push_back(&nulls[i]);
    }
  }
  std::sort(covered.begin(), covered.end(), SortsBefore);

  size_t size = 0;
  for (const VendorFields::Field* field : covered) {
    size += field->name.size() + field->value.value_or(kNull).size() + 2;
  }
  std::string text;
  text.reserve(size);
  for (const VendorFields::Field* field : covered) {
    absl::StrAppend(&text, text.empty() ? "" : ",", field->name, "=", field->value.value_or(kNull));
  }
  RemoveSpaces(text);
  return text;
}

std::string Sign(absl::string_view key, const VendorFields& fields, AbsentFields absent) {
  const Mac mac = Signer().Sign(key, TextOf(fields, "timestamp"), TextOf(fields, "nonce"),
                                CanonicalText(fields, absent));
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(mac.data()), mac.size()));
}

bool HasSignature(const VendorFields& fields) {
  return Decode(TextOf(fields, "signature")).has_value();
}

bool VerifySignature(absl::Span<const absl::string_view> keys, const VendorFields& fields) {
  const absl::optional<std::string> signature = Decode(TextOf(fields, "signature"));
  if (!signature.has_value()) return false;
  const absl::string_view timestamp = TextOf(fields, "timestamp");
  const absl::string_view nonce = TextOf(fields, "nonce");
  Signer signer;
  bool verified = false;
  for (const AbsentFields absent : {AbsentFields::kLeftOut, AbsentFields::kSignedAsNull}) {
    // Nothing is absent, so this is the text of the other way.
    if (absent == AbsentFields::kSignedAsNull && !LacksDocumented(fields)) continue;
    const std::string canonical = CanonicalText(fields, absent);
    for (const absl::string_view key : keys) {
      const Mac mac = signer.Sign(key, timestamp, nonce, canonical);
      // No way out before the end: how long it takes must not tell which key is which.
      verified |= CRYPTO_memcmp(mac.data(), signature->data(), mac.size()) == 0;
    }
  }
  return verified;
}

bool HasSignableNames(const VendorFields& fields) {
  for (size_t i = 0; i < fields.size(); ++i) {
    const absl::string_view name = fields[i].name;
    const bool signable = std::all_of(name.begin(), name.end(), [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
    });
    if (!signable || name.empty()) return false;
  }
  return true;
}

}  // namespace onhook
