#ifndef ONHOOK_CLIENTS_CPP_CERTIFICATE_WORDS_H_
#define ONHOOK_CLIENTS_CPP_CERTIFICATE_WORDS_H_

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace onhook::client {

using X509Pointer = std::unique_ptr<X509, void (*)(X509*)>;
using KeyPointer = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;

// The certificates of a PEM text, in its order; none if one of them cannot be read. Pure, as all
// that follows. OpenSSL's queue of errors is left empty.
std::vector<X509Pointer> CertificatesOf(absl::string_view pem);

// The key of a PEM text; null if there is none, or one with a passphrase.
KeyPointer KeyOf(absl::string_view pem);

// "CN=Example CA,O=Example".
std::string SubjectWords(const X509* certificate);
std::string IssuerWords(const X509* certificate);
std::string NameWords(const X509_NAME* name);

// Whom it is for: its subject alternative names, "DNS:localhost, IP:127.0.0.1", cut where they are
// very many; its subject if it has none.
std::string AlternativeNameWords(const X509* certificate);

// From when to when it is valid.
absl::Time NotBefore(const X509* certificate);
absl::Time NotAfter(const X509* certificate);

// "2026-01-02T03:04:05Z".
std::string TimeWords(absl::Time time);

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_CERTIFICATE_WORDS_H_
