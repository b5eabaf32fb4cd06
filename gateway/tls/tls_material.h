#ifndef ONHOOK_GATEWAY_TLS_TLS_MATERIAL_H_
#define ONHOOK_GATEWAY_TLS_TLS_MATERIAL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/config/tls_options.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace onhook {

// What the files of TlsOptions held at one moment.
struct TlsContent {
  std::string certificate_pem;  // the port's own, then those that signed it
  std::string key_pem;
  std::string client_ca_pem;  // empty: peers are asked for no certificate

  friend bool operator==(const TlsContent& left, const TlsContent& right) {
    return left.certificate_pem == right.certificate_pem && left.key_pem == right.key_pem &&
           left.client_ca_pem == right.client_ca_pem;
  }
  friend bool operator!=(const TlsContent& left, const TlsContent& right) {
    return !(left == right);
  }
};

// A port's content that was found good: the key is the certificate's, all can be read, the
// certificate and those that signed it are valid now, and there is an authority if the port asks
// for one.
struct TlsMaterial : TlsContent {
  absl::Time not_after;          // when the first certificate of the chain to do so expires
  int unusable_authorities = 0;  // of client_ca_pem: not valid now, but others are
  uint64_t version = 0;          // greater for each content that was taken; from 1
  // Made of these, for a server of our own: TLS 1.2 at least, ALPN "http/1.1" only.
  std::shared_ptr<ssl_ctx_st> context;
};

// Reads all files until two readings in a row agree, for they may be replaced meanwhile, and one
// new file beside an old one is not what somebody meant. Errors: kInvalidArgument; the message
// begins with the member of TlsOptions that names the file: "key_file: /etc/tls/key cannot be read:
// ...". `content` is what was read nevertheless, so that an error can be told from the next.
// Blocking: reads files, each of 64 KiB at most.
absl::Status ReadTlsContent(const TlsOptions& options, TlsContent& content);

// Checks `content`, and makes of it what a port needs; version is left 0. Errors: as above;
// nothing of what is in a file is repeated.
absl::StatusOr<TlsMaterial> MakeTlsMaterial(const TlsOptions& options, const TlsContent& content,
                                            absl::Time now);

// Everything that the two above would find wrong one after the other, looked for in each file by
// itself. Blocking: reads the files.
std::vector<absl::Status> FindTlsFaults(const TlsOptions& options, absl::Time now);

// Of good content: an error if some certificate among the authorities may sign no other, and so
// lets in nobody but its own holder. Often it is the port's own, named by mistake.
absl::Status FindAuthorityDoubt(const TlsOptions& options, const TlsContent& content);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_TLS_TLS_MATERIAL_H_
