#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/connection_flags.h"
#include "onhook/client.h"

namespace onhook::cli {
namespace {

// Of every event_id; a call's number begins with a digit.
constexpr absl::string_view kEventIdPrefix = "v1-";

class Get final : public Command {
 public:
  absl::string_view name() const override { return "get"; }
  absl::string_view summary() const override {
    return "what became of one call's hang-up, or of one event, and who handled it";
  }
  absl::string_view description() const override {
    return R"(Answers: did we get the hang-up of this call, when, and who handled it? Prints every
event of the call, oldest first: what it says, when it was received and stored, and for each
subscription where it stands, as in "crm: acked by pod-1 at 2022-02-22T10:04:37.002Z", and how it
came there: delivered to whom and when, given back and why, parked, redriven. That a delivery was
made is known since its start to the gateway that made it only, so in a fleet ask each one; how it
ended is kept as long as the event, and every gateway knows it.

Instead of the call an event_id may be given (v1-..., as ONHOOK_EVENT_ID, a dead letter and the
gateway's log have it): then it is about this one event.

A vendor that repeats itself makes no second event; one that sends other content for the same call
does, and then there are several.

Examples:
  onhook get 1197765398201387012
  onhook get "$ONHOOK_EVENT_ID"
  onhook get 1197765398201387012 --show-numbers
  onhook get 1197765398201387012 --json --show-numbers | jq .event.releaseTime

Exit codes: 0 found; 1 no such event is kept, or the gateway refused; 2 wrong usage;
3 the gateway was not reached, or failed.
)";
  }

  void Declare(Arguments& arguments) override {
    arguments.Positional("CALL_SERIAL_NO|EVENT_ID",
                         "The call, by what createCall returned; or the event, by v1-...", &which_);
    connection_.Declare(arguments);
  }

  absl::Status Check() override {
    if (which_.empty()) return absl::InvalidArgumentError("CALL_SERIAL_NO is empty");
    return absl::OkStatus();
  }

  ExitCode Run() override {
    const absl::StatusOr<client::Client> client = connection_.Connect();
    if (!client.ok()) return ReportFailure(client.status());
    return absl::StartsWith(which_, kEventIdPrefix) ? PrintEvent(*client) : PrintCall(*client);
  }

 private:
  ExitCode PrintEvent(const client::Client& client) {
    const absl::StatusOr<v1::StoredEvent> event = client.GetEvent(which_);
    if (event.status().code() == absl::StatusCode::kNotFound) {
      Say(absl::StrCat("no event ", which_, " is kept"));
      return kExitNegative;
    }
    if (!event.ok()) return ReportFailure(event.status());
    const absl::Status printed = Print(connection_.Text(*event));
    return printed.ok() ? kExitOk : ReportFailure(printed);
  }

  ExitCode PrintCall(const client::Client& client) {
    v1::ListEventsRequest request;
    request.set_call_serial_no(which_);
    bool found = false;
    int64_t corrupt = 0;
    do {
      const absl::StatusOr<v1::ListEventsResponse> page = client.ListEvents(request);
      if (!page.ok()) return ReportFailure(page.status());
      for (const v1::StoredEvent& event : page->stored_events()) {
        found = true;
        if (const absl::Status status = Print(connection_.Text(event)); !status.ok()) {
          return ReportFailure(status);
        }
      }
      corrupt += page->corrupt_events();
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    if (corrupt > 0) {
      Say(absl::StrCat(corrupt, corrupt == 1 ? " event" : " events", " of call ", which_,
                       " can be told no more, being damaged: ask the vendor for the call again"));
    }
    if (found) return kExitOk;
    if (corrupt == 0) Say(absl::StrCat("no event of call ", which_, " is kept"));
    return kExitNegative;
  }

  ConnectionFlags connection_;
  std::string which_;
};

}  // namespace

std::unique_ptr<Command> GetCommand() { return std::make_unique<Get>(); }

}  // namespace onhook::cli
