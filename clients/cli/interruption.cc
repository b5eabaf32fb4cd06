#include "clients/cli/interruption.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace onhook::cli {
namespace {

constexpr int kExitInterruptedTwice = 130;  // as shells count: 128 + SIGINT
// What comes so soon is the same wish: timeout(1) and its like signal a program and its group.
constexpr absl::Duration kSameWish = absl::Milliseconds(200);

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

// Drops what comes within `time`, or until `ending`.
void DropSignals(absl::Duration time, const std::atomic<bool>& ending) {
  const sigset_t signals = Signals();
  const absl::Time end = absl::Now() + time;
  for (absl::Time now = absl::Now(); now < end && !ending; now = absl::Now()) {
    const timespec left = absl::ToTimespec(end - now);
    sigtimedwait(&signals, nullptr, &left);
  }
}

}  // namespace

Interruption::Interruption() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

Interruption::~Interruption() {
  if (!thread_.joinable()) return;
  ending_ = true;
  // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread): it waits for signals, and leaves by itself
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
    DropSignals(kSameWish, ending_);
    if (ending_) return;
    sigwait(&signals, &signal);
    if (ending_) return;
    if (abandon) abandon();
    _exit(kExitInterruptedTwice);
  });
}

}  // namespace onhook::cli
