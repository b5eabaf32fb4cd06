#include "gateway/store/jetstream/socket_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace onhook {

SocketLoop::SocketLoop(std::function<void()> readable, std::function<void()> writable)
    : readable_(std::move(readable)),
      writable_(std::move(writable)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { Run(); }) {}

SocketLoop::~SocketLoop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  Wake();
  thread_.join();
  if (wake_ >= 0) close(wake_);
}

void SocketLoop::Wake() {
  const uint64_t one = 1;
  // Fails only when it is awake many times over.
  if (wake_ >= 0 && write(wake_, &one, sizeof one) < 0) return;
}

void SocketLoop::Watch(int socket) {
  {
    absl::MutexLock lock(&mutex_);
    socket_ = socket;
    reads_ = socket >= 0;
    writes_ = false;
  }
  Wake();
}

void SocketLoop::WantReads(bool want) {
  {
    absl::MutexLock lock(&mutex_);
    if (reads_ == want) return;
    reads_ = want;
  }
  Wake();
}

void SocketLoop::WantWrites(bool want) {
  {
    absl::MutexLock lock(&mutex_);
    if (writes_ == want) return;
    writes_ = want;
    // Where they are not wanted any more, one is for nothing at most.
    if (!want) return;
  }
  Wake();
}

void SocketLoop::Run() {
  if (wake_ < 0) return;
  while (true) {
    pollfd polled[] = {{wake_, POLLIN, 0}, {-1, 0, 0}};
    {
      absl::MutexLock lock(&mutex_);
      if (stop_) return;
      // A negative one is passed over.
      if (reads_ || writes_) polled[1].fd = socket_;
      polled[1].events = static_cast<int16_t>((reads_ ? POLLIN : 0) | (writes_ ? POLLOUT : 0));
    }
    if (poll(polled, 2, -1) <= 0) continue;
    uint64_t woken = 0;
    if (polled[0].revents != 0 && read(wake_, &woken, sizeof woken) < 0) continue;
    const int events = polled[1].revents;
    // What is wrong with it is found out by reading.
    if ((events & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) != 0) readable_();
    if ((events & POLLOUT) != 0) writable_();
  }
}

}  // namespace onhook
