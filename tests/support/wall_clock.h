#ifndef ONHOOK_TESTS_SUPPORT_WALL_CLOCK_H_
#define ONHOOK_TESTS_SUPPORT_WALL_CLOCK_H_

#include "absl/time/time.h"

namespace onhook {

// While it exists, the time of the day as this program reads it is ahead of the system's: what a
// program sees whose machine's clock was put back just after it looked. A wait that ends at a time
// of the day then lasts that much longer, so a test that depends on one hangs.
//
// A program that links this has its clock_gettime and gettimeofday instead of the C library's.
// Threads: one at a time, but what it changes all see.
class WallClockAhead {
 public:
  explicit WallClockAhead(absl::Duration by);
  ~WallClockAhead();
  WallClockAhead(const WallClockAhead&) = delete;
  WallClockAhead& operator=(const WallClockAhead&) = delete;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_WALL_CLOCK_H_
