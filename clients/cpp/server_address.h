#ifndef ONHOOK_CLIENTS_CPP_SERVER_ADDRESS_H_
#define ONHOOK_CLIENTS_CPP_SERVER_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhook::client {

// Where a gateway listens: HOST:PORT or unix:/path.
struct ServerAddress {
  std::string text;  // as it was given, which gRPC understands too
  std::string unix_path;
  std::string host;  // without the brackets of an IPv6 address; empty: it is a Unix-domain socket
  std::string port;

  bool is_unix() const { return !unix_path.empty(); }
  // What is sent there never leaves this machine.
  bool is_local() const;
};

// Errors: kFailedPrecondition, reason SERVER_ADDRESS: it is neither.
absl::StatusOr<ServerAddress> ParseServerAddress(absl::string_view text);

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_SERVER_ADDRESS_H_
