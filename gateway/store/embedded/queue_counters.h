#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_QUEUE_COUNTERS_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_QUEUE_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "gateway/base/distribution.h"
#include "gateway/store/subscription_queue.h"

namespace onhook {

// What one queue counts, beside its lock: whoever reads the counts holds up nobody.
// Threads: any. Blocking: never.
class QueueCounters {
 public:
  QueueCounters();

  // These went out to a consumer at `now`.
  void CountDelivered(const std::vector<WrittenEvent>& events, absl::Time now);
  // A request of that action was answered with these exceptions.
  void CountAnswered(SettleRequest::Action action, size_t asked,
                     const std::vector<SettleException>& exceptions);
  void CountExpired() { Count(SettleResult::kExpired, 1); }
  void CountParked() { parked_.fetch_add(1, std::memory_order_relaxed); }

  QueueCounts Read() const;

 private:
  void Count(SettleResult result, size_t deliveries);

  std::atomic<int64_t> first_deliveries_{0};
  std::atomic<int64_t> redeliveries_{0};
  std::atomic<int64_t> parked_{0};
  std::array<std::atomic<int64_t>, kSettleResults> results_;
  Distribution latency_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_QUEUE_COUNTERS_H_
