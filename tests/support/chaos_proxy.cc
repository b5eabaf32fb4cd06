#include "tests/support/chaos_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace onhook {
namespace {

constexpr size_t kPieceBytes = 16 << 10;
// Held of one direction; more waits in the sender's socket.
constexpr size_t kMostHeld = 256 << 10;
// At a time, where the speed is limited.
constexpr size_t kSlowPieceBytes = 256;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int Listener() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(0);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 128) != 0) {
    std::abort();  // no test goes on without it
  }
  return listener;
}

int PortOf(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

void DoNotGather(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void CloseSocket(int& socket, ChaosProxy::End end) {
  if (socket < 0) return;
  if (end == ChaosProxy::End::kReset) {
    const linger at_once{1, 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  close(socket);
  socket = -1;
}

bool MayComeLater() { return errno == EAGAIN || errno == EINTR || errno == ENOTCONN; }

}  // namespace

ChaosProxy::ChaosProxy(uint64_t seed)
    : listener_(Listener()),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      port_(PortOf(listener_)),
      random_(seed) {
  thread_ = std::thread([this] { Run(); });
}

ChaosProxy::~ChaosProxy() {
  {
    absl::MutexLock lock(&mutex_);
    ends_ = true;
  }
  Wake();
  thread_.join();
  for (Connection& connection : connections_) Close(connection, End::kReset);
  close(listener_);
  close(wake_);
}

void ChaosProxy::LeadTo(int server_port) {
  absl::MutexLock lock(&mutex_);
  server_port_ = server_port;
}

void ChaosProxy::SetWeather(Direction direction, Weather weather, int percent) {
  absl::MutexLock lock(&mutex_);
  for (Connection& connection : connections_) {
    if (Chance(percent)) connection.pipes[direction].weather = weather;
  }
  Wake();
}

void ChaosProxy::Clear() {
  absl::MutexLock lock(&mutex_);
  for (auto connection = connections_.begin(); connection != connections_.end();) {
    bool lost = false;
    for (Pipe& pipe : connection->pipes) {
      lost = lost || pipe.lost;
      pipe.weather = Weather();
      for (Piece& piece : pipe.pieces) piece.due = absl::ZeroDuration();
    }
    if (lost) Close(*connection, End::kReset);
    connection = lost ? connections_.erase(connection) : std::next(connection);
  }
  Wake();
}

void ChaosProxy::Cut(Direction direction, End end, int64_t most_bytes, int percent) {
  absl::MutexLock lock(&mutex_);
  for (Connection& connection : connections_) {
    if (!Chance(percent)) continue;
    Pipe& pipe = connection.pipes[direction];
    pipe.cut_in = static_cast<int64_t>(random_() % static_cast<uint64_t>(most_bytes + 1));
    pipe.cut_end = end;
  }
  Wake();
}

ChaosProxy::Tally ChaosProxy::tally() const {
  absl::MutexLock lock(&mutex_);
  return tally_;
}

void ChaosProxy::Wake() const {
  const uint64_t one = 1;
  // A wake that is still unread is as good as another one.
  if (write(wake_, &one, sizeof one) < 0) return;
}

void ChaosProxy::Run() {
  std::vector<pollfd> watched;
  while (true) {
    int timeout_ms = -1;
    {
      absl::MutexLock lock(&mutex_);
      if (ends_) return;
      watched = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const Connection& connection : connections_) {
        for (const Pipe& pipe : connection.pipes) {
          if (!pipe.ended && pipe.held < kMostHeld) watched.push_back({pipe.from, POLLIN, 0});
          const bool is_due = !pipe.pieces.empty() && pipe.pieces.front().due <= clock_.Elapsed() &&
                              pipe.may_send_at <= clock_.Elapsed();
          if (is_due) watched.push_back({pipe.to, POLLOUT, 0});
        }
      }
      timeout_ms = TimeoutMs();
    }
    poll(watched.data(), watched.size(), timeout_ms);
    absl::MutexLock lock(&mutex_);
    uint64_t wakes = 0;
    if (read(wake_, &wakes, sizeof wakes) < 0) wakes = 0;  // it was somebody else
    Accept();
    connections_.remove_if([this](Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return !PassOn(connection);
    });
  }
}

int ChaosProxy::TimeoutMs() const {
  absl::Duration wait = absl::InfiniteDuration();
  const absl::Duration now = clock_.Elapsed();
  for (const Connection& connection : connections_) {
    for (const Pipe& pipe : connection.pipes) {
      if (pipe.pieces.empty()) continue;
      const absl::Duration due = std::max(pipe.pieces.front().due, pipe.may_send_at);
      if (due > now) wait = std::min(wait, due - now);
    }
  }
  return wait == absl::InfiniteDuration() ? -1 : static_cast<int>(wait / absl::Milliseconds(1)) + 1;
}

void ChaosProxy::Accept() {
  while (true) {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(server_port_);
    Connection connection;
    connection.client = client;
    connection.server = server;
    if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS) {
      Close(connection, End::kReset);
      continue;
    }
    DoNotGather(client);
    DoNotGather(server);
    connection.pipes[kToServer].from = connection.pipes[kToClient].to = client;
    connection.pipes[kToServer].to = connection.pipes[kToClient].from = server;
    connections_.push_back(std::move(connection));
    ++tally_.connections;
  }
}

bool ChaosProxy::PassOn(Connection& connection) {
  for (const Direction direction : {kToServer, kToClient}) {
    Pipe& pipe = connection.pipes[direction];
    bool goes_on = Receive(connection, direction) && Send(pipe);
    if (goes_on && pipe.cut_in.has_value() && *pipe.cut_in <= 0) {
      ++tally_.cuts;
      Close(connection, pipe.cut_end);
      return false;
    }
    if (goes_on && pipe.ended && pipe.pieces.empty() && !pipe.finished) {
      pipe.finished = true;
      if (!pipe.lost) shutdown(pipe.to, SHUT_WR);
    }
    if (!goes_on) {
      Close(connection, End::kReset);
      return false;
    }
  }
  const auto& [to_server, to_client] = connection.pipes;
  // Where something was lost the server has to end it by itself.
  const bool is_over =
      to_client.finished && (to_server.finished || to_server.lost || to_client.lost);
  if (!is_over) return true;
  Close(connection, to_server.lost || to_client.lost ? End::kReset : End::kFinish);
  return false;
}

bool ChaosProxy::Receive(Connection& connection, Direction direction) {
  Pipe& pipe = connection.pipes[direction];
  while (!pipe.ended && pipe.held < kMostHeld) {
    std::string bytes(kPieceBytes, '\0');
    const ssize_t size = recv(pipe.from, bytes.data(), bytes.size(), 0);
    if (size < 0 && MayComeLater()) return true;
    const bool vanishes = pipe.weather.vanishes || pipe.lost;
    if (size <= 0) {
      pipe.ended = true;
      // A client's end is not seen behind a cut cable; what the server makes of that is.
      pipe.lost = pipe.lost || vanishes;
      return size == 0 || vanishes;
    }
    bytes.resize(static_cast<size_t>(size));
    if (vanishes) {
      pipe.lost = true;
      tally_.vanished += size;
      continue;
    }
    pipe.held += bytes.size();
    pipe.pieces.push_back({clock_.Elapsed() + pipe.weather.delay, std::move(bytes)});
  }
  return true;
}

bool ChaosProxy::Send(Pipe& pipe) {
  while (!pipe.pieces.empty()) {
    Piece& piece = pipe.pieces.front();
    const absl::Duration now = clock_.Elapsed();
    if (piece.due > now || pipe.may_send_at > now) return true;
    size_t size = piece.bytes.size() - piece.sent;
    if (pipe.weather.bytes_per_second > 0) size = std::min(size, kSlowPieceBytes);
    if (pipe.cut_in.has_value()) size = std::min(size, static_cast<size_t>(*pipe.cut_in));
    if (size == 0) return true;
    const ssize_t sent = send(pipe.to, piece.bytes.data() + piece.sent, size, MSG_NOSIGNAL);
    if (sent < 0) return MayComeLater();
    if (pipe.weather.bytes_per_second > 0) {
      pipe.may_send_at = now + absl::Seconds(1) * sent / pipe.weather.bytes_per_second;
    }
    if (pipe.cut_in.has_value()) *pipe.cut_in -= sent;
    tally_.bytes += sent;
    piece.sent += static_cast<size_t>(sent);
    pipe.held -= static_cast<size_t>(sent);
    if (piece.sent == piece.bytes.size()) pipe.pieces.pop_front();
  }
  return true;
}

void ChaosProxy::Close(Connection& connection, End end) {
  CloseSocket(connection.client, end);
  CloseSocket(connection.server, end);
}

}  // namespace onhook
