#include "gateway/base/cautious_clock.h"

#include <algorithm>

namespace onhook {
namespace {

// What clocks drift, and more than passes between two looks at them.
constexpr absl::Duration kSmallStep = absl::Minutes(1);
constexpr absl::Duration kBelievedAfter = absl::Hours(24);

}  // namespace

CautiousClock::CautiousClock(const Clock* clock)
    : clock_(clock), time_(clock->Now()), since_(clock->Elapsed()) {}

absl::Time CautiousClock::Now() const {
  const Reading reading = Read();
  return std::min(reading.shown, reading.believed);
}

absl::Time CautiousClock::Latest() const {
  const Reading reading = Read();
  return std::max(reading.shown, reading.believed);
}

CautiousClock::Reading CautiousClock::Read() const {
  absl::MutexLock lock(&mutex_);
  const absl::Duration elapsed = clock_->Elapsed();
  const absl::Time shown = clock_->Now();
  const absl::Time believed = time_ + (elapsed - since_);
  const absl::Duration ahead = shown - believed;
  const bool is_small = ahead <= kSmallStep;
  if (!is_small && (!ahead_.has_value() || absl::AbsDuration(ahead - *ahead_) > kSmallStep)) {
    ahead_ = ahead;
    ahead_since_ = elapsed;
  }
  if (is_small) ahead_.reset();
  const bool has_lasted = !is_small && elapsed - ahead_since_ >= kBelievedAfter;
  if (ahead <= absl::ZeroDuration() || (!is_small && !has_lasted)) return {shown, believed};
  time_ = shown;
  since_ = elapsed;
  ahead_.reset();
  return {shown, shown};
}

}  // namespace onhook
