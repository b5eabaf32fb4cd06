#include "gateway/store/jetstream/socket_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace onhook {

SocketLoop::SocketLoop(Callbacks callbacks, absl::Duration quiet_interval)
    : callbacks_(std::move(callbacks)),
      quiet_interval_(quiet_interval),
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
  int watched = -1;
  while (true) {
    pollfd polled[] = {{wake_, POLLIN, 0}, {-1, 0, 0}};
    {
      absl::MutexLock lock(&mutex_);
      if (stop_) return;
      if (watched != socket_) {
        watched = socket_;
        quiet_intervals_ = 0;
        interval_ends_at_ = clock_.Elapsed() + quiet_interval_;
      }
      // A negative one is passed over.
      if (reads_ || writes_) polled[1].fd = socket_;
      polled[1].events = static_cast<int16_t>((reads_ ? POLLIN : 0) | (writes_ ? POLLOUT : 0));
    }
    int wait = -1;
    if (watched >= 0) {
      const absl::Duration left = interval_ends_at_ - clock_.Elapsed();
      wait = static_cast<int>(absl::ToInt64Milliseconds(std::max(left, absl::ZeroDuration()))) + 1;
    }
    if (poll(polled, 2, wait) < 0) continue;
    uint64_t woken = 0;
    if (polled[0].revents != 0 && read(wake_, &woken, sizeof woken) < 0) continue;
    const int events = polled[1].revents;
    // What is wrong with it is found out by reading.
    if ((events & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) != 0) {
      quiet_intervals_ = 0;
      callbacks_.readable();
    } else if (watched >= 0 && clock_.Elapsed() >= interval_ends_at_) {
      EndInterval();
    }
    if ((events & POLLOUT) != 0) callbacks_.writable();
  }
}

void SocketLoop::EndInterval() {
  interval_ends_at_ = clock_.Elapsed() + quiet_interval_;
  if (++quiet_intervals_ == kQuietIntervals) callbacks_.quiet();
}

}  // namespace onhook
