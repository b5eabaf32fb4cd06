#ifndef ONHOOK_GATEWAY_CONFIG_TLS_OPTIONS_H_
#define ONHOOK_GATEWAY_CONFIG_TLS_OPTIONS_H_

#include <string>

namespace onhook {

// What a port shows of itself, and asks of its peers. All files are PEM, and are read again when
// they change.
struct TlsOptions {
  // The port's own certificate, then those that signed it, but for the root. Empty: no TLS.
  std::string certificate_file;
  std::string key_file;  // the certificate's, without a passphrase
  // Those who may sign the certificates of peers. Empty: peers are asked for none.
  std::string client_ca_file;
  // Required: a peer without a certificate of theirs gets no further than the handshake. Optional:
  // one may prove itself by a token instead.
  enum class ClientCertificate { kRequired, kOptional };
  ClientCertificate client_certificate = ClientCertificate::kRequired;

  bool enabled() const { return !certificate_file.empty(); }
  bool requires_client_certificate() const {
    return enabled() && !client_ca_file.empty() &&
           client_certificate == ClientCertificate::kRequired;
  }
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_TLS_OPTIONS_H_
