#ifndef ONHOOK_GATEWAY_HTTP_LISTENING_SOCKET_H_
#define ONHOOK_GATEWAY_HTTP_LISTENING_SOCKET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhook {

// HOST and PORT of a setting.
struct ListenAddress {
  std::string host;
  int port;
};

// "HOST:PORT" or "[HOST]:PORT". kInvalidArgument: anything else.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

// Opens a listening TCP socket, which the caller owns. Unlike httplib's own it does not set
// SO_REUSEPORT, by which two gateways would share a port without a word. Blocks to resolve a name.
// kAlreadyExists: another socket has the port. kUnavailable: anything else the system says.
absl::StatusOr<int> OpenListeningSocket(const ListenAddress& address, int backlog);

// The port that `socket` is bound to.
int BoundPort(int socket);

// Whether `socket` still listens.
bool IsListening(int socket);

// The address at the other end of `socket`, without its port and in its usual text form; empty
// if there is nobody any more. An IPv4 peer of an IPv6 socket is shown as IPv4.
std::string PeerAddress(int socket);

// Whether `peer`, a PeerAddress(), is this machine.
bool IsLoopback(absl::string_view peer);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_LISTENING_SOCKET_H_
