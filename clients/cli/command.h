#ifndef ONHOOK_CLIENTS_CLI_COMMAND_H_
#define ONHOOK_CLIENTS_CLI_COMMAND_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "clients/cli/arguments.h"

namespace onhook::cli {

// How the program ends. Documented in its help: scripts rely on it.
enum ExitCode : int {
  kExitOk = 0,
  kExitNegative = 1,  // asked and answered, but the answer is no
  kExitUsage = 2,     // the command line is wrong
  kExitFailed = 3,    // the server was not reached, or failed
};

// One command of the program, `onhook NAME`.
//
// Threads: Run is called once, on the main thread. Blocking: for as long as the command takes.
class Command {
 public:
  virtual ~Command() = default;

  // One word, or two of which the first is a group's: "subscriptions list".
  virtual absl::string_view name() const = 0;
  // Half a line for the list of commands.
  virtual absl::string_view summary() const = 0;
  // Paragraphs of the help, wrapped by hand, ending with examples.
  virtual absl::string_view description() const = 0;
  // Declares what Run will find in its members.
  virtual void Declare(Arguments& arguments) = 0;
  // What Parse cannot see: combinations. kInvalidArgument is a usage error.
  virtual absl::Status Check() { return absl::OkStatus(); }
  // Does it; results on standard output, everything else on standard error.
  virtual ExitCode Run() = 0;
};

std::unique_ptr<Command> SendCommand();
std::unique_ptr<Command> TailCommand();
std::unique_ptr<Command> SubscribeCommand();
std::unique_ptr<Command> GetCommand();
std::unique_ptr<Command> DoctorCommand();
std::unique_ptr<Command> BackupCommand();
std::unique_ptr<Command> SubscriptionsListCommand();
std::unique_ptr<Command> SubscriptionsShowCommand();
std::unique_ptr<Command> SubscriptionsCreateCommand();
std::unique_ptr<Command> SubscriptionsUpdateCommand();
std::unique_ptr<Command> SubscriptionsDeleteCommand();
std::unique_ptr<Command> SubscriptionsSeekCommand();
std::unique_ptr<Command> SubscriptionsPauseCommand();
std::unique_ptr<Command> SubscriptionsResumeCommand();
std::unique_ptr<Command> SubscriptionsWatchCommand();
std::unique_ptr<Command> DeadLettersListCommand();
std::unique_ptr<Command> DeadLettersShowCommand();
std::unique_ptr<Command> DeadLettersRedriveCommand();
std::unique_ptr<Command> DeadLettersDiscardCommand();
std::unique_ptr<Command> RejectedListCommand();
std::unique_ptr<Command> RejectedShowCommand();
std::unique_ptr<Command> RejectedReparseCommand();
std::unique_ptr<Command> RejectedDiscardCommand();

// Writes `text` to standard output and flushes it. kUnavailable: it was not written whole.
absl::Status Print(absl::string_view text);

// "onhook: MESSAGE" on standard error.
void Say(absl::string_view message);

// Says what went wrong and what to do about it, and chooses the exit code for an answer of the
// gateway that is not OK.
ExitCode ReportFailure(const absl::Status& status);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_COMMAND_H_
