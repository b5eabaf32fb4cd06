#ifndef ONHOOK_GATEWAY_BASE_PROCESS_SIGNALS_H_
#define ONHOOK_GATEWAY_BASE_PROCESS_SIGNALS_H_

#include <signal.h>

#include "absl/time/time.h"

namespace onhook {

// How a process learns that it is to end, by SIGTERM or SIGINT, or to read its settings again, by
// SIGHUP: these are waited for by threads, so that no work is ever done in a signal handler.
// SIGPIPE is ignored: a peer that went away is seen where it is written to.
//
// Threads: one, but as said. To be made before the process starts any other, which inherit that the
// signals are blocked. Blocking: Wait. Errors: none.
class ProcessSignals {
 public:
  ProcessSignals();

  // Waits for SIGTERM, SIGINT or SIGHUP, and returns which. One that came before is not missed; of
  // several SIGHUPs that nobody waited for, one is left; SIGHUP never comes before an end, however
  // many of them are sent.
  int Wait();

  // Whether a SIGTERM or SIGINT has come that Wait() will return. Threads: any.
  bool EndIsPending() const;

  // As if SIGHUP had come from outside, so that there is one way to reading settings again.
  // Threads: any.
  void AskForReload() const;

  // From now on another SIGTERM or SIGINT ends the process at once with 128 plus its number, as
  // shells count; and so does the time when `deadline` has passed, with 1. Whatever is done
  // meanwhile must bear that, as it must bear a power cut. SIGHUP means nothing any more.
  void ExitOnNextOrAfter(absl::Duration deadline);

 private:
  sigset_t ending_;
  sigset_t all_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_PROCESS_SIGNALS_H_
