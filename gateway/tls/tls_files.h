#ifndef ONHOOK_GATEWAY_TLS_TLS_FILES_H_
#define ONHOOK_GATEWAY_TLS_TLS_FILES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/config/tls_options.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace onhook {

// The content of a port's files at one moment, found good: the key is the certificate's, both can
// be read, the certificate is valid now, and there is an authority if the port asks for one.
struct TlsMaterial {
  std::string certificate_pem;  // the port's own, then those that signed it
  std::string key_pem;
  std::string client_ca_pem;  // empty: peers are asked for no certificate
  absl::Time not_after;       // when the first certificate of the chain to do so expires
  uint64_t version = 0;       // greater for each content that was taken; from 1
  // Made of these, for a server of our own: TLS 1.2 at least, ALPN "http/1.1" only.
  std::shared_ptr<ssl_ctx_st> context;
};

// The files of TlsOptions, as they are on disk now.
//
// Why: certificates live for hours and are replaced by somebody else, file by file, perhaps while
// we read. gRPC's own watcher of files takes whatever it finds; so both ports use this one.
//
// Promises: what Get returns is whole and was good when it was taken. Files are looked at once a
// second. A new content that is no good (missing, garbage, a key of another certificate, expired,
// not yet valid) leaves what was there in use, is logged once for each such content, and shows in
// metrics: onhook_tls_last_reload_successful{listener}; a pair of which one file is new is given
// one more look before that is said. onhook_tls_certificate_expiry_timestamp_seconds{listener} is
// not_after of what is in use. Nothing of a key is ever logged. What is in use stays in use when it
// expires, since nothing better is there; that is logged too.
// Threads: any; it has one of its own, which reads. Blocking: Get never.
class TlsFiles {
 public:
  // `options` are enabled(). `listener` is the port's name in logs and metrics: "http", "grpc",
  // "admin". The rest must outlive it. Errors: kInvalidArgument, naming the file and what is wrong
  // with it.
  static absl::StatusOr<std::unique_ptr<TlsFiles>> Open(std::string listener, TlsOptions options,
                                                        Metrics* metrics, const Clock* clock,
                                                        const Log* log);
  ~TlsFiles();

  const TlsOptions& options() const;

  // Never null.
  std::shared_ptr<const TlsMaterial> Get() const;

 private:
  class Parts;
  explicit TlsFiles(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

// What Open would say; changes nothing. For --check.
absl::Status CheckTlsFiles(const TlsOptions& options, absl::Time now);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_TLS_TLS_FILES_H_
