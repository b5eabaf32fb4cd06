#ifndef ONHOOK_TESTS_CRASH_DESCRIPTORS_FAULT_H_
#define ONHOOK_TESTS_CRASH_DESCRIPTORS_FAULT_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// For a while the gateway gets no descriptor more than it has, while connections come that want
// one. Afterwards it serves who comes, or it has ended and said why.
std::unique_ptr<Fault> MakeDescriptorsFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_DESCRIPTORS_FAULT_H_
