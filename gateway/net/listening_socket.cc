#include "gateway/net/listening_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhook {
namespace {

// Without the zero that such a name begins with.
constexpr size_t kAbstractNameMax = sizeof(sockaddr_un::sun_path) - 1;

std::string Describe(const ListenAddress& address) {
  return absl::StrCat(address.host, " port ", address.port);
}

absl::Status BindAndListen(int socket, const addrinfo& where, std::optional<int> backlog) {
  const int on = 1;
  // Lets a restart take the port while connections of the last run linger.
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(socket, where.ai_addr, where.ai_addrlen) != 0 ||
      (backlog.has_value() && listen(socket, *backlog) != 0)) {
    if (errno == EADDRINUSE) return absl::AlreadyExistsError("the port is taken");
    return absl::UnavailableError(std::strerror(errno));
  }
  return absl::OkStatus();
}

// A socket that is bound to `address`, and listens if there is a backlog.
absl::StatusOr<int> OpenSocket(const ListenAddress& address, std::optional<int> backlog) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = absl::StrCat(address.port);
  if (const int error = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found)) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", Describe(address), ": ", gai_strerror(error)));
  }
  absl::Status status = absl::UnavailableError("no address");
  int socket = -1;
  for (const addrinfo* each = found; each != nullptr && !status.ok(); each = each->ai_next) {
    socket = ::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
    if (socket < 0) {
      status = absl::UnavailableError(std::strerror(errno));
      continue;
    }
    status = BindAndListen(socket, *each, backlog);
    if (!status.ok()) close(socket);
    if (absl::IsAlreadyExists(status)) break;  // "localhost" must not move to its other address
  }
  freeaddrinfo(found);
  if (status.ok()) return socket;
  return absl::Status(status.code(),
                      absl::StrCat("cannot listen on ", Describe(address), ": ", status.message()));
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  const auto malformed = [&] {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not HOST:PORT"));
  };
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return malformed();
  absl::string_view host = text.substr(0, colon);
  const absl::string_view port_text = text.substr(colon + 1);
  const bool bracketed = absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]");
  if (host.empty() || (!bracketed && host.find_first_of("[]:") != host.npos)) return malformed();
  int port = 0;
  if (!std::all_of(port_text.begin(), port_text.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(port_text, &port) || port > 65535) {
    return malformed();
  }
  return ListenAddress{std::string(host), port};
}

absl::StatusOr<int> OpenListeningSocket(const ListenAddress& address, int backlog) {
  return OpenSocket(address, backlog);
}

absl::Status CheckPortIsFree(const ListenAddress& address) {
  const absl::StatusOr<int> socket = OpenSocket(address, std::nullopt);
  if (!socket.ok()) return socket.status();
  close(*socket);
  return absl::OkStatus();
}

int BoundPort(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return EndpointOf(address).port;
}

bool IsListening(int socket) {
  int listening = 0;
  socklen_t size = sizeof(listening);
  return getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

Endpoint EndpointOf(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return {text, ntohs(v4.sin_port)};
  }
  if (address.ss_family == AF_UNIX) {
    const auto& local = reinterpret_cast<const sockaddr_un&>(address);
    if (local.sun_path[0] != '\0' || local.sun_path[1] == '\0') return {"unix:", 0};
    const char* const name = &local.sun_path[1];
    return {absl::StrCat("unix:@", absl::string_view(name, strnlen(name, kAbstractNameMax))), 0};
  }
  if (address.ss_family != AF_INET6) return {};
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof(text));
  } else {
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  }
  return {text, ntohs(v6.sin6_port)};
}

bool IsLoopback(absl::string_view address) {
  return absl::StartsWith(address, "127.") || address == "::1";
}

std::string CountedAs(const std::string& address) {
  in6_addr network;
  if (inet_pton(AF_INET6, address.c_str(), &network) != 1) return address;
  std::fill(&network.s6_addr[8], &network.s6_addr[16], uint8_t{0});
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &network, text, sizeof(text));
  return text;
}

}  // namespace onhook
