#ifndef ONHOOK_GATEWAY_OUTSIDE_FAULTS_H_
#define ONHOOK_GATEWAY_OUTSIDE_FAULTS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/base/log.h"
#include "gateway/config/invocation.h"
#include "gateway/config/settings.h"

namespace onhook {

// What settings name outside of themselves: files of secrets and of certificates, the directory of
// the store or of its spool, addresses; but not servers, which may come and go. All that cannot be
// used is told at once, before anything is opened, so that one try says everything.
//
// Changes nothing: nobody can connect meanwhile, and nothing is made. What is found free may be
// taken a moment later; then Gateway::Start says so. Threads: any. Blocking: reads the files, and
// resolves names of hosts.

// Of what a gateway that runs can share with one that is to start.
OutsideFindings FindOutsideFaults(const Settings& settings);

// Of what one gateway has to itself, so that one that runs is in its own way: ports, the socket's
// file, and the store.
OutsideFindings FindStartFaults(const Settings& settings);

// The same error, beginning with the setting that can mend it.
absl::Status AboutSetting(absl::string_view setting, const absl::Status& cause);

// The same error of a listening socket, with what to set instead.
absl::Status WithPortAdvice(const absl::Status& cause);

// Says why Gateway::Start failed with `status`, and returns the exit code that fits. If somebody
// took a port or the store since, that is kExitBadSettings, and the line that would have been told
// before.
int TellFailedStart(const absl::Status& status, const Invocation& invocation, const Log& log);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_OUTSIDE_FAULTS_H_
