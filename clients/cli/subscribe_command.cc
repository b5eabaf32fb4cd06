#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/connection_flags.h"
#include "clients/cli/interruption.h"
#include "clients/cli/output.h"
#include "onhook/client.h"

namespace onhook::cli {
namespace {

using client::Settlement;

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

class Subscribe final : public Command {
 public:
  absl::string_view name() const override { return "subscribe"; }
  absl::string_view summary() const override {
    return "receives the events of a durable subscription and acknowledges them";
  }
  absl::string_view description() const override {
    return R"(Receives every event that the subscription NAME still owes and every one that comes,
prints it and only then acknowledges it. The gateway keeps the place: what was not
acknowledged comes again, also after a crash, also to another program that subscribes to
the same name. A subscription that does not exist is created and begins with the oldest
event kept.

Ctrl-C ends it: no further event is printed, acknowledgements are sent and confirmed. A lost
connection is taken up again for as long as it takes.

Careful: events that are acknowledged here are gone for whoever else uses this name. To look
on without taking anything away, use `onhook tail`.

Examples:
  onhook subscribe crm                     as the subscription "crm", until Ctrl-C
  onhook subscribe crm --count 1 --json    takes one event, as JSON
  onhook subscribe drain --quiet           acknowledges without printing

Exit codes: 0 ended as asked, every acknowledgement confirmed; 1 the gateway refused;
2 wrong usage; 3 the gateway was not reached, or acknowledgements were not confirmed.
)";
  }

  void Declare(Arguments& arguments) override {
    arguments.Positional("NAME", "Name of the subscription: a-z 0-9 - _ . up to 63 characters.",
                         &name_);
    connection_.Declare(arguments);
    arguments.Switch("--quiet", "Prints no events; acknowledges them all the same.", &quiet_);
    arguments.Number("--count", "N", 1, INT64_MAX,
                     "Ends after N events. Default: goes on until Ctrl-C.", &count_);
    arguments.Number("--max-outstanding", "N", 1, 1'000'000,
                     "The most events to be sent ahead. Default: the gateway's, 1,000.",
                     &max_outstanding_);
  }

  ExitCode Run() override {
    Interruption interruption;
    const absl::StatusOr<client::Client> client = connection_.Connect();
    if (!client.ok()) return ReportFailure(client.status());
    // Created only if it is missing: one that exists is taken as it is, whatever its settings.
    absl::Status status = Receive(*client, false);
    if (status.code() == absl::StatusCode::kNotFound && !opened_) status = Receive(*client, true);
    if (!output_.ok()) return ReportFailure(output_);
    if (!status.ok()) return ReportFailure(status);
    Say(absl::StrCat(handled_.load(), " event(s), ", confirmed_.load(),
                     " acknowledgement(s) confirmed"));
    return kExitOk;
  }

 private:
  absl::Status Receive(const client::Client& client, bool create) {
    // Handlers may run before Subscribe has returned.
    Interruption interruption;
    client::SubscribeOptions options;
    options.subscription = name_;
    options.consumer_name = HostName();
    if (create) options.create_if_missing.emplace();
    if (max_outstanding_ > 0) {
      options.max_outstanding_events = static_cast<int32_t>(max_outstanding_);
    }
    return absl::OkStatus();
  }

  std::string name_;
};

}  // namespace

}  // namespace onhook::cli
