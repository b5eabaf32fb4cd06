#include "gateway/http/connection_stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"

namespace onhook {
namespace {

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

absl::Status Broken() { return absl::UnavailableError("the connection is broken"); }

}  // namespace

absl::Status WaitForSocket(int socket, short events, absl::Duration deadline, const Clock& clock) {
  while (true) {
    const absl::Duration left = deadline - clock.Elapsed();
    if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("the peer is too slow");
    pollfd watched{socket, events, 0};
    const int wait_ms = static_cast<int>(absl::ToInt64Milliseconds(left)) + 1;
    const int ready = poll(&watched, 1, wait_ms);
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
  }
}

absl::StatusOr<size_t> PlainStream::Read(char* buffer, size_t size, absl::Duration wait) {
  return Receive(buffer, size, 0, wait);
}

absl::StatusOr<size_t> PlainStream::Peek(char* byte, absl::Duration wait) {
  return Receive(byte, 1, MSG_PEEK, wait);
}

absl::StatusOr<size_t> PlainStream::Receive(char* buffer, size_t size, int flags,
                                            absl::Duration wait) {
  const bool kernel_waits = wait == own_timeout_;
  if (!kernel_waits) flags |= MSG_DONTWAIT;
  absl::Duration deadline = absl::InfiniteDuration();
  while (true) {
    const ssize_t got = recv(fd_, buffer, size, flags);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno == EINTR) continue;
    if (!WouldBlock(errno)) return Broken();
    if (kernel_waits) return absl::DeadlineExceededError("the peer is silent");
    if (deadline == absl::InfiniteDuration()) deadline = clock_->Elapsed() + wait;
    if (absl::Status ready = WaitForSocket(fd_, POLLIN, deadline, *clock_); !ready.ok()) {
      return ready;
    }
  }
}

absl::Status PlainStream::Write(absl::string_view bytes, absl::Duration wait) {
  absl::Duration deadline = absl::InfiniteDuration();
  bool waits = false;
  const auto tell = [this, &waits](bool now) {
    if (on_write_waits_ != nullptr && waits != now) on_write_waits_(now);
    waits = now;
  };
  const auto done = absl::MakeCleanup([&tell] { tell(false); });
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (!WouldBlock(errno)) return Broken();
    if (deadline == absl::InfiniteDuration()) deadline = clock_->Elapsed() + wait;
    tell(true);
    if (absl::Status ready = WaitForSocket(fd_, POLLOUT, deadline, *clock_); !ready.ok()) {
      return ready;
    }
  }
  return absl::OkStatus();
}

void PlainStream::FinishWriting() { shutdown(fd_, SHUT_WR); }

}  // namespace onhook
