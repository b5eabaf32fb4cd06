#ifndef ONHOOK_TESTS_CRASH_HINDRANCE_HINDRANCE_PLAN_H_
#define ONHOOK_TESTS_CRASH_HINDRANCE_HINDRANCE_PLAN_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace onhook {

// What a test and the library in the gateway's process share: which calls of the system fail, how
// many there were, and what the wall clock shows. A file that both have mapped; zeros mean that
// nothing is hindered.
struct HindrancePlan {
  // Kinds of calls, counted each by itself. Only those on files below `directory`.
  enum Call { kOpen, kRead, kWrite, kSync, kTruncate, kUnlink, kStat, kMap, kLock, kCalls };
  // How one fails.
  enum Manner {
    kFails,             // nothing is done
    kIsShort,           // a write writes half of what it should, and says so
    kIsShortThenFails,  // the first so, the others fail: as on a disk that fills up
    kIsDoneYetFails,    // a write writes everything, and says that it failed
  };
  struct Rule {
    // Calls `first` to `last` fail, counted from 1. 0: none.
    std::atomic<int64_t> first;
    std::atomic<int64_t> last;
    std::atomic<int> error;
    std::atomic<int> manner;
  };

  static constexpr size_t kTextSize = 256;

  char directory[kTextSize];
  Rule rules[kCalls];
  std::atomic<int64_t> counts[kCalls];
  std::atomic<int64_t> failures;
  // CLOCK_MONOTONIC of the first failure and of the last, and what the last was, for messages.
  std::atomic<int64_t> first_failed_at_ns;
  std::atomic<int64_t> last_failed_at_ns;
  char last_failed[kTextSize];
  char file_failed[kTextSize];
  // Added to CLOCK_REALTIME, for all that the process does with it.
  std::atomic<int64_t> wall_clock_offset_ns;
};

static_assert(std::atomic<int64_t>::is_always_lock_free, "two processes share them");

// The environment variables that name the plan's file: of the plan for calls, and of the one for
// the clock, so that two may hinder one program.
inline constexpr char kHindrancePlanVariable[] = "HINDRANCE_PLAN";
inline constexpr char kHindranceClockVariable[] = "HINDRANCE_CLOCK";

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_HINDRANCE_HINDRANCE_PLAN_H_
