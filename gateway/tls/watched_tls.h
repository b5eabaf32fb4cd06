#ifndef ONHOOK_GATEWAY_TLS_WATCHED_TLS_H_
#define ONHOOK_GATEWAY_TLS_WATCHED_TLS_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"
#include "gateway/tls/tls_material.h"

namespace onhook {

// What TlsFiles promises, but for the thread that looks: it looks when it is told to.
//
// Threads: Look, one at a time; Get, any. Blocking: Look reads the files; Get never.
class WatchedTls {
 public:
  // See TlsFiles::Open.
  static absl::StatusOr<std::unique_ptr<WatchedTls>> Open(std::string listener, TlsOptions options,
                                                          Metrics* metrics, const Clock* clock,
                                                          const Log* log);

  const TlsOptions& options() const { return options_; }

  // Never null.
  std::shared_ptr<const TlsMaterial> Get() const;

  // Takes what the files hold now, if it is new and good, and says so.
  void Look();

 private:
  WatchedTls(std::string listener, TlsOptions options, Metrics* metrics, const Clock* clock,
             const Log* log);

  void NoteThatNothingIsNew();
  void Try(const TlsContent& content);
  void Take(TlsMaterial material);
  void Refuse(const TlsContent& content, const absl::Status& fault);
  void ForgetFault();
  void NoteExpiry();
  // Of what has just been taken.
  void WarnOfUnusableAuthorities() const;

  const std::string listener_;
  const TlsOptions options_;
  const Clock* const clock_;
  const Log* const log_;
  const Metrics::Counter successes_;
  const Metrics::Counter failures_;
  const Metrics::Gauge last_successful_;
  const Metrics::Gauge expiry_;

  mutable absl::Mutex mutex_;
  std::shared_ptr<const TlsMaterial> material_ ABSL_GUARDED_BY(mutex_);

  // Of the looks alone.
  bool found_fault_ = false;  // at the latest look
  // What was told last of what is no good; OK: nothing, since something good was found.
  absl::Status told_fault_;
  TlsContent told_content_;
  bool told_expiry_ = false;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_TLS_WATCHED_TLS_H_
