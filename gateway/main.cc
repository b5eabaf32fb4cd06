// onhookd, the gateway's program: from arguments to an exit code.

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/descriptor_limit.h"
#include "gateway/base/log.h"
#include "gateway/base/process_signals.h"
#include "gateway/config/invocation.h"
#include "gateway/gateway.h"
#include "gateway/outside_faults.h"
#include "gateway/settings_watch.h"

namespace onhook {
namespace {

int Run(const Invocation& invocation, const SettingsWatch::ReadSettings& read) {
  RaiseDescriptorLimit();
  ProcessSignals signals;
  const SystemClock clock;
  Log log(&clock, invocation.settings.log.level, Log::FormatForStandardError(),
          Log::StandardError());
  for (const std::string& warning : invocation.warnings) log.Warning("config", warning);
  SettingsWatch watch(invocation.file, read, [&signals] { signals.AskForReload(); });
  Gateway gateway(invocation.settings, &clock, &log);
  if (const absl::Status started = gateway.Start(); !started.ok()) {
    log.Error("gateway", "cannot start", {{"error", started.message()}});
    return 1;
  }
  while (signals.Wait() == SIGHUP) gateway.Reload(watch.Read());
  signals.ExitOnNextOrAfter(gateway.LongestStop());
  return gateway.Stop().ok() ? 0 : 1;
}

int Main(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  const auto read = [&] { return ReadInvocation(arguments, environment, FindOutsideFaults); };
  const absl::StatusOr<Invocation> invocation = read();
  if (!invocation.ok()) {
    std::fprintf(stderr, "%s\n", std::string(invocation.status().message()).c_str());
    return 2;
  }
  if (invocation->action == Invocation::Action::kRun) return Run(*invocation, read);
  std::printf("%s", AnswerTo(*invocation).c_str());
  return 0;
}

}  // namespace
}  // namespace onhook

int main(int argc, char** argv) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return onhook::Main({argv + 1, argv + argc}, environment);
}
