#ifndef ONHOOK_GATEWAY_INGRESS_SECRET_POOL_H_
#define ONHOOK_GATEWAY_INGRESS_SECRET_POOL_H_

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/secret_file.h"

namespace onhook {

// The files of secrets that sources have open, so that sources that are made anew go on with them:
// what a file has replaced of late, and what it held when it was last good, is known there alone.
//
// Threads: one owner. Blocking: as SecretFile::Open.
class SecretPool {
 public:
  // What a secret is checked by; a function, so that equal checks can be told from others.
  using Check = absl::Status (*)(absl::string_view secret);

  // `clock` and `log` must outlive all that it opens.
  SecretPool(const Clock* clock, const Log* log) : clock_(clock), log_(log) {}

  // The file that somebody has open with the same check, or else that file, opened. Errors: as
  // SecretFile::Open.
  absl::StatusOr<std::shared_ptr<const SecretFile>> Open(const std::string& path, Check check);

 private:
  const Clock* const clock_;
  const Log* const log_;
  std::map<std::pair<std::string, Check>, std::weak_ptr<const SecretFile>> open_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_SECRET_POOL_H_
