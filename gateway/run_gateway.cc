#include "gateway/run_gateway.h"

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/descriptor_limit.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/log.h"
#include "gateway/base/periodic_thread.h"
#include "gateway/base/process_signals.h"
#include "gateway/base/service_manager.h"
#include "gateway/gateway.h"
#include "gateway/outside_faults.h"
#include "gateway/settings_watch.h"

namespace onhook {
namespace {

constexpr absl::Duration kPatienceOfWhoEndsAStart = absl::Milliseconds(50);
constexpr absl::Duration kPatienceOfWhoEndsAReload = absl::Seconds(3);

// Only looks for the signal and leaves it where it is, so that one that comes when the start is
// just over still ends the gateway in order.
absl::Status StartUnlessEnded(Gateway& gateway, const ProcessSignals& signals, const Log& log) {
  const PeriodicThread watch(kPatienceOfWhoEndsAStart, [&] {
    if (!signals.EndIsPending()) return;
    log.Info("gateway", "asked to end before it had started: ending at once");
    std::_Exit(kExitOk);
  });
  return gateway.Start();
}

// Files are read for it, and of a disk that is dead none ever comes. Whoever asks for the end is
// not to wait for that; for a disk that is slow, a while.
void ReloadUnlessEnded(Gateway& gateway, SettingsWatch& settings, const ProcessSignals& signals,
                       const Log& log) {
  absl::Duration waited;
  const PeriodicThread watch(kPatienceOfWhoEndsAStart, [&] {
    if (!signals.EndIsPending()) return;
    waited += kPatienceOfWhoEndsAStart;
    if (waited < kPatienceOfWhoEndsAReload) return;
    log.Error("gateway", "asked to end while reading its settings again hangs: ending at once");
    std::_Exit(kExitFailed);
  });
  gateway.Reload(settings.Read());
}

// Only while every part of the gateway still answers how it is. Null: no watchdog is there.
std::unique_ptr<PeriodicThread> KeepAlive(const ServiceManager& manager, const Gateway& gateway) {
  if (!manager.watchdog().has_value()) return nullptr;
  return std::make_unique<PeriodicThread>(*manager.watchdog() / 2, [&] {
    gateway.ReasonsNotReady();  // that it answers is enough
    manager.KeepAlive();
  });
}

}  // namespace

int RunGateway(const Invocation& invocation,
               const std::function<absl::StatusOr<Invocation>()>& read) {
  RaiseDescriptorLimit();
  ProcessSignals signals;
  const SystemClock clock;
  Log log(&clock, invocation.settings.log.level, Log::FormatForStandardError(),
          Log::StandardError());
  const ServiceManager service_manager = ServiceManager::FromEnvironment(&log);
  for (const std::string& warning : invocation.warnings) log.Warning("config", warning);
  SettingsWatch watch(invocation.file, read, [&signals] { signals.AskForReload(); });
  Gateway gateway(invocation.settings, &clock, &log);
  if (const absl::Status started = StartUnlessEnded(gateway, signals, log); !started.ok()) {
    return TellFailedStart(started, invocation, log);
  }
  service_manager.Ready();
  const std::unique_ptr<PeriodicThread> alive = KeepAlive(service_manager, gateway);
  while (signals.Wait() == SIGHUP) {
    service_manager.Reloading();
    ReloadUnlessEnded(gateway, watch, signals, log);
    service_manager.Ready();
  }
  signals.ExitOnNextOrAfter(gateway.LongestStop());
  service_manager.Stopping();
  return gateway.Stop().ok() ? kExitOk : kExitFailed;
}

}  // namespace onhook
