#include "gateway/net/accept_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace onhook {
namespace {

// Long enough to cost nothing, short enough that nobody notices.
constexpr absl::Duration kPause = absl::Milliseconds(50);

enum class AcceptError {
  kOfOneConnection,  // it is gone already; the next one may be fine
  kShortage,         // of the system's means
  kOfNetwork,        // passes, says accept(2)
  kFatal,            // this socket will take no connection
};

AcceptError Classify(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
      return AcceptError::kOfOneConnection;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return AcceptError::kShortage;
    case EAGAIN:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return AcceptError::kOfNetwork;
    default:
      return AcceptError::kFatal;
  }
}

}  // namespace

AcceptLoop::AcceptLoop(absl::Duration receive_timeout, Callbacks callbacks)
    : receive_timeout_(receive_timeout), callbacks_(std::move(callbacks)) {}

absl::Status AcceptLoop::Run(int listener) {
  {
    absl::MutexLock lock(&mutex_);
    listener_ = listener;
  }
  absl::Status ended;
  while (ended.ok() && !stop_.HasBeenNotified()) {
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    const int socket = accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC);
    if (socket >= 0) {
      Take(socket, EndpointOf(peer));
      continue;
    }
    const int error = errno;
    switch (Classify(error)) {
      case AcceptError::kOfOneConnection:
        break;
      case AcceptError::kShortage:
        callbacks_.on_shortage();
        Pause();
        break;
      case AcceptError::kOfNetwork:
        Pause();
        break;
      case AcceptError::kFatal:
        ended = absl::UnavailableError(absl::ErrnoToStatus(error, "accept").message());
        break;
    }
  }
  absl::MutexLock lock(&mutex_);
  listener_ = -1;
  return stop_.HasBeenNotified() ? absl::OkStatus() : ended;
}

void AcceptLoop::Take(int socket, const Endpoint& peer) const {
  const timeval timeout = absl::ToTimeval(receive_timeout_);
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  callbacks_.on_connection(socket, peer);
}

void AcceptLoop::Pause() { stop_.WaitFor(kPause); }

void AcceptLoop::Stop() {
  absl::MutexLock lock(&mutex_);
  if (!stop_.HasBeenNotified()) stop_.Notify();
  if (listener_ >= 0) shutdown(listener_, SHUT_RDWR);  // wakes accept()
}

}  // namespace onhook
