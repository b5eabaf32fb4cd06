#ifndef ONHOOK_TESTS_CRASH_HELD_SYNCS_H_
#define ONHOOK_TESTS_CRASH_HELD_SYNCS_H_

#include <sys/types.h>

#include <string>

#include "absl/time/time.h"
#include "tests/support/child_process.h"

namespace onhook {

// Keeps a running program's syncs from being begun: each thread that calls fdatasync or fsync waits
// in front of it, until the program is killed.
//
// Why: a sync takes a fraction of a millisecond, so that who kills at random hardly ever kills
// between the writing and the syncing of a commit.
//
// Threads: one, the one that made it.
class HeldSyncs {
 public:
  // What this machine lacks for it; empty: nothing.
  static std::string Missing();

  // From its return on. `program` must not be traced by others.
  explicit HeldSyncs(pid_t program);

  // Whether a thread came to a sync, and so waits there, before `timeout`.
  bool WaitForOne(absl::Duration timeout) const;

  // kill -9: no sync that waits is made. Whoever started the program sees its end.
  void KillProgram();

 private:
  const pid_t program_;
  ChildProcess tracer_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_HELD_SYNCS_H_
