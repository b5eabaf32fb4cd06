#include "tests/crash/fault_registry.h"

#include <utility>

#include "tests/crash/clock_fault.h"
#include "tests/crash/descriptors_fault.h"
#include "tests/crash/file_size_fault.h"
#include "tests/crash/hindrance/hindrance.h"
#include "tests/crash/kill_fault.h"
#include "tests/crash/kill_in_recovery_fault.h"
#include "tests/crash/network_fault.h"
#include "tests/crash/power_cut_fault.h"
#include "tests/crash/repeat_fault.h"
#include "tests/crash/restart_fault.h"
#include "tests/crash/rotate_keys_fault.h"
#include "tests/crash/small_disk_fault.h"
#include "tests/crash/stop_faults.h"
#include "tests/crash/syscall_fault.h"

namespace onhook {

std::vector<std::unique_ptr<Fault>> MakeAllFaults() {
  std::vector<std::unique_ptr<Fault>> faults;
  // What no build with sanitizers can do needs no test there that says so.
  if (Hindrance::Missing().empty()) {
    faults.push_back(MakeClockFault());
    faults.push_back(MakeSyscallFault());
  }
  faults.push_back(MakeDescriptorsFault());
  faults.push_back(MakeFailedSyncFault());
  faults.push_back(MakeFileSizeFault());
  faults.push_back(MakeKillFault());
  faults.push_back(MakeKillInRecoveryFault());
  faults.push_back(MakeKillInSyncFault());
  faults.push_back(MakeNetworkFault());
  faults.push_back(MakePowerCutFault());
  faults.push_back(MakeRepeatFault());
  faults.push_back(MakeRestartFault());
  faults.push_back(MakeRotateKeysFault());
  faults.push_back(MakeSmallDiskFault());
  faults.push_back(MakeStopGatewayFault());
  faults.push_back(MakeStopSubscriberFault());
  faults.push_back(MakeStopVendorFault());
  return faults;
}

std::unique_ptr<Fault> MakeFault(absl::string_view name) {
  for (std::unique_ptr<Fault>& fault : MakeAllFaults()) {
    if (fault->name() == name) return std::move(fault);
  }
  return nullptr;
}

}  // namespace onhook
