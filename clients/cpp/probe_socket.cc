#include "clients/cpp/probe_socket.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/grpc_status.h"

namespace onhook::client {
namespace {

// A frame's last byte is the zero that ends the text.
constexpr char kGreeting[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0";
// A frame's head: 3 bytes of length, one of type, one of flags, 4 of stream.
constexpr size_t kFrameHead = 9;
constexpr size_t kFrameType = 3;
constexpr char kSettingsFrame = 4;
constexpr char kTlsAlert = 21;

bool Await(int descriptor, decltype(pollfd::events) events, absl::Time deadline) {
  for (;;) {
    pollfd polled{descriptor, events, 0};
    const int64_t left = std::max<int64_t>(absl::ToInt64Milliseconds(deadline - absl::Now()), 0);
    const int ready = ::poll(&polled, 1, static_cast<int>(std::min<int64_t>(left, INT32_MAX)));
    if (ready > 0) return true;
    if (ready == 0 && absl::Now() >= deadline) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

absl::Status NotReached(const ServerAddress& address, int error) {
  const bool nobody = error == ECONNREFUSED || error == ENOENT;
  const bool silent = error == ETIMEDOUT;
  return LocalError(absl::StatusCode::kUnavailable,
                    absl::StrCat(nobody ? "nobody listens at " : "there is no way to ",
                                 address.text, ": ", strerror(error)),
                    nobody   ? "NOBODY_LISTENS"
                    : silent ? "NO_ANSWER"
                             : "NOT_REACHED");
}

// Zero, or what went wrong.
int Connect(int descriptor, const sockaddr* address, socklen_t size, absl::Time deadline) {
  if (::connect(descriptor, address, size) == 0) return 0;
  // EAGAIN: a Unix-domain socket whose queue is full.
  if (errno != EINPROGRESS) return errno;
  if (!Await(descriptor, POLLOUT, deadline)) return ETIMEDOUT;
  int error = 0;
  socklen_t error_size = sizeof(error);
  ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &error_size);
  return error;
}

int OpenSocket(int family) {
  return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

FirstWords Judge(absl::string_view words) {
  if (words.empty()) return FirstWords::kClosed;
  if (words[0] == kTlsAlert) return FirstWords::kTls;
  if (absl::StartsWith(words, "HTTP/1")) return FirstWords::kHttp1;
  if (words.size() >= kFrameHead && words[kFrameType] == kSettingsFrame) return FirstWords::kHttp2;
  return FirstWords::kOther;
}

}  // namespace

absl::string_view Http2Greeting() { return {kGreeting, sizeof(kGreeting)}; }

absl::StatusOr<ProbeSocket> ProbeSocket::Dial(const ServerAddress& address, absl::Time deadline) {
  if (address.is_unix()) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (address.unix_path.size() >= sizeof(name.sun_path)) return NotReached(address, ENAMETOOLONG);
    std::copy(address.unix_path.begin(), address.unix_path.end(), name.sun_path);
    ProbeSocket socket(OpenSocket(AF_UNIX));
    const int error = Connect(socket.descriptor_, reinterpret_cast<const sockaddr*>(&name),
                              sizeof(name), deadline);
    if (error != 0) return NotReached(address, error);
    return socket;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &list);
  if (failed != 0) {
    return LocalError(
        absl::StatusCode::kUnavailable,
        absl::StrCat("no address is known for ", address.host, ": ", gai_strerror(failed)),
        "NAME_NOT_RESOLVED");
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> endpoints(list, &freeaddrinfo);
  int error = 0;
  for (const addrinfo* endpoint = endpoints.get(); endpoint != nullptr;
       endpoint = endpoint->ai_next) {
    ProbeSocket socket(OpenSocket(endpoint->ai_family));
    error = Connect(socket.descriptor_, endpoint->ai_addr, endpoint->ai_addrlen, deadline);
    if (error == 0) return socket;
  }
  return NotReached(address, error);
}

ProbeSocket::~ProbeSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool ProbeSocket::AwaitReadable(absl::Time deadline) const {
  return Await(descriptor_, POLLIN, deadline);
}

bool ProbeSocket::AwaitWritable(absl::Time deadline) const {
  return Await(descriptor_, POLLOUT, deadline);
}

FirstWords ProbeSocket::Greet(absl::Time deadline) const {
  // So few bytes fit into any connection's buffer.
  const absl::string_view greeting = Http2Greeting();
  if (::send(descriptor_, greeting.data(), greeting.size(), MSG_NOSIGNAL) < 0) {
    return FirstWords::kClosed;
  }
  std::string words;
  std::array<char, 64> buffer{};
  while (words.size() < kFrameHead) {
    if (!AwaitReadable(deadline)) return words.empty() ? FirstWords::kSilent : Judge(words);
    const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (count <= 0) break;
    words.append(buffer.data(), static_cast<size_t>(count));
  }
  return Judge(words);
}

}  // namespace onhook::client
