#ifndef ONHOOK_TESTS_CRASH_SMALL_DISK_FAULT_H_
#define ONHOOK_TESTS_CRASH_SMALL_DISK_FAULT_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// The store lies on a small file system, and somebody else's file takes the room there: all of it,
// or all but less than the gateway wants to be free. Callbacks are refused until the file is gone;
// one time in three the gateway is killed meanwhile.
std::unique_ptr<Fault> MakeSmallDiskFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_SMALL_DISK_FAULT_H_
