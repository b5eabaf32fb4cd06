#ifndef ONHOOK_GATEWAY_INGRESS_SOURCE_COUNTERS_H_
#define ONHOOK_GATEWAY_INGRESS_SOURCE_COUNTERS_H_

#include <string>
#include <vector>

#include "gateway/base/metrics.h"
#include "gateway/ingress/rejection.h"

namespace onhook {

// What became of a callback, seen from outside.
enum class CallbackOutcome { kSucceeded, kNotForwarded, kNotStored, kRejected };

// Why a rejected callback was not kept in the quarantine though it might have been.
enum class NotKept { kTooMany, kNoRoom };

// The counters of one source; each is shown from the start. Threads: any. Blocking: never.
class SourceCounters {
 public:
  // `source` is empty for what reached no source. `metrics` must outlive it.
  SourceCounters(const std::string& source, Metrics* metrics);

  void Count(CallbackOutcome outcome) const;
  void CountRejection(RejectionReason reason) const;
  // Of a source that only reports what does not verify.
  void CountUnverified() const { unverified_.Increment(); }
  void CountDuplicate() const { duplicates_.Increment(); }
  void CountNotKept(NotKept why) const;

 private:
  std::vector<Metrics::Counter> outcomes_;
  std::vector<Metrics::Counter> rejections_;
  std::vector<Metrics::Counter> not_kept_;
  Metrics::Counter unverified_;
  Metrics::Counter duplicates_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_SOURCE_COUNTERS_H_
