#ifndef ONHOOK_TESTS_SUPPORT_MANUAL_CLOCK_H_
#define ONHOOK_TESTS_SUPPORT_MANUAL_CLOCK_H_

#include "absl/synchronization/mutex.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace onhook {

// A clock that a test turns by hand. Threads: any.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time now = absl::FromCivil(absl::CivilSecond(2022, 2, 22, 10, 4, 40),
                                                        absl::UTCTimeZone()))
      : now_(now) {}

  absl::Time Now() const override {
    absl::MutexLock lock(&mutex_);
    return now_;
  }
  absl::Duration Elapsed() const override {
    absl::MutexLock lock(&mutex_);
    return elapsed_;
  }
  void Advance(absl::Duration by) {
    absl::MutexLock lock(&mutex_);
    now_ += by;
    elapsed_ += by;
  }
  // Somebody sets the time of day.
  void Set(absl::Duration by) {
    absl::MutexLock lock(&mutex_);
    now_ += by;
  }

 private:
  mutable absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  absl::Duration elapsed_ ABSL_GUARDED_BY(mutex_) = absl::Seconds(1000);
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_MANUAL_CLOCK_H_
