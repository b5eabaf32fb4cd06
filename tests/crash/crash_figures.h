#ifndef ONHOOK_TESTS_CRASH_CRASH_FIGURES_H_
#define ONHOOK_TESTS_CRASH_CRASH_FIGURES_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/vendor_books.h"

namespace onhook {

// What went on in some rounds of a CrashRun, or up to one moment of it.
struct CrashFigures {
  int64_t strikes = 0;
  int64_t callbacks = 0;     // distinct ones
  AnswerCounts replies{};    // to each post of them
  int64_t deliveries = 0;    // to all subscriptions
  int64_t redeliveries = 0;  // of them

  static CrashFigures UpToNow(const CallLedger& ledger) {
    return {0, ledger.opened(), ledger.replies(), ledger.deliveries(), ledger.redeliveries()};
  }

  CrashFigures& operator+=(const CrashFigures& other) { return Add(other, 1); }
  CrashFigures& operator-=(const CrashFigures& other) { return Add(other, -1); }

  std::string Sentence() const {
    const auto count = [this](CallbackAnswer answer) {
      return replies[static_cast<size_t>(answer)];
    };
    return absl::StrCat(strikes, " strikes, ", callbacks,
                        " callbacks; answers \"0\": ", count(CallbackAnswer::kAccepted),
                        ", \"1\": ", count(CallbackAnswer::kRefused),
                        ", \"2\": ", count(CallbackAnswer::kNotForwarded),
                        ", \"3\": ", count(CallbackAnswer::kNotStored),
                        ", none: ", count(CallbackAnswer::kNone),
                        ", other: ", count(CallbackAnswer::kOther), "; ", deliveries,
                        " deliveries, ", redeliveries, " of them again");
  }

 private:
  CrashFigures& Add(const CrashFigures& other, int64_t sign) {
    strikes += sign * other.strikes;
    callbacks += sign * other.callbacks;
    for (size_t i = 0; i < replies.size(); ++i) replies[i] += sign * other.replies[i];
    deliveries += sign * other.deliveries;
    redeliveries += sign * other.redeliveries;
    return *this;
  }
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_CRASH_FIGURES_H_
