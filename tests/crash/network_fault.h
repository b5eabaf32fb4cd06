#ifndef ONHOOK_TESTS_CRASH_NETWORK_FAULT_H_
#define ONHOOK_TESTS_CRASH_NETWORK_FAULT_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// "network": between the gateway and both the vendor and the backends, connections that are slow,
// take seconds for a message, lose their bytes, or end in the middle of a message, either way.
std::unique_ptr<Fault> MakeNetworkFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_NETWORK_FAULT_H_
