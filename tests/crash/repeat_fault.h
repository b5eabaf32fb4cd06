#ifndef ONHOOK_TESTS_CRASH_REPEAT_FAULT_H_
#define ONHOOK_TESTS_CRASH_REPEAT_FAULT_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// "repeat": callbacks that come over many connections at once, before the vendor has come to them
// itself. One time in two the gateway is killed before the answers are read, and the last of them
// comes again in the same way to the next one.
//
// For runs without a signature.
std::unique_ptr<Fault> MakeRepeatFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_REPEAT_FAULT_H_
