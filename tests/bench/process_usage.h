#ifndef ONHOOK_TESTS_BENCH_PROCESS_USAGE_H_
#define ONHOOK_TESTS_BENCH_PROCESS_USAGE_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/time/time.h"

namespace onhook {

// What a process has used up to now, as /proc tells it. All zero if there is no such process.
struct ProcessUsage {
  absl::Duration user;
  absl::Duration system;
  int64_t resident_bytes = 0;
  int64_t peak_resident_bytes = 0;  // since it was started

  absl::Duration cpu() const { return user + system; }
};

ProcessUsage UsageOf(pid_t pid);

}  // namespace onhook

#endif  // ONHOOK_TESTS_BENCH_PROCESS_USAGE_H_
