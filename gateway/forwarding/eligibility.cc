#include "gateway/forwarding/eligibility.h"

#include "absl/strings/match.h"

namespace onhook {

Eligibility::Eligibility(const Clock* clock, const std::vector<std::string>& named)
    : clock_(clock) {
  const int64_t now_ns = absl::ToInt64Nanoseconds(clock->Elapsed());
  anybody_.last_ns = subscriptions_.last_ns = now_ns;
  for (const std::string& receiver : named) named_[receiver].last_ns = now_ns;
}

Eligibility::Streams& Eligibility::OfKind(const std::string& receiver) {
  return absl::StartsWith(receiver, "subscription/") ? subscriptions_ : anybody_;
}

void Eligibility::Began(const std::string& receiver) {
  OfKind(receiver).count.fetch_add(1, std::memory_order_relaxed);
  const auto it = named_.find(receiver);
  if (it != named_.end()) it->second.count.fetch_add(1, std::memory_order_relaxed);
}

void Eligibility::Ended(const std::string& receiver) {
  const int64_t now_ns = absl::ToInt64Nanoseconds(clock_->Elapsed());
  const auto end = [now_ns](Streams& streams) {
    streams.last_ns.store(now_ns, std::memory_order_relaxed);
    streams.count.fetch_sub(1, std::memory_order_release);
  };
  end(OfKind(receiver));
  const auto it = named_.find(receiver);
  if (it != named_.end()) end(it->second);
}

bool Eligibility::Within(const std::string& receiver, absl::Duration time) const {
  const auto it = named_.find(receiver);
  return it != named_.end() && Within(it->second, time);
}

bool Eligibility::Within(const Streams& streams, absl::Duration time) const {
  // Whoever sees the last stream gone sees when it went.
  if (streams.count.load(std::memory_order_acquire) > 0) return true;
  const absl::Duration since =
      clock_->Elapsed() - absl::Nanoseconds(streams.last_ns.load(std::memory_order_relaxed));
  return since <= time;
}

}  // namespace onhook
