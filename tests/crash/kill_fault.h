#ifndef ONHOOK_TESTS_CRASH_KILL_FAULT_H_
#define ONHOOK_TESTS_CRASH_KILL_FAULT_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// kill -9 at a random instant.
std::unique_ptr<Fault> MakeKillFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_KILL_FAULT_H_
