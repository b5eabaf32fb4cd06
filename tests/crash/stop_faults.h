#ifndef ONHOOK_TESTS_CRASH_STOP_FAULTS_H_
#define ONHOOK_TESTS_CRASH_STOP_FAULTS_H_

#include <memory>

#include "tests/crash/fault.h"

namespace onhook {

// SIGSTOP of one of the processes for a random time, then SIGCONT, as a machine that swaps, a
// debugger or a virtual machine that is moved does it. The time is below ONHOOK_STOP_MS, 600 unless
// that is set; "acking" has deadlines of one second.
std::unique_ptr<Fault> MakeStopGatewayFault();
// Either backend, or both; and one time in four the gateway is killed meanwhile.
std::unique_ptr<Fault> MakeStopSubscriberFault();
std::unique_ptr<Fault> MakeStopVendorFault();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_STOP_FAULTS_H_
