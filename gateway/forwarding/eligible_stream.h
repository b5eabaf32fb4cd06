#ifndef ONHOOK_GATEWAY_FORWARDING_ELIGIBLE_STREAM_H_
#define ONHOOK_GATEWAY_FORWARDING_ELIGIBLE_STREAM_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {

// One stream, as callbacks count on it: whether it could take an event at once, or could a moment
// ago, and which events it wants.
//
// Threads: Set and Leave from one at a time, the rest from any. Blocking: never; no locks, since
// every write to the stream passes here twice.
class EligibleStream {
 public:
  // Must not block. Empty: all.
  using Wants = std::function<bool(const v1::ReleaseEvent& event)>;

  // `clock` must outlive the stream. Not eligible yet, and never was.
  EligibleStream(const Clock* clock, std::string receiver, Wants wants);

  // `eligible`: connected, not paused, with credit, at the tail, and without a write under way.
  void Set(bool eligible);
  // It has gone for good.
  void Leave();

  const std::string& receiver() const { return receiver_; }
  bool has_left() const { return left_.load(std::memory_order_relaxed); }
  bool WasWithin(absl::Duration time) const;
  bool WantsEvent(const v1::ReleaseEvent& event) const { return !wants_ || wants_(event); }

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

  const Clock* const clock_;
  const std::string receiver_;
  const Wants wants_;
  std::atomic<bool> eligible_{false};
  std::atomic<int64_t> last_ns_{kNever};  // Clock::Elapsed() when it ceased to be
  std::atomic<bool> left_{false};
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_FORWARDING_ELIGIBLE_STREAM_H_
