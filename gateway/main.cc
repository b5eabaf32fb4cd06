// onhookd, the gateway's program: from arguments to an exit code.

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "gateway/base/exit_code.h"
#include "gateway/config/invocation.h"
#include "gateway/outside_faults.h"
#include "gateway/run_gateway.h"
#include "gateway/store_actions.h"

// What jemalloc reads its settings from. Its default of four arenas for each processor takes half a
// megabyte more at rest; most memory comes from a thread's own cache anyway.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "narenas:2";
}

namespace onhook {
namespace {

int Main(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  const OutsideChecks at_start = {FindOutsideFaults, FindStartFaults};
  const absl::StatusOr<Invocation> invocation = ReadInvocation(arguments, environment, at_start);
  if (!invocation.ok()) {
    std::fprintf(stderr, "%s\n", std::string(invocation.status().message()).c_str());
    return kExitBadSettings;
  }
  const auto again = [&] { return ReadInvocation(arguments, environment, {FindOutsideFaults}); };
  if (invocation->action == Invocation::Action::kRun) return RunGateway(*invocation, again);
  if (!invocation->operand.empty()) return RunOnStore(*invocation);
  std::printf("%s", AnswerTo(*invocation).c_str());
  return kExitOk;
}

}  // namespace
}  // namespace onhook

int main(int argc, char** argv) {
  // Debian's Abseil is built to watch the order in which locks are taken, in gRPC too, under a lock
  // that all threads share: with it a lock and unlock costs 35 to 70 ns, without it 11. The tests
  // go on being watched.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return onhook::Main({argv + 1, argv + argc}, environment);
}
