#ifndef ONHOOK_TESTS_SUPPORT_NOTIFY_SOCKET_H_
#define ONHOOK_TESTS_SUPPORT_NOTIFY_SOCKET_H_

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace onhook {

// The service manager's end of sd_notify(3): a datagram socket, by path or, with '@', by an
// abstract name. Threads: one. Blocking: Next, as long as it is told.
class NotifySocket {
 public:
  explicit NotifySocket(std::string name) : name_(std::move(name)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (name_.front() == '@') address.sun_path[0] = '\0';
    descriptor_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(descriptor_, reinterpret_cast<const sockaddr*>(&address),
             static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size())) != 0) {
      std::abort();
    }
  }
  ~NotifySocket() { close(descriptor_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  const std::string& name() const { return name_; }

  // The next datagram, which may have come already; nothing: none before `timeout`.
  std::optional<std::string> Next(absl::Duration timeout) const {
    pollfd readable{descriptor_, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) != 1) {
      return std::nullopt;
    }
    char news[4096];
    const ssize_t size = recv(descriptor_, news, sizeof(news), 0);
    if (size < 0) return std::nullopt;
    return std::string(news, static_cast<size_t>(size));
  }

 private:
  const std::string name_;
  int descriptor_ = -1;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_NOTIFY_SOCKET_H_
