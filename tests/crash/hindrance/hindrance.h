#ifndef ONHOOK_TESTS_CRASH_HINDRANCE_HINDRANCE_H_
#define ONHOOK_TESTS_CRASH_HINDRANCE_HINDRANCE_H_

#include <cstdint>
#include <limits>
#include <string>

#include "absl/time/time.h"
#include "tests/crash/hindrance/hindrance_plan.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

// The test's hold on what the system does for a gateway: lets its calls on files of one directory
// fail, and sets its wall clock, while it runs. One object serves one gateway after the other.
//
// Threads: any, but for the first two.
class Hindrance {
 public:
  static constexpr int64_t kForGood = std::numeric_limits<int64_t>::max();

  // A call that fails: which one of its kind, counted from 1 since the last Reset, how many from
  // there on, and how.
  struct Failure {
    HindrancePlan::Call call = HindrancePlan::kWrite;
    int64_t first = 1;
    int64_t many = 1;
    int error = 0;
    HindrancePlan::Manner manner = HindrancePlan::kFails;
  };

  // Concerns files below `directory`, which need not exist yet.
  explicit Hindrance(const std::string& directory);
  ~Hindrance();
  Hindrance(const Hindrance&) = delete;
  Hindrance& operator=(const Hindrance&) = delete;

  // What this build lacks for it: a sanitizer must be loaded before everything else. Empty:
  // nothing.
  static std::string Missing();

  // Has the gateway run with it: its calls, or its clock, or by two calls both.
  void ApplyToCallsOf(OnhookdProcess::Options& options) const;
  void ApplyToClockOf(OnhookdProcess::Options& options) const;

  // From now on this fails, beside what fails already; one failure of a kind of call at a time.
  void Fail(const Failure& failure);
  // The same of the next calls, whichever they are.
  void FailNext(Failure failure);
  // Nothing fails any more.
  void Heal();
  // Nothing fails, and calls are counted anew.
  void Reset();

  int64_t count(HindrancePlan::Call call) const { return plan_->counts[call]; }
  int64_t failures() const { return plan_->failures; }
  // Which call failed last, for messages; and of which file below the directory, which itself is
  // "".
  std::string last_failed() const { return plan_->last_failed; }
  std::string file_failed() const { return plan_->file_failed; }
  // On Clock::Elapsed()'s clock, when a call failed first since Reset.
  absl::Duration first_failed_at() const {
    return absl::Nanoseconds(plan_->first_failed_at_ns.load());
  }

  // What the wall clock of the gateway shows beyond the machine's.
  void SetClockAhead(absl::Duration by) {
    plan_->wall_clock_offset_ns = absl::ToInt64Nanoseconds(by);
  }

 private:
  void RunWith(const char* variable, OnhookdProcess::Options& options) const;

  const TemporaryDirectory folder_;
  const std::string plan_file_;
  HindrancePlan* const plan_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_HINDRANCE_HINDRANCE_H_
