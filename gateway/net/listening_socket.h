#ifndef ONHOOK_GATEWAY_NET_LISTENING_SOCKET_H_
#define ONHOOK_GATEWAY_NET_LISTENING_SOCKET_H_

#include <sys/socket.h>

#include <string>

#include "absl/status/status.h"
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

// Whether OpenListeningSocket would get the port; says why not as it does. Nothing ever listens
// there meanwhile, so nobody can connect. Another socket may take the port right after.
absl::Status CheckPortIsFree(const ListenAddress& address);

// One end of a connection. The address is in its usual text form, without a port; IPv4 within
// IPv6 is shown as IPv4. Of a Unix-domain socket it is "unix:", and the name if that is of the
// abstract kind, after an "@".
struct Endpoint {
  std::string address;
  int port = 0;

  bool operator==(const Endpoint& other) const {
    return address == other.address && port == other.port;
  }
};

// Of an address that the system gave, with zeros behind it; empty if it is of no kind named above.
Endpoint EndpointOf(const sockaddr_storage& address);

// The port that `socket` is bound to.
int BoundPort(int socket);

// Whether `socket` still listens.
bool IsListening(int socket);

// Whether `address`, an Endpoint's, is this machine.
bool IsLoopback(absl::string_view address);

// Under which name the connections of `address`, an Endpoint's, are counted: of IPv6 that is its
// /64 network, since one subscriber usually has all of that.
std::string CountedAs(const std::string& address);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_NET_LISTENING_SOCKET_H_
