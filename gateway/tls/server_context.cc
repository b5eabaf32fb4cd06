#include "gateway/tls/server_context.h"

#include <openssl/err.h>

#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace onhook {
namespace {

// As ALPN writes it: the length, then the name.
constexpr absl::string_view kHttp11 = "\x08http/1.1";

// What OpenSSL says is a constant of its own, so it repeats nothing of a file.
absl::Status Fault() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  return absl::InvalidArgumentError(
      absl::StrCat("cannot be used: ", reason == nullptr ? "OpenSSL refuses it" : reason));
}

// A client that offers other protocols only goes without, and is then told what is spoken here.
int ChooseProtocol(SSL* /*tls*/, const unsigned char** chosen, unsigned char* chosen_size,
                   const unsigned char* offered, unsigned int offered_size, void* /*unused*/) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_size,
                            reinterpret_cast<const unsigned char*>(kHttp11.data()),
                            static_cast<unsigned int>(kHttp11.size()), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

void SetManners(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_alpn_select_cb(context, &ChooseProtocol, nullptr);
  // A connection that waits holds no buffers: 34 KiB less of it.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Whoever reads looks at its deadline after each record, even one without content.
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(context, 1);
}

bool ShowCertificate(SSL_CTX* context, STACK_OF(X509) * chain, EVP_PKEY* key) {
  if (SSL_CTX_use_certificate(context, sk_X509_value(chain, 0)) != 1) return false;
  for (int i = 1; i < sk_X509_num(chain); ++i) {
    if (SSL_CTX_add1_chain_cert(context, sk_X509_value(chain, i)) != 1) return false;
  }
  // Exactly what the file says, not what could be found to go with it.
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
  return SSL_CTX_use_PrivateKey(context, key) == 1;
}

bool AskForCertificate(SSL_CTX* context, STACK_OF(X509) * authorities, bool required) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (int i = 0; i < sk_X509_num(authorities); ++i) {
    X509* const authority = sk_X509_value(authorities, i);
    if (X509_STORE_add_cert(store, authority) != 1) return false;
    if (SSL_CTX_add_client_CA(context, authority) != 1) return false;
  }
  // Who names an authority that another has signed means that one, not the other.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  return true;
}

}  // namespace

absl::StatusOr<std::shared_ptr<SSL_CTX>> MakeServerContext(STACK_OF(X509) * chain, EVP_PKEY* key,
                                                           STACK_OF(X509) * authorities,
                                                           bool certificate_required) {
  ERR_clear_error();
  const auto cleared = absl::MakeCleanup([] { ERR_clear_error(); });
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) return Fault();
  SetManners(context.get());
  if (!ShowCertificate(context.get(), chain, key)) return Fault();
  if (authorities != nullptr &&
      !AskForCertificate(context.get(), authorities, certificate_required)) {
    return Fault();
  }
  return context;
}

}  // namespace onhook
