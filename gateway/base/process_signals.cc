#include "gateway/base/process_signals.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <thread>

#include "gateway/base/exit_code.h"

namespace onhook {
namespace {

constexpr int kSignalExitBase = 128;

}  // namespace

ProcessSignals::ProcessSignals() {
  sigemptyset(&ending_);
  sigaddset(&ending_, SIGTERM);
  sigaddset(&ending_, SIGINT);
  all_ = ending_;
  sigaddset(&all_, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &all_, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int ProcessSignals::Wait() {
  // Of several that are pending the system gives the lowest number first, which is SIGHUP's.
  constexpr timespec kNoTime{};
  int number = sigtimedwait(&ending_, nullptr, &kNoTime);
  if (number < 0) sigwait(&all_, &number);
  return number;
}

bool ProcessSignals::EndIsPending() const {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

void ProcessSignals::AskForReload() const { kill(getpid(), SIGHUP); }

void ProcessSignals::ExitOnNextOrAfter(absl::Duration deadline) {
  std::thread([signals = ending_, timeout = absl::ToTimespec(deadline)] {
    int number;
    do {
      number = sigtimedwait(&signals, nullptr, &timeout);
    } while (number < 0 && errno == EINTR);  // a debugger; the time then starts anew
    std::_Exit(number < 0 ? kExitFailed : kSignalExitBase + number);
  }).detach();
}

}  // namespace onhook
