#ifndef ONHOOK_CLIENTS_CLI_SERVER_CERTIFICATE_H_
#define ONHOOK_CLIENTS_CLI_SERVER_CERTIFICATE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace onhook::cli {

// What there is to say about the certificate of an https:// server, for the person who typed the
// command. Pure but for the file. Threads: any.

// kInvalidArgument: `file` cannot be read, or holds no certificate in PEM.
absl::Status CheckAuthorities(const std::string& file);

// Until when the first certificate of a file is good. kInvalidArgument: as CheckAuthorities.
absl::StatusOr<absl::Time> CertificateExpiry(const std::string& file);

// Why a certificate was not trusted: by OpenSSL's code, of X509_V_ERR_*.
std::string WhyNotTrusted(long verify_result);

// Why there was no handshake, by OpenSSL's code of an error.
std::string WhyNoHandshake(unsigned long error);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_SERVER_CERTIFICATE_H_
