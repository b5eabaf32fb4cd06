#include "clients/cpp/credential_files.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cpp/certificate_words.h"
#include "clients/cpp/grpc_status.h"

namespace onhook::client {
namespace {

// A system's authorities are a quarter of this.
constexpr size_t kLargestPem = 1 << 20;
constexpr size_t kLargestToken = 4096;

// Where systems keep the authorities that they trust, in one file.
constexpr const char* kSystemAuthorities[] = {
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Alpine, distroless
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",                             // openSUSE
    "/etc/ssl/cert.pem",                                  // BSDs
};

absl::Status Fault(absl::string_view message, absl::string_view reason) {
  return LocalError(absl::StatusCode::kFailedPrecondition, message, reason);
}

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t largest,
                                     absl::string_view what, absl::string_view reason) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return Fault(absl::StrCat("cannot read the ", what, " ", path, ": ", strerror(errno)), reason);
  }
  // A pipe would be waited for.
  if (!S_ISREG(status.st_mode)) {
    return Fault(absl::StrCat("the ", what, " ", path, " is no regular file"), reason);
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Fault(absl::StrCat("cannot read the ", what, " ", path, ": ", strerror(errno)), reason);
  }
  std::string content(largest + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (content.size() > largest) {
    return Fault(absl::StrCat("the ", what, " ", path, " is larger than ", largest, " bytes"),
                 reason);
  }
  return content;
}

absl::StatusOr<std::string> SystemAuthorities() {
  // As OpenSSL's and Go's programs have it.
  if (const char* const path = std::getenv("SSL_CERT_FILE"); path != nullptr && *path != '\0') {
    return std::string(path);
  }
  for (const char* const path : kSystemAuthorities) {
    struct stat status {};
    if (::stat(path, &status) == 0) return std::string(path);
  }
  return Fault("this system has no file of authorities to trust", "CA_FILE");
}

absl::StatusOr<TlsCredentials> Read(const SecurityOptions& options) {
  TlsCredentials credentials;
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return Fault(options.key_file.empty() ? "a certificate without its key"
                                          : "a key without its certificate",
                 "CERTIFICATE_PAIR");
  }
  absl::StatusOr<std::string> ca_file =
      options.ca_file.empty() ? SystemAuthorities() : options.ca_file;
  if (!ca_file.ok()) return ca_file.status();
  credentials.ca_file = *std::move(ca_file);
  absl::StatusOr<std::string> ca =
      ReadFile(credentials.ca_file, kLargestPem, "file of authorities", "CA_FILE");
  if (!ca.ok()) return ca.status();
  credentials.ca_pem = *std::move(ca);
  if (options.certificate_file.empty()) return credentials;
  absl::StatusOr<std::string> certificate =
      ReadFile(options.certificate_file, kLargestPem, "certificate", "CERTIFICATE_FILE");
  if (!certificate.ok()) return certificate.status();
  credentials.certificate_pem = *std::move(certificate);
  absl::StatusOr<std::string> key = ReadFile(options.key_file, kLargestPem, "key", "KEY_FILE");
  if (!key.ok()) return key.status();
  credentials.key_pem = *std::move(key);
  return credentials;
}

absl::Status Check(const SecurityOptions& options, const TlsCredentials& credentials) {
  if (CertificatesOf(credentials.ca_pem).empty()) {
    return Fault(absl::StrCat("the file of authorities ", credentials.ca_file,
                              " holds no certificate in PEM, or a broken one"),
                 "CA_FILE");
  }
  if (options.certificate_file.empty()) return absl::OkStatus();
  const std::vector<X509Pointer> chain = CertificatesOf(credentials.certificate_pem);
  if (chain.empty()) {
    return Fault(absl::StrCat("the certificate ", options.certificate_file,
                              " holds no certificate in PEM, or a broken one"),
                 "CERTIFICATE_FILE");
  }
  const KeyPointer key = KeyOf(credentials.key_pem);
  if (key == nullptr) {
    return Fault(absl::StrCat("the key ", options.key_file,
                              " holds no private key in PEM, or one with a passphrase"),
                 "KEY_FILE");
  }
  const bool matches = X509_check_private_key(chain.front().get(), key.get()) == 1;
  ERR_clear_error();
  if (matches) return absl::OkStatus();
  return Fault(absl::StrCat("the key ", options.key_file, " is not the one of the certificate ",
                            options.certificate_file),
               "CERTIFICATE_PAIR");
}

}  // namespace

absl::StatusOr<TlsCredentials> ReadTlsCredentials(const SecurityOptions& options,
                                                  const TlsCredentials& known) {
  if (!options.wants_tls()) return TlsCredentials();
  absl::StatusOr<TlsCredentials> credentials = Read(options);
  // To read is cheap beside parsing all that a system trusts.
  if (!credentials.ok() || *credentials == known) return credentials;
  const absl::Status good = Check(options, *credentials);
  return good.ok() ? credentials : good;
}

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  absl::StatusOr<std::string> content = ReadFile(path, kLargestToken, "token", "TOKEN_FILE");
  if (!content.ok()) return content;
  absl::string_view token = *content;
  if (absl::ConsumeSuffix(&token, "\n")) absl::ConsumeSuffix(&token, "\r");
  if (token.empty()) return Fault(absl::StrCat("the token ", path, " is empty"), "TOKEN_FILE");
  // It becomes a header's value: nothing in it may end that.
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; })) {
    return Fault(
        absl::StrCat("the token ", path, " holds a space, or a character that is not ASCII"),
        "TOKEN_FILE");
  }
  return std::string(token);
}

}  // namespace onhook::client
