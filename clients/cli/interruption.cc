#include "clients/cli/interruption.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

namespace onhook::cli {
namespace {

constexpr int kExitInterruptedTwice = 130;  // as shells count: 128 + SIGINT

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

Interruption::Interruption() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

Interruption::~Interruption() {
  if (!thread_.joinable()) return;
  ending_ = true;
  // Only to wake it; it sees `ending_` and leaves.
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

void Interruption::OnSignal(std::function<void()> stop, std::function<void()> abandon) {
  thread_ = std::thread([this, stop = std::move(stop), abandon = std::move(abandon)] {
    const sigset_t signals = Signals();
    int signal = 0;
    sigwait(&signals, &signal);
    if (ending_) return;
    stop();
    sigwait(&signals, &signal);
    if (ending_) return;
    if (abandon) abandon();
    _exit(kExitInterruptedTwice);
  });
}

}  // namespace onhook::cli
