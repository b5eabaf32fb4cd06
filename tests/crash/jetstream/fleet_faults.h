#ifndef ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_FAULTS_H_
#define ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_FAULTS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/crash/jetstream/fleet_run.h"

namespace onhook {

// What may happen to a fleet that is at work. Each begins, lasts for a while below `longest`, and
// leaves the rest to FleetRun::Recover(); what it decides by chance it draws from the run.
//
//   kill_server       kill -9
//   kill_servers      of two at once, so that there is no quorum for the while
//   kill_all_servers  of all at once
//   stop_server       SIGSTOP
//   cut_server        one server and all others do not reach each other
//   cut_servers       two servers do not reach each other, and the third one both
//   kill_gateway      kill -9
//   stop_gateway      SIGSTOP
//   restart_gateway   SIGTERM: it must end well
//   cut_gateway       a gateway does not reach one of the servers, or none
struct FleetFault {
  std::string name;
  std::function<void(FleetRun& run, absl::Duration longest)> strike;
};

// In that order.
std::vector<FleetFault> AllFleetFaults();
// Those of these names; of none: all but kill_all_servers.
std::vector<FleetFault> FleetFaultsNamed(const std::vector<std::string>& names);

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_FAULTS_H_
