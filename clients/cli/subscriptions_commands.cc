#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "clients/cli/administration_command.h"
#include "clients/cli/printable.h"
#include "clients/cli/subscription_format.h"
#include "clients/cli/subscription_list.h"

namespace onhook::cli {

namespace {

class List final : public AdministrationCommand {
 public:
  absl::string_view name() const override { return "subscriptions list"; }
  absl::string_view summary() const override { return "all of them, and how they stand"; }
  absl::string_view description() const override {
    return R"(Prints a line for each subscription:
  STREAMS       consumers that are attached
  BACKLOG       events it owes, those with consumers included
  OLDEST        age of the oldest event it owes
  OUTSTANDING   events that are with consumers now
  DEAD LETTERS  events parked; `onhook dead-letters list NAME` shows them
  STATE         paused: delivers nothing until resumed; declared: belongs to the gateway's
                settings; given up: events lost to its backlog limit

Examples:
  onhook subscriptions list
  onhook subscriptions list --json | jq -r 'select(.paused) | .name'

Exit codes: 0 done; 1 the gateway refused; 2 wrong usage; 3 the gateway was not reached, or failed.
)";
  }
  void Declare(Arguments& arguments) override { connection_.DeclareWithoutNumbers(arguments); }

 protected:
  absl::Status Perform(const client::Client& client) override {
    const absl::StatusOr<std::vector<v1::Subscription>> all = ListSubscriptions(client);
    if (!all.ok()) return all.status();
    if (!connection_.format().json) {
      if (all->empty()) Say("there are none; `onhook subscriptions create NAME` makes one");
      return Print(SubscriptionTable(*all));
    }
    std::string lines;
    for (const v1::Subscription& subscription : *all) lines += JsonText(subscription);
    return Print(lines);
  }
};

class Show final : public AdministrationCommand {
 public:
  absl::string_view name() const override { return "subscriptions show"; }
  absl::string_view summary() const override { return "what one is set to, and how it stands"; }
  absl::string_view description() const override {
    return R"(Prints what the subscription is set to, defaults included, and how it stands.

Examples:
  onhook subscriptions show crm
  onhook subscriptions show crm --json | jq .stats.backlogEvents

Exit codes: 0 done; 1 there is none of this name; 2 wrong usage; 3 the gateway was not reached, or
failed.
)";
  }
  void Declare(Arguments& arguments) override {
    DeclareName(arguments);
    connection_.DeclareWithoutNumbers(arguments);
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::GetSubscriptionRequest request;
    request.set_name(name_);
    v1::GetSubscriptionResponse response;
    const absl::Status status = client.Administer(&Service::GetSubscription, request, &response);
    if (!status.ok()) return status;
    return Print(connection_.format().json ? JsonText(response.subscription())
                                           : SubscriptionText(response.subscription()));
  }
};

class Delete final : public AdministrationCommand {
 public:
  absl::string_view name() const override { return "subscriptions delete"; }
  absl::string_view summary() const override { return "forgets one, its place and dead letters"; }
  absl::string_view description() const override {
    return R"(Deletes the subscription, its place in the log and its dead letters; consumers that are
attached are told and end. The events themselves stay as long as the gateway keeps them: a new
subscription can begin with them. One declared in the gateway's settings is deleted there.

Examples:
  onhook subscriptions delete crm --yes

Exit codes: 0 done; 1 the gateway refused, or there is none of this name; 2 wrong usage; 3 the
gateway was not reached, or failed.
)";
  }
  void Declare(Arguments& arguments) override {
    DeclareName(arguments);
    arguments.Switch("--yes", "Do it: there is no way back.", &yes_);
    connection_.DeclareServer(arguments);
  }
  absl::Status Check() override {
    if (yes_) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "this forgets the place and the dead letters of ", name_, " for good; add --yes to do it"));
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::DeleteSubscriptionRequest request;
    request.set_name(name_);
    v1::DeleteSubscriptionResponse response;
    const absl::Status status = client.Administer(&Service::DeleteSubscription, request, &response);
    return status.ok() ? Print(absl::StrCat(Printable(name_), " is deleted\n")) : status;
  }

 private:
  bool yes_ = false;
};

class Pause final : public AdministrationCommand {
 public:
  absl::string_view name() const override { return "subscriptions pause"; }
  absl::string_view summary() const override { return "stops its deliveries until resumed"; }
  absl::string_view description() const override {
    return R"(Stops new deliveries; what is with consumers can still be settled, and their streams stay.
Events are stored and kept for it as ever.

Examples:
  onhook subscriptions pause crm

Exit codes: 0 done; 1 there is none of this name; 2 wrong usage; 3 the gateway was not reached, or
failed.
)";
  }
  void Declare(Arguments& arguments) override {
    DeclareName(arguments);
    connection_.DeclareServer(arguments);
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::PauseSubscriptionRequest request;
    request.set_name(name_);
    v1::PauseSubscriptionResponse response;
    const absl::Status status = client.Administer(&Service::PauseSubscription, request, &response);
    if (!status.ok()) return status;
    return Print(absl::StrCat(Printable(name_), " is paused; `onhook subscriptions resume ",
                              Printable(name_), "` lets it go on\n"));
  }
};

class Resume final : public AdministrationCommand {
 public:
  absl::string_view name() const override { return "subscriptions resume"; }
  absl::string_view summary() const override { return "goes on after a pause"; }
  absl::string_view description() const override {
    return R"(Delivers again after a pause, beginning with what is owed.

Examples:
  onhook subscriptions resume crm

Exit codes: 0 done; 1 there is none of this name; 2 wrong usage; 3 the gateway was not reached, or
failed.
)";
  }
  void Declare(Arguments& arguments) override {
    DeclareName(arguments);
    connection_.DeclareServer(arguments);
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::ResumeSubscriptionRequest request;
    request.set_name(name_);
    v1::ResumeSubscriptionResponse response;
    const absl::Status status = client.Administer(&Service::ResumeSubscription, request, &response);
    return status.ok() ? Print(absl::StrCat(Printable(name_), " goes on\n")) : status;
  }
};

}  // namespace

std::unique_ptr<Command> SubscriptionsListCommand() { return std::make_unique<List>(); }
std::unique_ptr<Command> SubscriptionsShowCommand() { return std::make_unique<Show>(); }
std::unique_ptr<Command> SubscriptionsDeleteCommand() { return std::make_unique<Delete>(); }
std::unique_ptr<Command> SubscriptionsPauseCommand() { return std::make_unique<Pause>(); }
std::unique_ptr<Command> SubscriptionsResumeCommand() { return std::make_unique<Resume>(); }

}  // namespace onhook::cli
