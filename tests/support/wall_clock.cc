#include "tests/support/wall_clock.h"

#include <sys/syscall.h>
#include <sys/time.h>
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

// By which Abseil finds when a wait ends.
extern "C" int gettimeofday(timeval* time, void* /*zone*/) noexcept {
  timespec now{};
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return result;
}

namespace onhook {

WallClockAhead::WallClockAhead(absl::Duration by) { ahead_seconds = absl::ToInt64Seconds(by); }

WallClockAhead::~WallClockAhead() { ahead_seconds = 0; }

}  // namespace onhook
