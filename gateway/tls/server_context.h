#ifndef ONHOOK_GATEWAY_TLS_SERVER_CONTEXT_H_
#define ONHOOK_GATEWAY_TLS_SERVER_CONTEXT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "gateway/tls/openssl_objects.h"

namespace onhook {

// What a server of our own does in each handshake: TLS 1.2 at least, ALPN "http/1.1" only, no
// renegotiation, and no resumption: a session outlives neither the authority of its peer nor the
// certificate that it was made with.
//
// `chain` is the server's certificate, then those that signed it; `key` is the first one's.
// `authorities`, unless null, may sign the certificates of peers; one that is shown must verify,
// and is demanded if `certificate_required`. Nothing of these is taken over.
// Errors: kInvalidArgument, completing "the certificate ...": OpenSSL does not take it, because it
// is too weak for instance.
absl::StatusOr<std::shared_ptr<SSL_CTX>> MakeServerContext(STACK_OF(X509) * chain, EVP_PKEY* key,
                                                           STACK_OF(X509) * authorities,
                                                           bool certificate_required);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_TLS_SERVER_CONTEXT_H_
