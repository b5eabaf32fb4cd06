#ifndef ONHOOK_CLIENTS_CLI_ADMINISTRATION_COMMAND_H_
#define ONHOOK_CLIENTS_CLI_ADMINISTRATION_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "clients/cli/command.h"
#include "clients/cli/connection_flags.h"
#include "onhook/client.h"

namespace onhook::cli {

// A command that asks SubscriptionService, or RejectedCallbackService, something and prints the
// answer.
class AdministrationCommand : public Command {
 public:
  ExitCode Run() final {
    const absl::StatusOr<client::Client> client = connection_.Connect();
    if (!client.ok()) return ReportFailure(client.status());
    absl::Status done = Perform(*client);
    if (done.ok()) return exit_code_;
    if (done.code() == absl::StatusCode::kNotFound) {
      // Replaces the status's details too: its reason is its code, and says no more.
      done = absl::NotFoundError(absl::StrCat(done.message(), "; ", where_to_look_));
    }
    return ReportFailure(done);
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
  // What to do about a name or an id that the gateway does not know.
  absl::string_view where_to_look_ = "`onhook subscriptions list` shows what there is";
  // What to end with when Perform is OK.
  ExitCode exit_code_ = kExitOk;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_ADMINISTRATION_COMMAND_H_
