#ifndef ONHOOK_TESTS_CRASH_CLOCK_FAULT_H_
#define ONHOOK_TESTS_CRASH_CLOCK_FAULT_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// Somebody sets the gateway's wall clock a few times in a row, by seconds or by years, forth and
// back; then it stays at the latest it has shown, and one time in four the gateway is killed.
std::unique_ptr<Fault> MakeClockFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_CLOCK_FAULT_H_
