#ifndef ONHOOK_TESTS_CRASH_RESTART_FAULT_H_
#define ONHOOK_TESTS_CRASH_RESTART_FAULT_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// SIGTERM, as an operator or an update ends a gateway: it must end well, and in time.
std::unique_ptr<Fault> MakeRestartFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_RESTART_FAULT_H_
