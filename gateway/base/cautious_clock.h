#ifndef ONHOOK_GATEWAY_BASE_CAUTIOUS_CLOCK_H_
#define ONHOOK_GATEWAY_BASE_CAUTIOUS_CLOCK_H_

#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace onhook {

// The time of day for those who remove what has grown too old.
//
// Why: whoever sets a clock forward by years, by mistake, makes everything old at once. What is
// removed then does not come back with the right time.
//
// Promises: Now() is never later than the time of day, nor than the one that has been believed so
// far. A step forward of more than a minute is believed once it has lasted for a day, or from the
// next start on. Threads: any. Blocking: never. Errors: none.
class CautiousClock final : public Clock {
 public:
  // Believes what `clock` shows now. It must outlive this one.
  explicit CautiousClock(const Clock* clock);

  absl::Time Now() const override;
  absl::Duration Elapsed() const override { return clock_->Elapsed(); }

  // The later of the two: for the time of what is judged by Now() one day, so that it is not too
  // old before that.
  absl::Time Latest() const;

 private:
  struct Reading {
    absl::Time shown;
    absl::Time believed;
  };
  Reading Read() const;

  const Clock* const clock_;
  mutable absl::Mutex mutex_;
  // What is believed, and when it was first, on Elapsed().
  mutable absl::Time time_ ABSL_GUARDED_BY(mutex_);
  mutable absl::Duration since_ ABSL_GUARDED_BY(mutex_);
  // How far the clock is ahead of that, and since when.
  mutable std::optional<absl::Duration> ahead_ ABSL_GUARDED_BY(mutex_);
  mutable absl::Duration ahead_since_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_CAUTIOUS_CLOCK_H_
