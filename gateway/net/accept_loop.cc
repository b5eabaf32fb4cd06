#include "gateway/net/accept_loop.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace onhook {
namespace {

// Long enough to cost nothing, short enough that nobody notices.
constexpr absl::Duration kPause = absl::Milliseconds(50);

// What may have come by the time of the end; more than that is somebody who never stops coming.
constexpr int kMostTakenAtTheEnd = 4096;

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
  // The socket is its owner's again, who may close it: nobody else is still at it.
  const auto is_left_alone = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ == 0; };
  absl::MutexLock lock(&mutex_);
  listener_ = -1;
  mutex_.Await(absl::Condition(&is_left_alone));
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

void AcceptLoop::TakeWhatHasCome(int listener) const {
  fcntl(listener, F_SETFL, O_NONBLOCK);  // for this thread; one that is in accept() stays there
  for (int taken = 0; taken < kMostTakenAtTheEnd; ++taken) {
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    const int socket = accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC);
    if (socket < 0) return;
    Take(socket, EndpointOf(peer));
  }
}

void AcceptLoop::Stop() {
  int listener = -1;
  {
    absl::MutexLock lock(&mutex_);
    if (!stop_.HasBeenNotified()) stop_.Notify();
    listener = std::exchange(listener_, -1);
    ++stopping_;
  }
  if (listener >= 0) {
    TakeWhatHasCome(listener);
    shutdown(listener, SHUT_RDWR);  // wakes accept()
  }
  absl::MutexLock lock(&mutex_);
  --stopping_;
}

}  // namespace onhook
