#include "gateway/store/embedded/queue_counters.h"

#include <algorithm>

namespace onhook {
namespace {

// In seconds. Below one, an event goes its usual way; beyond, its subscription was behind or away.
constexpr double kLatencyBounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,  0.25,
                                     0.5,   1,      2.5,   5,    10,    60,   1800, 3600};

SettleResult ResultOf(SettleRequest::Action action) {
  switch (action) {
    case SettleRequest::Action::kAck:
      return SettleResult::kAcked;
    case SettleRequest::Action::kRetry:
      return SettleResult::kRetry;
    case SettleRequest::Action::kPark:
      return SettleResult::kPark;
    case SettleRequest::Action::kSkip:
      return SettleResult::kSkip;
    case SettleRequest::Action::kRelease:
      return SettleResult::kRelease;
  }
  return SettleResult::kUnknown;
}

SettleResult ResultOf(SettleError error) {
  switch (error) {
    case SettleError::kStale:
      return SettleResult::kStale;
    case SettleError::kUnknown:
      return SettleResult::kUnknown;
    case SettleError::kRetryLater:
      return SettleResult::kRetryLater;
  }
  return SettleResult::kUnknown;
}

}  // namespace

QueueCounters::QueueCounters() : latency_(kLatencyBounds) {
  for (auto& count : results_) count.store(0, std::memory_order_relaxed);
}

void QueueCounters::CountDelivered(const std::vector<WrittenEvent>& events, absl::Time now) {
  int64_t again = 0;
  for (const WrittenEvent& event : events) {
    if (event.again) {
      ++again;
    } else {
      // The clock may have been set back meanwhile.
      const absl::Duration latency = std::max(now - event.received_at, absl::ZeroDuration());
      latency_.Observe(absl::ToDoubleSeconds(latency));
    }
  }
  const auto all = static_cast<int64_t>(events.size());
  if (again > 0) redeliveries_.fetch_add(again, std::memory_order_relaxed);
  if (again < all) first_deliveries_.fetch_add(all - again, std::memory_order_relaxed);
}

void QueueCounters::CountAnswered(SettleRequest::Action action, size_t asked,
                                  const std::vector<SettleException>& exceptions) {
  for (const SettleException& exception : exceptions) Count(ResultOf(exception.error), 1);
  Count(ResultOf(action), asked - exceptions.size());
}

void QueueCounters::Count(SettleResult result, size_t deliveries) {
  results_[static_cast<size_t>(result)].fetch_add(static_cast<int64_t>(deliveries),
                                                  std::memory_order_relaxed);
}

QueueCounts QueueCounters::Read() const {
  QueueCounts counts;
  counts.first_deliveries = first_deliveries_.load(std::memory_order_relaxed);
  counts.redeliveries = redeliveries_.load(std::memory_order_relaxed);
  counts.first_delivery_latency = latency_.Read();
  for (size_t i = 0; i < results_.size(); ++i) {
    counts.results[i] = results_[i].load(std::memory_order_relaxed);
  }
  counts.parked = parked_.load(std::memory_order_relaxed);
  return counts;
}

}  // namespace onhook
