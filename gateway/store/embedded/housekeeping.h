#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_HOUSEKEEPING_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_HOUSEKEEPING_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/base/cautious_clock.h"
#include "gateway/base/exchangeable.h"
#include "gateway/base/log.h"
#include "gateway/store/embedded/commit_queue.h"
#include "gateway/store/embedded/embedded_log.h"
#include "gateway/store/embedded/embedded_quarantine.h"
#include "gateway/store/embedded/storage.h"
#include "gateway/store/store_limits.h"

namespace onhook {

// Removes what a store need not keep: the oldest events that nobody is owed, what is known of them,
// dead letters and rejected callbacks beyond their limits, old nonces, rows of deleted
// subscriptions. In small parts that share the commits of others, so that nobody waits for it.
//
// Threads: Tick from one thread; the rest happens on those that commit and read. Blocking: never.
class Housekeeping {
 public:
  struct Callbacks {
    // Up to here no subscription is owed anything.
    std::function<Sequence()> owed_floor;
    // A subscription is being created or moved: nothing may be removed now.
    std::function<bool()> changing;
    // The subscriptions' ids and epochs.
    std::function<std::vector<std::pair<int64_t, int64_t>>()> journals;
    // Dead letters were removed, durably.
    std::function<void(const std::vector<DeadLetterName>&)> dead_letters_removed;
    // So many rejected callbacks were removed, durably.
    std::function<void(TrimmedCallbacks)> rejected_callbacks_removed;
  };

  // All must outlive the housekeeping, and the commit queue must be closed before it goes.
  Housekeeping(const RetentionOptions& options, const QuarantineOptions& quarantine,
               Callbacks callbacks, EmbeddedLog* event_log, CommitQueue* commits,
               const CautiousClock* clock, const Log* log);

  // Others hold from now on; what is being removed by those before still is. Threads: any.
  void SetLimits(const RetentionOptions& options, const QuarantineOptions& quarantine);

  // Does what is due. To be called every second, about.
  void Tick();
  // There may be rows of deleted subscriptions.
  void SubscriptionDeleted() { orphans_ = true; }

 private:
  // Looks how far the log may be cut, then cuts.
  void FindCut();
  void Cut(Sequence through);
  absl::Status RemovePart(Sequence through, Storage& storage);
  // What a part of a sweep removed.
  struct Swept {
    std::vector<DeadLetterName> dead_letters;
    int64_t nonces = 0;
    TrimmedCallbacks rejected_callbacks;
  };
  void Sweep();
  absl::Status SweepPart(Storage& storage, Swept& swept);
  static absl::Status SweepDeadLetters(const RetentionOptions& options, absl::Time now,
                                       Storage& storage, Swept& swept);

  Exchangeable<RetentionOptions> options_;
  Exchangeable<QuarantineOptions> quarantine_;
  const Callbacks callbacks_;
  EmbeddedLog* const event_log_;
  CommitQueue* const commits_;
  const CautiousClock* const clock_;
  const Log* const log_;
  absl::Duration swept_;              // Clock::Elapsed(); the ticking thread only
  std::atomic<bool> cutting_{false};  // until the cut under way is done
  std::atomic<bool> sweeping_{false};
  std::atomic<bool> orphans_{true};
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_HOUSEKEEPING_H_
