#include "tests/crash/jetstream/fleet_faults.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace onhook {
namespace {

void KillServer(FleetRun& run, absl::Duration longest) {
  run.cluster().Kill(run.Below(run.cluster().size()));
  run.WaitFor(run.RandomBelow(longest));
}

void KillServers(FleetRun& run, absl::Duration longest) {
  const int spared = run.Below(run.cluster().size());
  for (int i = 0; i < run.cluster().size(); ++i) {
    if (i != spared) run.cluster().Kill(i);
  }
  run.WaitFor(run.RandomBelow(longest));
}

// They are gone only for as long as a start takes, most of the time.
void KillAllServers(FleetRun& run, absl::Duration longest) {
  run.cluster().KillAll();
  if (run.Below(4) == 0) run.WaitFor(run.RandomBelow(longest));
}

void StopServer(FleetRun& run, absl::Duration longest) {
  const int server = run.Below(run.cluster().size());
  run.cluster().Pause(server);
  run.WaitFor(run.RandomBelow(longest));
  run.cluster().Continue(server);
}

void CutServer(FleetRun& run, absl::Duration longest) {
  const int server = run.Below(run.cluster().size());
  for (int i = 0; i < run.cluster().size(); ++i) {
    if (i != server) run.cluster().CutServers(server, i);
  }
  run.WaitFor(run.RandomBelow(longest));
}

void CutServers(FleetRun& run, absl::Duration longest) {
  const int server = run.Below(run.cluster().size());
  run.cluster().CutServers(server, (server + 1) % run.cluster().size());
  run.WaitFor(run.RandomBelow(longest));
}

// Half of the time somebody starts it at once.
void KillGateway(FleetRun& run, absl::Duration longest) {
  run.KillGateway(run.Below(run.gateways()));
  if (run.Below(2) == 0) run.WaitFor(run.RandomBelow(longest));
}

void StopGateway(FleetRun& run, absl::Duration longest) {
  const int gateway = run.Below(run.gateways());
  run.SignalGateway(gateway, SIGSTOP);
  run.WaitFor(run.RandomBelow(longest));
  run.SignalGateway(gateway, SIGCONT);
}

void RestartGateway(FleetRun& run, absl::Duration) {
  run.TerminateGateway(run.Below(run.gateways()));
}

void CutGateway(FleetRun& run, absl::Duration longest) {
  const int gateway = run.Below(run.gateways());
  const int only = run.Below(2 * run.cluster().size());  // one of them, or all
  for (int i = 0; i < run.cluster().size(); ++i) {
    if (only == i || only >= run.cluster().size()) run.cluster().CutClient(gateway, i);
  }
  run.WaitFor(run.RandomBelow(longest));
}

}  // namespace

std::vector<FleetFault> AllFleetFaults() {
  return {
      {"kill_server", KillServer},
      {"kill_servers", KillServers},
      {"kill_all_servers", KillAllServers},
      {"stop_server", StopServer},
      {"cut_server", CutServer},
      {"cut_servers", CutServers},
      {"kill_gateway", KillGateway},
      {"stop_gateway", StopGateway},
      {"restart_gateway", RestartGateway},
      {"cut_gateway", CutGateway},
  };
}

std::vector<FleetFault> FleetFaultsNamed(const std::vector<std::string>& names) {
  std::vector<FleetFault> chosen;
  for (FleetFault& fault : AllFleetFaults()) {
    const bool named = std::find(names.begin(), names.end(), fault.name) != names.end();
    if (names.empty() ? fault.name != "kill_all_servers" : named) {
      chosen.push_back(std::move(fault));
    }
  }
  return chosen;
}

}  // namespace onhook
