#include "gateway/net/listener_watch.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace onhook {
namespace {

// Nobody dials "any address": this machine is meant.
void MakeDialable(sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    if (v4.sin_addr.s_addr == htonl(INADDR_ANY)) v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else if (address.ss_family == AF_INET6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
    if (IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr)) v6.sin6_addr = in6addr_loopback;
  }
}

// The same address with a port of the system's choice.
sockaddr_storage AnyPortOf(sockaddr_storage address) {
  if (address.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(address).sin6_port = 0;
  } else {
    reinterpret_cast<sockaddr_in&>(address).sin_port = 0;
  }
  return address;
}

const sockaddr* Plain(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

ListenerWatch::ListenerWatch(Options options, Callbacks callbacks)
    : options_(options), callbacks_(std::move(callbacks)) {}

ListenerWatch::~ListenerWatch() { Stop(); }

absl::Status ListenerWatch::Start(int listener) {
  target_size_ = sizeof(target_);
  getsockname(listener, reinterpret_cast<sockaddr*>(&target_), &target_size_);
  MakeDialable(target_);
  if (!is_unix()) {
    socket_ = socket(target_.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) return absl::UnavailableError("there is no socket to watch the listener with");
  }
  thread_ = std::thread([this] { Watch(); });
  return absl::OkStatus();
}

void ListenerWatch::Stop() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
  if (socket_ >= 0) close(socket_);
}

bool ListenerWatch::Accepted(const Endpoint& peer) {
  absl::MutexLock lock(&mutex_);
  heard_ = true;
  changed_.SignalAll();
  return !own_.address.empty() && peer == own_;
}

void ListenerWatch::Watch() {
  int silent_dials = 0;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      // A dial that nobody took has taken the interval itself.
      const absl::Duration rest = silent_dials > 0 ? absl::ZeroDuration() : options_.interval;
      const auto stops = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_; };
      if (changed_.AwaitFor(&mutex_, rest, stops)) return;
    }
    const bool heard = Dial();
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
    }
    if (heard) {
      if (silent_dials >= options_.silent_after) callbacks_.on_heard();
      silent_dials = 0;
      continue;
    }
    ++silent_dials;
    if (silent_dials == options_.silent_after) callbacks_.on_silent();
    if (silent_dials == options_.given_up_after) callbacks_.on_given_up();
  }
}

bool ListenerWatch::Dial() {
  // Bound before it connects, so that the accepting thread finds own_ known.
  Endpoint own = Bind();
  {
    absl::MutexLock lock(&mutex_);
    own_ = std::move(own);
    heard_ = false;
  }
  // Whatever it returns: what counts is whether somebody takes it.
  (void)connect(socket_, Plain(target_), target_size_);
  bool heard;
  {
    absl::MutexLock lock(&mutex_);
    const auto is_over = [this]()
                             ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return heard_ || stopping_; };
    changed_.AwaitFor(&mutex_, options_.interval, is_over);
    heard = heard_;
    own_ = Endpoint();
  }
  Release();
  return heard;
}

Endpoint ListenerWatch::Bind() {
  sockaddr_storage own{};
  socklen_t own_size = sizeof(own);
  if (is_unix()) {
    socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) {
      if (callbacks_.on_shortage) callbacks_.on_shortage();
      return {};
    }
    own.ss_family = AF_UNIX;  // and no name: the system gives one that nobody else has
    if (bind(socket_, Plain(own), sizeof(own.ss_family)) != 0) return {};
  } else {
    const sockaddr_storage any_port = AnyPortOf(target_);
    if (bind(socket_, Plain(any_port), target_size_) != 0) return {};
  }
  getsockname(socket_, reinterpret_cast<sockaddr*>(&own), &own_size);
  return EndpointOf(own);
}

void ListenerWatch::Release() {
  if (is_unix()) {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
    return;
  }
  sockaddr_storage nowhere{};
  nowhere.ss_family = AF_UNSPEC;
  (void)connect(socket_, Plain(nowhere), sizeof(nowhere));
}

}  // namespace onhook
