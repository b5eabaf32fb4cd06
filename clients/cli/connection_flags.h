#ifndef ONHOOK_CLIENTS_CLI_CONNECTION_FLAGS_H_
#define ONHOOK_CLIENTS_CLI_CONNECTION_FLAGS_H_

#include <atomic>
#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/arguments.h"
#include "clients/cli/event_format.h"
#include "clients/cli/security_flags.h"
#include "onhook/client.h"

namespace onhook::cli {

// The flags of every command that talks to the gateway over gRPC.
class ConnectionFlags {
 public:
  // Takes defaults from the environment: ONHOOK_SERVER, and those of SecurityFlags.
  ConnectionFlags();

  // Of a command that prints events: --server and those of SecurityFlags, --json, --show-numbers.
  void Declare(Arguments& arguments);
  // Of one that prints something else of the API, which holds no telephone numbers: the same
  // without --show-numbers.
  void DeclareWithoutNumbers(Arguments& arguments);
  // Of one that prints nothing of the API: --server and those of SecurityFlags.
  void DeclareServer(Arguments& arguments);

  // A client of the gateway, which was reached just now. Blocking: up to 5 s. Errors: as Client's
  // WaitUntilConnected, with Advice for each.
  absl::StatusOr<client::Client> Connect() const;

  const EventFormat& format() const { return format_; }
  const std::string& server() const { return server_; }
  const client::SecurityOptions& security() const { return security_.options(); }

  // Format(message, format()) of what holds an event. Also says, once and on standard error, when
  // numbers were asked for and the gateway has masked them: nothing here can unmask them. Threads:
  // any.
  template <typename Message>
  std::string Text(const Message& message) {
    if (format_.show_numbers) NoteMasking(message.event());
    return Format(message, format_);
  }
  // Says so, if it is the first event that the gateway has masked.
  void NoteMasking(const v1::ReleaseEvent& event);

 private:
  std::string server_;
  SecurityFlags security_;
  bool prints_numbers_ = false;
  EventFormat format_;
  std::atomic<bool> masking_noted_{false};
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_CONNECTION_FLAGS_H_
