#ifndef ONHOOK_GATEWAY_INGRESS_SOURCE_COUNTERS_H_
#define ONHOOK_GATEWAY_INGRESS_SOURCE_COUNTERS_H_

#include <array>
#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "gateway/base/metrics.h"
#include "gateway/ingress/rejection.h"

namespace onhook {

// What became of a callback, seen from outside.
enum class CallbackOutcome { kSucceeded, kNotForwarded, kNotStored, kRejected };

// Why a rejected callback was not kept in the quarantine though it might have been.
enum class NotKept { kTooMany, kNoRoom, kTooLarge };

// The counters of one source, or of what reached none. What can be counted there is shown from the
// start. Threads: any. Blocking: never.
class SourceCounters {
 public:
  // `metrics` must outlive it.
  SourceCounters(const std::string& source, Metrics* metrics);
  // For what reached no source, shown as the source "".
  static SourceCounters OfNoSource(Metrics* metrics);

  void Count(CallbackOutcome outcome) const;
  void CountRejection(RejectionReason reason) const;
  // Of a source that only reports what does not verify.
  void CountUnverified() const { unverified_.Increment(); }
  void CountDuplicate() const { duplicates_.Increment(); }
  void CountNotKept(NotKept why) const;
  // A callback of the source has its answer, so long after it was there as a whole.
  void CountDuration(absl::Duration duration) const;
  // An event was stored that was received so long after the vendor says that its call ended. What
  // seems to have come before that is counted as no delay, and as such.
  void CountVendorDelay(absl::Duration delay) const;

 private:
  SourceCounters() = default;
  void Show(CallbackOutcome outcome, const std::string& source, Metrics* metrics);
  void Show(RejectionReason reason, const std::string& source, Metrics* metrics);

  std::array<Metrics::Counter, 4> outcomes_;
  std::array<Metrics::Counter, static_cast<size_t>(RejectionReason::kInvalidField) + 1> rejections_;
  std::array<Metrics::Counter, static_cast<size_t>(NotKept::kTooLarge) + 1> not_kept_;
  Metrics::Counter unverified_;
  Metrics::Counter duplicates_;
  Metrics::Histogram durations_;
  Metrics::Histogram vendor_delays_;
  Metrics::Counter vendor_ahead_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_INGRESS_SOURCE_COUNTERS_H_
