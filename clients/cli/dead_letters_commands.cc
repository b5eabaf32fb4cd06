#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/administration_command.h"
#include "clients/cli/event_format.h"
#include "clients/cli/printable.h"

namespace onhook::cli {
namespace {

class List final : public AdministrationCommand {
 public:
  absl::string_view name() const override { return "dead-letters list"; }
  absl::string_view summary() const override { return "what a subscription gave up, and why"; }
  absl::string_view description() const override {
    return R"(Prints the dead letters of a subscription, oldest first: the event with the dead letter's
id, and below it when and why it was parked, with the last reason given.

Examples:
  onhook dead-letters list crm
  onhook dead-letters list crm --json | jq -r .deadLetterId

Exit codes: 0 done, also if there are none; 1 there is no such subscription; 2 wrong usage; 3 the
gateway was not reached, or failed.
)";
  }
  void Declare(Arguments& arguments) override {
    DeclareName(arguments);
    connection_.Declare(arguments);
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::ListDeadLettersRequest request;
    request.set_subscription(name_);
    bool any = false;
    do {
      v1::ListDeadLettersResponse page;
      const absl::Status status = client.Administer(&Service::ListDeadLetters, request, &page);
      if (!status.ok()) return status;
      for (const v1::DeadLetter& letter : page.dead_letters()) {
        any = true;
        const absl::Status printed = Print(connection_.Text(letter));
        if (!printed.ok()) return printed;
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    if (!any) Say(absl::StrCat(name_, " has no dead letters"));
    return absl::OkStatus();
  }
};

class Show final : public AdministrationCommand {
 public:
  Show() { where_to_look_ = "`onhook dead-letters list NAME` shows what there is"; }

  absl::string_view name() const override { return "dead-letters show"; }
  absl::string_view summary() const override { return "all that is known of one"; }
  absl::string_view description() const override {
    return R"(Prints one dead letter with its whole event. What every consumer said about the event before
is told by `onhook get CALL_SERIAL_NO`.

Examples:
  onhook dead-letters show crm ID
  onhook dead-letters show crm ID --json --show-numbers

Exit codes: 0 done; 1 there is no such subscription or dead letter; 2 wrong usage; 3 the gateway was
not reached, or failed.
)";
  }
  void Declare(Arguments& arguments) override {
    DeclareName(arguments);
    arguments.Positional("ID", "The dead letter, as `onhook dead-letters list` prints it.", &id_);
    connection_.Declare(arguments);
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::GetDeadLetterRequest request;
    request.set_subscription(name_);
    request.set_dead_letter_id(id_);
    v1::GetDeadLetterResponse response;
    const absl::Status status = client.Administer(&Service::GetDeadLetter, request, &response);
    if (!status.ok()) return status;
    const v1::DeadLetter& letter = response.dead_letter();
    const EventFormat& format = connection_.format();
    if (format.json) return Print(connection_.Text(letter));
    if (format.show_numbers) connection_.NoteMasking(letter.event());
    return Print(DeadLetterText(letter, format));
  }

 private:
  std::string id_;
};

// Redrives or discards, which ask and answer alike.
class Change : public AdministrationCommand {
 public:
  void Declare(Arguments& arguments) override {
    DeclareName(arguments);
    arguments.PositionalList("ID", "Dead letters, as `onhook dead-letters list` prints them.",
                             &ids_);
    arguments.Switch("--all", "All dead letters of the subscription.", &all_);
    connection_.DeclareServer(arguments);
  }
  absl::Status Check() override {
    if (all_ == ids_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError("give either the ids of dead letters or --all");
  }

 protected:
  template <typename Request>
  Request Selection() const {
    Request request;
    request.set_subscription(name_);
    request.set_all(all_);
    request.mutable_dead_letter_ids()->Assign(ids_.begin(), ids_.end());
    return request;
  }

  template <typename Ids>
  absl::Status Tell(int64_t done, absl::string_view what, const Ids& unknown) {
    for (const std::string& id : unknown) {
      Say(absl::StrCat("no dead letter of ", name_, " has the id ", id));
      exit_code_ = kExitNegative;
    }
    return Print(absl::StrCat(done, " dead letter(s) ", what, "\n"));
  }

  bool all_ = false;

 private:
  std::vector<std::string> ids_;
};

class Redrive final : public Change {
 public:
  absl::string_view name() const override { return "dead-letters redrive"; }
  absl::string_view summary() const override { return "delivers some, or all, again"; }
  absl::string_view description() const override {
    return R"(Takes dead letters out and delivers their events again, with attempts counted from 1: for
when the cause is mended.

Examples:
  onhook dead-letters redrive crm ID
  onhook dead-letters redrive crm --all

Exit codes: 0 done; 1 the gateway refused, or an id is unknown (the others are done); 2 wrong usage;
3 the gateway was not reached, or failed.
)";
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::RedriveDeadLettersResponse response;
    const absl::Status status = client.Administer(
        &Service::RedriveDeadLetters, Selection<v1::RedriveDeadLettersRequest>(), &response);
    if (!status.ok()) return status;
    return Tell(response.redriven(), "redriven", response.unknown_ids());
  }
};

class Discard final : public Change {
 public:
  absl::string_view name() const override { return "dead-letters discard"; }
  absl::string_view summary() const override { return "gives some, or all, up for good"; }
  absl::string_view description() const override {
    return R"(Gives dead letters up: their events do not come again to this subscription. Other
subscriptions are not concerned.

Examples:
  onhook dead-letters discard crm ID
  onhook dead-letters discard crm --all --yes

Exit codes: 0 done; 1 the gateway refused, or an id is unknown (the others are done); 2 wrong usage;
3 the gateway was not reached, or failed.
)";
  }
  void Declare(Arguments& arguments) override {
    Change::Declare(arguments);
    arguments.Switch("--yes", "Goes with --all: do it, there is no way back.", &yes_);
  }
  absl::Status Check() override {
    if (all_ && !yes_) {
      return absl::InvalidArgumentError(absl::StrCat("this gives up every dead letter of ", name_,
                                                     " for good; add --yes to do it"));
    }
    return Change::Check();
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::DiscardDeadLettersResponse response;
    const absl::Status status = client.Administer(
        &Service::DiscardDeadLetters, Selection<v1::DiscardDeadLettersRequest>(), &response);
    if (!status.ok()) return status;
    return Tell(response.discarded(), "discarded", response.unknown_ids());
  }

 private:
  bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> DeadLettersListCommand() { return std::make_unique<List>(); }
std::unique_ptr<Command> DeadLettersShowCommand() { return std::make_unique<Show>(); }
std::unique_ptr<Command> DeadLettersRedriveCommand() { return std::make_unique<Redrive>(); }
std::unique_ptr<Command> DeadLettersDiscardCommand() { return std::make_unique<Discard>(); }

}  // namespace onhook::cli
