#ifndef ONHOOK_GATEWAY_DELIVERY_CALL_REFUSALS_H_
#define ONHOOK_GATEWAY_DELIVERY_CALL_REFUSALS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/log_throttle.h"
#include "gateway/base/metrics.h"

namespace onhook {

// Calls that were refused because of who made them, or because there are too many: counted, and now
// and then logged, since whoever is refused may call again and again.
//
// Nothing that a caller showed is written, but for the name that the settings give it.
// Threads: any. Blocking: never.
class CallRefusals {
 public:
  // `clock` and `log` must outlive it, and so must `metrics`; null: nothing is counted.
  CallRefusals(Metrics* metrics, const Clock* clock, const Log* log);

  // `why` is kUnauthenticated, kPermissionDenied or kResourceExhausted. `method` is one that has a
  // rule, or "": the caller made it up. `identity` is empty if the caller was not recognised.
  void Note(const absl::Status& why, absl::string_view method, absl::string_view identity);

 private:
  const Log* const log_;
  const Metrics::Counter unauthenticated_;
  const Metrics::Counter permission_denied_;
  const Metrics::Counter too_many_;
  // One for each, so that a crowd of strangers does not hide that a permission is lacking.
  LogThrottle unauthenticated_lines_;
  LogThrottle permission_denied_lines_;
  LogThrottle too_many_lines_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_CALL_REFUSALS_H_
