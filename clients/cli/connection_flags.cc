#include "clients/cli/connection_flags.h"

#include <cstdlib>

#include "clients/cli/command.h"

namespace onhook::cli {
namespace {

// Long enough for a connection across the world, short enough for somebody who waits.
constexpr absl::Duration kConnectTimeout = absl::Seconds(3);
// Likewise: that the gateway is back is seen soon.
constexpr absl::Duration kLongestBackoff = absl::Seconds(2);

}  // namespace

ConnectionFlags::ConnectionFlags() {
  const char* const from_environment = std::getenv("ONHOOK_SERVER");
  server_ = from_environment == nullptr || *from_environment == '\0' ? "127.0.0.1:50051"
                                                                     : from_environment;
}

void ConnectionFlags::DeclareServer(Arguments& arguments) {
  arguments.Text("--server", "HOST:PORT",
                 "The gateway's gRPC address, or unix:PATH for a Unix-domain socket; or set "
                 "ONHOOK_SERVER.",
                 &server_);
  security_.Declare(arguments);
}

void ConnectionFlags::DeclareWithoutNumbers(Arguments& arguments) {
  DeclareServer(arguments);
  arguments.Switch("--json",
                   "One JSON object a line: the whole message of the API, in protobuf's JSON "
                   "mapping.",
                   &format_.json);
}

void ConnectionFlags::Declare(Arguments& arguments) {
  prints_numbers_ = true;
  DeclareServer(arguments);
  arguments.Switch("--json",
                   "One JSON object a line: the whole message of the API, in protobuf's JSON "
                   "mapping. While numbers are masked, each object has the extra member "
                   "\"masked\":true; programs want --show-numbers as well.",
                   &format_.json);
  arguments.Switch("--show-numbers",
                   "Prints telephone numbers, callData, the recording's path and extra fields as "
                   "they are. Without it they are masked, in text and in JSON.",
                   &format_.show_numbers);
}

absl::StatusOr<client::Client> ConnectionFlags::Connect() const {
  if (prints_numbers_ && format_.json && !format_.show_numbers) {
    Say("numbers are masked; --show-numbers prints them");
  }
  client::ClientOptions options;
  options.server = server_;
  options.security = security_.options();
  options.reconnect.maximum = kLongestBackoff;
  client::Client client(options);
  const absl::Status status = client.WaitUntilConnected(kConnectTimeout);
  if (!status.ok()) return status;
  return client;
}

void ConnectionFlags::NoteMasking(const v1::ReleaseEvent& event) {
  if (!event.masked() || masking_noted_.exchange(true)) return;
  Say("the gateway masks numbers for this caller: its identity lacks the permission see_numbers");
}

}  // namespace onhook::cli
