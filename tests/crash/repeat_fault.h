#ifndef ONHOOK_TESTS_CRASH_REPEAT_FAULT_H_
#define ONHOOK_TESTS_CRASH_REPEAT_FAULT_H_

#include "absl/strings/string_view.h"
#include "tests/crash/fault.h"

namespace onhook {

// A vendor that repeats before it has an answer: new callbacks, each posted over many connections
// at once. One time in two the gateway is killed before the answers are read, and the callbacks are
// posted again in the same way to the next one.
//
// For runs without a signature.
class RepeatFault final : public Fault {
 public:
  absl::string_view name() const override { return "repeat"; }
  void Strike(CrashRun& run) override;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_REPEAT_FAULT_H_
