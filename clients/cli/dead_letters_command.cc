#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/connection_flags.h"
#include "clients/cli/printable.h"
#include "onhook/client.h"

namespace onhook::cli {
namespace {

using Service = v1::SubscriptionService::StubInterface;

class DeadLetters final : public Command {
 public:
  absl::string_view name() const override { return "dead-letters"; }
  absl::string_view summary() const override { return "lists, redrives and discards dead letters"; }
  absl::string_view description() const override {
    return R"(Dead letters are events that a subscription gave up: parked by a consumer, or after
their attempts and their retry time were used up. ACTION is one of:
  list      prints each with its id, why it is here, and the last reason given
  redrive   delivers those of --id again, or all with --all
  discard   gives those of --id up, or all with --all

Examples:
  onhook dead-letters list crm
  onhook dead-letters redrive crm --all

Exit codes: 0 done; 1 the gateway refused, or an id is unknown; 2 wrong usage; 3 the gateway was not
reached, or failed.
)";
  }

  void Declare(Arguments& arguments) override {
    arguments.Positional("ACTION", "list, redrive or discard.", &action_);
    arguments.Positional("NAME", "The subscription.", &name_);
    arguments.List("--id", "ID", "A dead letter, as list prints it.", &ids_);
    arguments.Switch("--all", "All dead letters of the subscription.", &all_);
    connection_.Declare(arguments);
  }

  absl::Status Check() override {
    if (action_ == "list") return absl::OkStatus();
    if (action_ != "redrive" && action_ != "discard") {
      return absl::InvalidArgumentError("ACTION must be list, redrive or discard");
    }
    if (all_ != ids_.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(action_, " needs either --id or --all"));
    }
    return absl::OkStatus();
  }

  ExitCode Run() override {
    const absl::StatusOr<client::Client> client = connection_.Connect();
    if (!client.ok()) return ReportFailure(client.status());
    if (action_ == "list") return List(*client);
    if (action_ == "redrive") {
      v1::RedriveDeadLettersResponse response;
      const absl::Status status = client->Administer(
          &Service::RedriveDeadLetters, Selection<v1::RedriveDeadLettersRequest>(), &response);
      return Told(status, response.redriven(), "redriven", response.unknown_ids_size());
    }
    v1::DiscardDeadLettersResponse response;
    const absl::Status status = client->Administer(
        &Service::DiscardDeadLetters, Selection<v1::DiscardDeadLettersRequest>(), &response);
    return Told(status, response.discarded(), "discarded", response.unknown_ids_size());
  }

 private:
  template <typename Request>
  Request Selection() const {
    Request request;
    request.set_subscription(name_);
    request.set_all(all_);
    for (const std::string& id : ids_) request.add_dead_letter_ids(id);
    return request;
  }

  static ExitCode Told(const absl::Status& status, int64_t done, absl::string_view what,
                       int unknown) {
    if (!status.ok()) return ReportFailure(status);
    const absl::Status printed = Print(absl::StrCat(done, " ", what, "\n"));
    if (!printed.ok()) return ReportFailure(printed);
    if (unknown == 0) return kExitOk;
    Say(absl::StrCat(unknown, " of the ids are unknown"));
    return kExitNegative;
  }

  ExitCode List(const client::Client& client) {
    v1::ListDeadLettersRequest request;
    request.set_subscription(name_);
    do {
      v1::ListDeadLettersResponse page;
      absl::Status status = client.Administer(&Service::ListDeadLetters, request, &page);
      for (const v1::DeadLetter& letter : page.dead_letters()) {
        if (status.ok()) status = Print(Lines(letter));
      }
      if (!status.ok()) return ReportFailure(status);
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return kExitOk;
  }

  std::string Lines(const v1::DeadLetter& letter) const {
    const std::string event =
        letter.has_event() ? EventLine(letter.event(), connection_.format()) : "(unreadable)";
    return absl::StrCat(letter.dead_letter_id(), "  ", event, "\n  ",
                        v1::DeadLetter::Reason_Name(letter.reason()), " after ", letter.attempts(),
                        " attempts; ", Printable(letter.detail()), "\n");
  }

  ConnectionFlags connection_;
  std::string action_;
  std::string name_;
  std::vector<std::string> ids_;
  bool all_ = false;
};

}  // namespace

std::unique_ptr<Command> DeadLettersCommand() { return std::make_unique<DeadLetters>(); }

}  // namespace onhook::cli
