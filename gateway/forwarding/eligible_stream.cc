#include "gateway/forwarding/eligible_stream.h"

#include <utility>

namespace onhook {

EligibleStream::EligibleStream(const Clock* clock, std::string receiver, Wants wants)
    : clock_(clock), receiver_(std::move(receiver)), wants_(std::move(wants)) {}

void EligibleStream::Set(bool eligible) {
  if (!eligible && eligible_.load(std::memory_order_relaxed)) {
    last_ns_.store(absl::ToInt64Nanoseconds(clock_->Elapsed()), std::memory_order_relaxed);
  }
  eligible_.store(eligible, std::memory_order_release);
}

void EligibleStream::Leave() {
  Set(false);
  left_.store(true, std::memory_order_relaxed);
}

bool EligibleStream::WasWithin(absl::Duration time) const {
  // Whoever sees that it ceased to be sees when.
  if (eligible_.load(std::memory_order_acquire)) return true;
  const int64_t last_ns = last_ns_.load(std::memory_order_relaxed);
  return last_ns != kNever && clock_->Elapsed() - absl::Nanoseconds(last_ns) <= time;
}

}  // namespace onhook
