#ifndef ONHOOK_CLIENTS_CLI_CONNECTION_FLAGS_H_
#define ONHOOK_CLIENTS_CLI_CONNECTION_FLAGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/arguments.h"
#include "clients/cli/event_format.h"
#include "onhook/client.h"

namespace onhook::cli {

// The flags of every command that talks to the gateway over gRPC and prints events.
class ConnectionFlags {
 public:
  // Takes --server's default from the environment (ONHOOK_SERVER).
  ConnectionFlags();

  void Declare(Arguments& arguments);

  // A client of the gateway, which was reached just now. Blocking: up to 3 s. Errors: kUnavailable.
  absl::StatusOr<client::Client> Connect() const;

  const EventFormat& format() const { return format_; }

 private:
  std::string server_;
  EventFormat format_;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_CONNECTION_FLAGS_H_
