#ifndef ONHOOK_GATEWAY_TLS_CLIENT_CERTIFICATE_H_
#define ONHOOK_GATEWAY_TLS_CLIENT_CERTIFICATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace onhook {

// Whom a peer's certificate names, once it is known who signed it.
struct ClientCertificate {
  // Of its subject alternative names, as they stand there; the common name counts for nothing.
  std::vector<std::string> uris;       // "spiffe://example.org/billing"
  std::vector<std::string> dns_names;  // in lower case
  // When the first certificate of its chain expires.
  absl::Time not_after;
};

// Looks at a certificate that a handshake has verified before, since that may be long ago: the
// authority may have been taken away and the certificate expired, while the connection lives on.
//
// `leaf_pem`: the peer's own. `chain_pem`: what the peer sent beside it; may be empty or hold the
// leaf too. `ca_pem`: the authorities of now.
// Pure but for OpenSSL. Threads: any. Blocking: never; it costs about 0.1 ms.
// Errors: kUnauthenticated, with the reason in words: not signed by an authority that is known
// here, expired, not yet valid, not for clients, unreadable. Nothing of it is repeated.
absl::StatusOr<ClientCertificate> VerifyClientCertificate(absl::string_view leaf_pem,
                                                          absl::string_view chain_pem,
                                                          absl::string_view ca_pem, absl::Time now);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_TLS_CLIENT_CERTIFICATE_H_
