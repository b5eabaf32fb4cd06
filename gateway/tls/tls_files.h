#ifndef ONHOOK_GATEWAY_TLS_TLS_FILES_H_
#define ONHOOK_GATEWAY_TLS_TLS_FILES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/config/tls_options.h"
#include "gateway/tls/tls_material.h"

namespace onhook {

// The files of TlsOptions, as they are on disk now.
//
// Why: certificates live for hours and are replaced by somebody else, file by file, perhaps while
// we read. gRPC's own watcher of files takes whatever it finds; so both ports use this one.
//
// Promises: what Get returns is whole and was good when it was taken. Files are looked at once a
// second. A new content that is no good (missing, garbage, a key of another certificate, expired,
// not yet valid) leaves what was there in use. It is given one more look, since its other half may
// be on its way; then it is logged, once for each such content, and shows in metrics:
// onhook_tls_last_reload_successful{listener} and onhook_tls_reloads_total{listener,result}. One
// that becomes valid later is taken then. onhook_tls_certificate_expiry_timestamp_seconds{listener}
// is not_after of what is in use. Nothing of a key is ever logged. What is in use stays in use when
// it expires, since nothing better is there; that is logged too.
// Threads: any; it has one of its own, which reads. Blocking: Get never.
class TlsFiles {
 public:
  // `options` are enabled(). `listener` is the port's name in logs and metrics: "http", "grpc",
  // "admin". The rest must outlive it. Errors: kInvalidArgument; the message begins with the member
  // of TlsOptions that names the file: "key_file: /etc/tls/key holds no private key in PEM".
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

// What Open would find wrong, each fault of each file; and what would do, but perhaps not as was
// meant. Each message begins as Open's do. Changes nothing. Blocking: reads the files.
struct TlsFindings {
  std::vector<absl::Status> faults;
  std::vector<absl::Status> doubts;
};
TlsFindings ExamineTlsFiles(const TlsOptions& options, absl::Time now);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_TLS_TLS_FILES_H_
