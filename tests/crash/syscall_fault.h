#ifndef ONHOOK_TESTS_CRASH_SYSCALL_FAULT_H_
#define ONHOOK_TESTS_CRASH_SYSCALL_FAULT_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// For a while some call to the system that the store makes fails, once, a few times or each time,
// by an error or by writing half. The gateway goes on, or ends itself because of a sync; one time
// in four it is killed meanwhile.
std::unique_ptr<Fault> MakeSyscallFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_SYSCALL_FAULT_H_
