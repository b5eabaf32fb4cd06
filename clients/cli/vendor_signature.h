#ifndef ONHOOK_CLIENTS_CLI_VENDOR_SIGNATURE_H_
#define ONHOOK_CLIENTS_CLI_VENDOR_SIGNATURE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "clients/cli/vendor_body.h"

namespace onhook::cli {

// The vendor's "Shared Key" signature, as a sender makes it:
//
//   canonical = every field but timestamp, nonce and signature, sorted by UTF-16 code units of the
//               name, written name=value (null as "null"), joined by ",", all U+0020 deleted
//   signature = Base64(HMAC-SHA256(key, key + "_" + timestamp + "_" + nonce + "_" + canonical))
//
// Why not the gateway's: a sender that shared its mistakes would prove nothing.
// Pure functions. Threads: any.

std::string CanonicalText(const BodyFields& fields);

// The signature of `fields`, with their timestamp and nonce (empty where absent).
std::string SignatureOf(absl::string_view key, const BodyFields& fields);

// The documented fields that `fields` lacks, added as null.
BodyFields WithAbsentAsNull(BodyFields fields);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_VENDOR_SIGNATURE_H_
