#ifndef ONHOOK_CLIENTS_CPP_CREDENTIAL_FILES_H_
#define ONHOOK_CLIENTS_CPP_CREDENTIAL_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "onhook/security.h"

namespace onhook::client {

// What the TLS files of SecurityOptions held at one moment, found good: there is an authority, and
// the key is the certificate's.
struct TlsCredentials {
  std::string ca_pem;           // empty: no TLS
  std::string certificate_pem;  // empty: none is shown
  std::string key_pem;
  // Where ca_pem is from, for people: the file's path.
  std::string ca_file;

  bool operator==(const TlsCredentials& other) const {
    return ca_pem == other.ca_pem && certificate_pem == other.certificate_pem &&
           key_pem == other.key_pem;
  }
};

// Reads them. Without wants_tls() nothing is read, and nothing is in the answer. What equals
// `known`, an earlier answer or nothing, is known to be good. Whether a
// certificate has expired is not looked at: that is for the gateway to say, whose clock counts.
// Blocking: reads up to three files. Errors: kFailedPrecondition, which names the file and what is
// wrong with it, reason CA_FILE, CERTIFICATE_FILE, KEY_FILE or CERTIFICATE_PAIR. Nothing of a key
// is repeated.
absl::StatusOr<TlsCredentials> ReadTlsCredentials(const SecurityOptions& options,
                                                  const TlsCredentials& known);

// The token of a file, without a line end. Blocking: reads it. Errors: kFailedPrecondition, reason
// TOKEN_FILE.
absl::StatusOr<std::string> ReadToken(const std::string& path);

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_CREDENTIAL_FILES_H_
