#ifndef ONHOOK_TESTS_CRASH_KILL_IN_RECOVERY_FAULT_H_
#define ONHOOK_TESTS_CRASH_KILL_IN_RECOVERY_FAULT_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// kill -9, and once more to each of some starts, at random instants of them.
std::unique_ptr<Fault> MakeKillInRecoveryFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_KILL_IN_RECOVERY_FAULT_H_
