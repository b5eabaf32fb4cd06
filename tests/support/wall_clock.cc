#include "tests/support/wall_clock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace {

std::atomic<time_t> ahead_seconds{0};

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto result = syscall(SYS_clock_gettime, clock, time);
  if (clock == CLOCK_REALTIME) time->tv_sec += ahead_seconds;
  return static_cast<int>(result);
}

namespace onhook {

WallClockAhead::WallClockAhead(absl::Duration by) { ahead_seconds = absl::ToInt64Seconds(by); }

WallClockAhead::~WallClockAhead() { ahead_seconds = 0; }

}  // namespace onhook
