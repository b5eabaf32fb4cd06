#include "clients/cli/connection_flags.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"

namespace onhook::cli {
namespace {

// Long enough for a connection across the world, short enough for somebody who waits.
constexpr absl::Duration kConnectTimeout = absl::Seconds(3);

}  // namespace

ConnectionFlags::ConnectionFlags() {
  const char* const from_environment = std::getenv("ONHOOK_SERVER");
  server_ = from_environment == nullptr || *from_environment == '\0' ? "127.0.0.1:50051"
                                                                     : from_environment;
}

void ConnectionFlags::Declare(Arguments& arguments) {
  arguments.Text("--server", "HOST:PORT",
                 "The gateway's gRPC address; the environment variable ONHOOK_SERVER sets it too.",
                 &server_);
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
  if (format_.json && !format_.show_numbers) {
    Say("numbers are masked; --show-numbers prints them");
  }
  client::ClientOptions options;
  options.server = server_;
  client::Client client(options);
  if (absl::Status status = client.WaitUntilConnected(kConnectTimeout); !status.ok()) return status;
  return client;
}

}  // namespace onhook::cli
