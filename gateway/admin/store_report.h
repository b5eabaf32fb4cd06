#ifndef ONHOOK_GATEWAY_ADMIN_STORE_REPORT_H_
#define ONHOOK_GATEWAY_ADMIN_STORE_REPORT_H_

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "gateway/base/clock.h"
#include "gateway/base/metrics.h"
#include "gateway/store/store.h"

namespace onhook {

// Tells of a store and its subscriptions, for the metrics.
//
// Why not as the administration's calls do it: a thousand subscriptions are asked every few
// seconds, while events pass. So each queue's lock is taken once, for a few numbers; and the disk
// is read only for what changed since the last time, one event at a time, so that subscribers that
// read it have their turns between.
//
// Promises: a disk that does not answer holds nobody up for longer than `patience`: what could not
// be read is told as it was the last time.
// Threads: any. Blocking: for reads, as said. Errors: what was never found out is left out.
class StoreReport {
 public:
  // `store` and `clock` must outlive it. `engine` is the name of what keeps it.
  StoreReport(Store* store, absl::string_view engine, const Clock* clock,
              absl::Duration patience = absl::Seconds(2));

  void Tell(Metrics::Report& report);

 private:
  // The oldest event that a subscription owes.
  struct Oldest {
    Sequence sequence = 0;
    absl::Time received_at;
  };
  // What was read.
  struct Findings {
    absl::optional<QuarantineSize> quarantine;
    std::map<std::string, Oldest> oldest;  // by subscription; of those that owe something
  };

  void TellStore(Metrics::Report& report) const;
  void TellQuarantine(const Findings& findings, Metrics::Report& report) const;
  void TellSubscription(const SubscriptionQueue& queue, const QueueStats& stats,
                        const Findings& findings, Metrics::Report& report) const;
  // Adds the oldest event of the subscription to what is found, or, if it cannot be read before
  // `until`, what was known of it.
  void FindOldest(const std::string& subscription, Sequence sequence, const Findings& before,
                  absl::Duration until, std::map<Sequence, absl::Time>& read,
                  Findings& findings) const;

  Store* const store_;
  const std::string engine_;
  const Clock* const clock_;
  const absl::Duration patience_;

  absl::Mutex mutex_;
  Findings last_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_ADMIN_STORE_REPORT_H_
