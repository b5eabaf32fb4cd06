#ifndef ONHOOK_GATEWAY_INGRESS_SIGNATURE_H_
#define ONHOOK_GATEWAY_INGRESS_SIGNATURE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/event/vendor_fields.h"

namespace onhook {

// The vendor's "Shared Key" signature:
//
//   canonical = every field but timestamp, nonce and signature, sorted by UTF-16 code units of the
//               name, written name=value (null as "null"), joined by ",", all U+0020 deleted
//   message   = key + "_" + timestamp + "_" + nonce + "_" + canonical
//   signature = Base64(HMAC-SHA256(key, message))
//
// The message holds the key, so it is never put together: its parts are hashed one by one. A key is
// wiped from where OpenSSL keeps it before a function returns.
// What the signature leaves open: spaces, null or the text "null", and where one value ends and the
// next field begins, since nothing is escaped. Hence HasSignableNames, and nonces that are kept
// with the digest of the event they came with. Pure functions. Threads: any. Blocking: never.
// Errors: none.

// What fields that the body left out are taken for: some senders sign nulls and drop them.
enum class AbsentFields { kLeftOut, kSignedAsNull };

// The canonical text. kSignedAsNull adds the documented fields that `fields` lacks, as null.
std::string CanonicalText(const VendorFields& fields, AbsentFields absent);

// The signature of `fields`, 44 characters, with their timestamp and nonce (empty if absent).
std::string Sign(absl::string_view key, const VendorFields& fields, AbsentFields absent);

// Whether the field `signature` is there and spelled as one: 32 bytes in Base64, in 44 characters.
bool HasSignature(const VendorFields& fields);

// Whether the field `signature` is the signature of the others, by one of `keys`, in either way to
// take absent fields. Compares in constant time, and does the same work whichever key fits.
bool VerifySignature(absl::Span<const absl::string_view> keys, const VendorFields& fields);

// Whether the names can be signed without ambiguity: each matches [A-Za-z0-9_.-]+. Values are not
// escaped in the canonical text, so another name could pretend to be two fields.
bool HasSignableNames(const VendorFields& fields);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_SIGNATURE_H_
