#ifndef ONHOOK_CLIENTS_CLI_ADMINISTRATION_COMMAND_H_
#define ONHOOK_CLIENTS_CLI_ADMINISTRATION_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "clients/cli/command.h"
#include "clients/cli/connection_flags.h"
#include "onhook/client.h"

namespace onhook::cli {

// A command that asks SubscriptionService something and prints the answer.
class AdministrationCommand : public Command {
 public:
  ExitCode Run() final {
    const absl::StatusOr<client::Client> client = connection_.Connect();
    if (!client.ok()) return ReportFailure(client.status());
    const absl::Status done = Perform(*client);
    return done.ok() ? exit_code_ : ReportFailure(done);
  }

 protected:
  using Service = v1::SubscriptionService::StubInterface;

  // Once, with a connection that holds. An error is reported to the user.
  virtual absl::Status Perform(const client::Client& client) = 0;

  // The first argument: which subscription.
  void DeclareName(Arguments& arguments) {
    arguments.Positional("NAME", "The subscription.", &name_);
  }

  ConnectionFlags connection_;
  std::string name_;
  // What to end with when Perform is OK.
  ExitCode exit_code_ = kExitOk;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_ADMINISTRATION_COMMAND_H_
