#ifndef ONHOOK_GATEWAY_STORE_SPOOL_SPOOL_ACCOUNT_H_
#define ONHOOK_GATEWAY_STORE_SPOOL_SPOOL_ACCOUNT_H_

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"

namespace onhook {

// Counts what goes into the spool and out of it, and says in the log when that begins and when it
// is over. A main store that comes and goes gets one such pair of lines in a while.
//
// Threads: any. Blocking: as the log does.
class SpoolAccount {
 public:
  // Both must outlive it.
  SpoolAccount(const Clock* clock, const Log* log) : clock_(clock), log_(log) {}

  // So many were found in the spool when it was opened.
  void Found(int64_t events);

  // An event is about to be put into the spool; then either of these follows.
  void Begin() { ++held_; }
  void Spooled(const absl::Status& why_not_main);
  void NotSpooled();  // it was there already, or could not be

  // An event left the spool.
  void Moved();
  void Conflicted();
  void SetAside();  // it cannot be read, or is too large for the main store

  // Events in the spool; more, but never fewer, while some are on their way in or out.
  int64_t held() const { return held_; }
  int64_t spooled() const { return spooled_; }
  int64_t moved() const { return moved_; }
  int64_t conflicts() const { return conflicts_; }

 private:
  struct Episode {
    bool under_way = false;
    bool told = false;  // its beginning is in the log
    absl::Duration began;
    int64_t spooled_before = 0;
    int64_t moved_before = 0;
  };
  // Sees to it that an episode is under way; true: its beginning is to be told.
  bool BeginEpisode();
  void Left();

  const Clock* const clock_;
  const Log* const log_;
  std::atomic<int64_t> held_{0};
  std::atomic<int64_t> spooled_{0};
  std::atomic<int64_t> moved_{0};
  std::atomic<int64_t> conflicts_{0};

  absl::Mutex mutex_;
  Episode episode_ ABSL_GUARDED_BY(mutex_);
  absl::Duration next_told_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_SPOOL_SPOOL_ACCOUNT_H_
