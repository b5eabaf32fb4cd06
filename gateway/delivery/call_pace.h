#ifndef ONHOOK_GATEWAY_DELIVERY_CALL_PACE_H_
#define ONHOOK_GATEWAY_DELIVERY_CALL_PACE_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"

namespace onhook {

// How many calls may begin on one connection: so many in a second in the long run, and some more at
// once.
//
// Why: a call costs gRPC some 10 KiB until its handler has run, which its memory quota does not
// see, and a client may begin calls and reset them faster than handlers run, without ever having
// more than a few at a time (CVE-2023-44487); one that does not acknowledge the server's settings
// may even have any number at a time. Four such connections took more than a gigabyte. A call that
// is refused before it reaches its handler costs next to nothing.
//
// Threads: any. Blocking: never. Errors: none.
class CallPace {
 public:
  struct Limits {
    double per_second;
    double burst;
    // Connections that are kept in mind; beyond, those that are within their pace are forgotten.
    size_t max_connections;
  };
  // `clock` must outlive it.
  CallPace(const Limits& limits, const Clock* clock) : clock_(clock), limits_(limits) {}

  // Others hold from now on, for connections that are known too.
  void SetLimits(const Limits& limits);

  // Whether one more call may begin on `connection`; if so it is counted. A connection is whatever
  // tells it from those that are open beside it.
  bool Take(const void* connection);

  size_t size() const;

 private:
  struct Bucket {
    double tokens = 0;
    absl::Duration filled;  // when; Clock::Elapsed()
  };

  void Fill(Bucket& bucket, absl::Duration now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetTheFull(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock* const clock_;
  mutable absl::Mutex mutex_;
  Limits limits_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<const void*, Bucket> buckets_ ABSL_GUARDED_BY(mutex_);
  size_t forget_at_ ABSL_GUARDED_BY(mutex_) = 0;  // so many buckets; 0: max_connections
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_CALL_PACE_H_
