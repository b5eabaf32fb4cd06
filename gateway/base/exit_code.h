#ifndef ONHOOK_GATEWAY_BASE_EXIT_CODE_H_
#define ONHOOK_GATEWAY_BASE_EXIT_CODE_H_

namespace onhook {

// How onhookd ends: what a supervisor and a person can tell without the log. deploy/RUNBOOK.md says
// what to do about each.
enum ExitCode : int {
  // It was asked to end, and did so in order; or what it was asked for went well.
  kExitOk = 0,
  // Something outside is not as it must be: a port is taken, the disk is full, there is no
  // permission. A restart may help, later.
  kExitFailed = 1,
  // The settings or the arguments are wrong. A restart does not help.
  kExitBadSettings = 2,
  // The store is damaged, incomplete, or of a version that this one does not read. A restart does
  // not help; --verify says what is wrong and what to do.
  kExitBadStore = 3,
  // The disk failed in a way that leaves unknown what is on it. Nothing was answered since; a
  // restart finds out.
  kExitDiskFailed = 4,
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_EXIT_CODE_H_
