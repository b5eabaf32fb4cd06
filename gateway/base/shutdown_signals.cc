#include "gateway/base/shutdown_signals.h"

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <thread>

namespace onhook {
namespace {

constexpr int kSignalExitBase = 128;

}  // namespace

ShutdownSignals::ShutdownSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int ShutdownSignals::Wait() {
  int number = 0;
  sigwait(&signals_, &number);
  return number;
}

void ShutdownSignals::ExitOnNextOrAfter(absl::Duration deadline) {
  std::thread([signals = signals_, timeout = absl::ToTimespec(deadline)] {
    int number;
    do {
      number = sigtimedwait(&signals, nullptr, &timeout);
    } while (number < 0 && errno == EINTR);  // a debugger; the time then starts anew
    std::_Exit(number < 0 ? EXIT_FAILURE : kSignalExitBase + number);
  }).detach();
}

}  // namespace onhook
