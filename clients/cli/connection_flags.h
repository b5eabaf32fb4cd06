#ifndef ONHOOK_CLIENTS_CLI_CONNECTION_FLAGS_H_
#define ONHOOK_CLIENTS_CLI_CONNECTION_FLAGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/arguments.h"
#include "clients/cli/event_format.h"
#include "onhook/client.h"

namespace onhook::cli {

// The flags of every command that talks to the gateway over gRPC.
class ConnectionFlags {
 public:
  // Takes --server's default from the environment (ONHOOK_SERVER).
  ConnectionFlags();

  // Of a command that prints events: --server, --json, --show-numbers.
  void Declare(Arguments& arguments);
  // Of one that prints something else of the API, which holds no telephone numbers: --server,
  // --json.
  void DeclareWithoutNumbers(Arguments& arguments);
  // Of one that prints nothing of the API: --server.
  void DeclareServer(Arguments& arguments);

  // A client of the gateway, which was reached just now. Blocking: up to 3 s. Errors: kUnavailable.
  absl::StatusOr<client::Client> Connect() const;

  const EventFormat& format() const { return format_; }

 private:
  std::string server_;
  bool prints_numbers_ = false;
  EventFormat format_;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_CONNECTION_FLAGS_H_
