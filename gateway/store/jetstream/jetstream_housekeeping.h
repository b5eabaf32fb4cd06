#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_HOUSEKEEPING_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_HOUSEKEEPING_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "gateway/base/cautious_clock.h"
#include "gateway/base/exchangeable.h"
#include "gateway/base/log.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/jetstream_log.h"
#include "gateway/store/jetstream/jetstream_queue.h"
#include "gateway/store/jetstream/subjects.h"
#include "gateway/store/store_limits.h"

namespace onhook {

// Removes what a JetStream store need not keep: the oldest events that nobody is owed, and dead
// letters beyond their limits. Every gateway does it; what one has removed another finds gone.
//
// Promises: only a prefix of the events goes: what is beyond the retention's age or size, owed to
// no subscription, and was stored longer ago than the deduplication window: so the servers, which
// know only what they keep or what they took since they were started, know every repeat within it.
// Nothing goes unless this gateway knows the subscriptions as they are at that moment.
// Threads: Tick from one thread; the rest happens on the connection's. Blocking: never.
class JetStreamHousekeeping {
 public:
  using Queues = std::function<std::vector<std::shared_ptr<JetStreamQueue>>()>;
  // Calls back with OK once all that was written about any subscription is applied.
  using EnsureCurrent = std::function<void(std::function<void(const absl::Status&)>)>;

  // All must outlive it, and the connection must be closed before it goes.
  JetStreamHousekeeping(const RetentionOptions& options, Queues queues, EnsureCurrent current,
                        JetStreamApi* api, const Subjects& subjects, JetStreamLog* event_log,
                        const CautiousClock* clock, const Log* log);

  void SetLimits(const RetentionOptions& options);
  // Does what is due. To be called every second, about.
  void Tick();

  int64_t dead_letters_removed_by_age() const { return removed_by_age_; }
  int64_t dead_letters_removed_by_size() const { return removed_by_size_; }

 private:
  // Up to here nobody is owed anything.
  Sequence OwedFloor() const;
  void Cut();
  void CutByAge(Sequence most);
  void CutBySize(Sequence most, Sequence by_age);
  void Purge(Sequence through);
  void TrimDeadLetters();
  void DropOldest(int64_t bytes);

  Exchangeable<RetentionOptions> options_;
  const Queues queues_;
  const EnsureCurrent current_;
  JetStreamApi* const api_;
  const Subjects subjects_;
  JetStreamLog* const event_log_;
  const CautiousClock* const clock_;
  const Log* const log_;
  absl::Duration trimmed_;  // the ticking thread only
  std::atomic<bool> cutting_{false};
  std::atomic<bool> trimming_{false};
  std::atomic<int64_t> removed_by_age_{0};
  std::atomic<int64_t> removed_by_size_{0};
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_HOUSEKEEPING_H_
