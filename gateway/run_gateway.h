#ifndef ONHOOK_GATEWAY_RUN_GATEWAY_H_
#define ONHOOK_GATEWAY_RUN_GATEWAY_H_

#include <functional>

#include "absl/status/statusor.h"
#include "gateway/config/invocation.h"

namespace onhook {

// Runs a gateway as a process of its own, from its start until a signal ends it; the service
// manager is told of each step. Returns the process's exit code, an ExitCode.
//
// SIGTERM and SIGINT end it. While it still starts, at once, recovery of the store included: it has
// promised nobody anything. Later as Gateway::Stop says, within Gateway::LongestStop, or at once
// with the next of these signals. SIGHUP: the settings are taken from `read` anew.
// Threads: the process's first, before it has another. Blocking: until the end.
int RunGateway(const Invocation& invocation,
               const std::function<absl::StatusOr<Invocation>()>& read);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_RUN_GATEWAY_H_
