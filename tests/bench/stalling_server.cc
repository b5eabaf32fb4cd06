#include "tests/bench/stalling_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "absl/strings/string_view.h"

namespace onhook {
namespace {

constexpr absl::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\n{\"retCode\":\"0\",\"retMsg\":\"success\"}";

}  // namespace

StallingServer::StallingServer(const Options& options)
    : options_(options),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      listen(listener_, 1024) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

StallingServer::~StallingServer() {
  eventfd_write(stop_, 1);
  thread_.join();
  for (const Connection& each : connections_) close(each.socket);
  close(listener_);
  close(stop_);
}

bool StallingServer::StopsWithin(int timeout_ms) const {
  pollfd stop{stop_, POLLIN, 0};
  return poll(&stop, 1, timeout_ms) > 0;
}

void StallingServer::Serve() {
  while (true) {
    std::vector<pollfd> sockets{{stop_, POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Connection& each : connections_) sockets.push_back({each.socket, POLLIN, 0});
    poll(sockets.data(), sockets.size(), /*timeout=*/-1);
    if (sockets[0].revents != 0) return;
    for (size_t i = connections_.size(); i-- > 0;) {
      if (sockets[i + 2].revents == 0 || Take(connections_[i])) continue;
      close(connections_[i].socket);
      connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (sockets[1].revents == 0) continue;
    connections_.push_back({accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), ""});
  }
}

bool StallingServer::Take(Connection& connection) {
  char buffer[4096];
  const ssize_t got = recv(connection.socket, buffer, sizeof(buffer), 0);
  if (got <= 0) return false;
  connection.received.append(buffer, static_cast<size_t>(got));
  // A callback ends with the one brace that it closes.
  if (connection.received.back() != '}') return true;
  connection.received.clear();
  const bool stalls = ++requests_ == options_.stalls_at;
  if (stalls && options_.closes) shutdown(connection.socket, SHUT_RDWR);
  if (stalls) {
    const int64_t stall_ms =
        std::min<int64_t>(absl::ToInt64Milliseconds(options_.stall), INT32_MAX);
    if (StopsWithin(static_cast<int>(stall_ms))) return false;
    if (options_.closes) return false;
  }
  return send(connection.socket, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(kAnswer.size());
}

}  // namespace onhook
