#ifndef ONHOOK_GATEWAY_TLS_PEM_H_
#define ONHOOK_GATEWAY_TLS_PEM_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/tls/openssl_objects.h"

namespace onhook {

// PEM as OpenSSL reads it, with errors in words of ours: they complete "the file ...", and repeat
// nothing of what was read. All are kInvalidArgument.
//
// Threads: any. Blocking: never. OpenSSL's own queue of errors is left empty.

// Every certificate in `pem`, in its order; at least one. What stands between them is skipped, but
// a last one that is cut short is an error: so is a file that is still being written.
absl::StatusOr<OwnedCertificateStack> ReadCertificates(absl::string_view pem);

// The first private key in `pem`. One that needs a passphrase is an error.
absl::StatusOr<OwnedKey> ReadKey(absl::string_view pem);

// When a certificate begins and ends to be valid; the infinite past if that cannot be read.
absl::Time NotBefore(const X509* certificate);
absl::Time NotAfter(const X509* certificate);

// OK, or "has expired" or "is not valid yet" at `now`.
absl::Status CheckValidity(const X509* certificate, absl::Time now);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_TLS_PEM_H_
