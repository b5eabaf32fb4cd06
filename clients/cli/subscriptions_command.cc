#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/command.h"
#include "clients/cli/connection_flags.h"
#include "google/protobuf/util/json_util.h"
#include "onhook/client.h"

namespace onhook::cli {
namespace {

using Service = v1::SubscriptionService::StubInterface;

class Subscriptions final : public Command {
 public:
  absl::string_view name() const override { return "subscriptions"; }
  absl::string_view summary() const override { return "lists and changes durable subscriptions"; }
  absl::string_view description() const override {
    return R"(ACTION is one of:
  list      every subscription: streams, backlog, age of the oldest unacked event, dead letters
  create    makes --name; --start says where it begins
  delete    deletes --name with its position and dead letters; asks for --yes
  seek      moves --name to either end of the log (--to) or behind a cursor (--after): what lies
            between is passed over, or comes again
  pause     stops deliveries of --name; resume goes on
  resume

Subscriptions declared in the gateway's settings are changed there.

Examples:
  onhook subscriptions list
  onhook subscriptions create --name crm --start latest
  onhook subscriptions seek --name crm --to earliest

Exit codes: 0 done; 1 the gateway refused; 2 wrong usage; 3 the gateway was not reached, or failed.
)";
  }

  void Declare(Arguments& arguments) override {
    arguments.Positional("ACTION", "list, create, delete, seek, pause or resume.", &action_);
    arguments.Text("--name", "NAME", "The subscription.", &name_);
    arguments.Choice("--start", {"earliest", "latest"}, "create: where it begins.", &start_);
    arguments.Choice("--to", {"", "earliest", "latest"}, "seek: to this end of the log.", &to_);
    arguments.Text("--after", "CURSOR", "seek: behind the event with this cursor.", &after_);
    arguments.Switch("--yes", "delete: do it.", &yes_);
    connection_.Declare(arguments);
  }

  absl::Status Check() override {
    if (Actions().count(action_) == 0) {
      return absl::InvalidArgumentError(
          "ACTION must be list, create, delete, seek, pause or resume");
    }
    if (action_ != "list" && name_.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(action_, " needs --name"));
    }
    if (action_ == "delete" && !yes_) {
      return absl::InvalidArgumentError("delete forgets its position and dead letters: add --yes");
    }
    if (action_ == "seek" && to_.empty() == after_.empty()) {
      return absl::InvalidArgumentError("seek needs either --to or --after");
    }
    return absl::OkStatus();
  }

  ExitCode Run() override {
    const absl::StatusOr<client::Client> client = connection_.Connect();
    if (!client.ok()) return ReportFailure(client.status());
    const absl::Status done = (this->*Actions().at(action_))(*client);
    return done.ok() ? kExitOk : ReportFailure(done);
  }

 private:
  using Action = absl::Status (Subscriptions::*)(const client::Client&);
  static const std::map<std::string, Action>& Actions() {
    static const auto* const actions = new std::map<std::string, Action>{
        {"list", &Subscriptions::List},     {"create", &Subscriptions::Create},
        {"delete", &Subscriptions::Delete}, {"seek", &Subscriptions::Seek},
        {"pause", &Subscriptions::Pause},   {"resume", &Subscriptions::Resume}};
    return *actions;
  }

  static std::string Row(const v1::Subscription& subscription) {
    const v1::SubscriptionStats& stats = subscription.stats();
    const std::string age = stats.has_oldest_unsettled_age()
                                ? absl::StrCat(stats.oldest_unsettled_age().seconds(), "s")
                                : "-";
    return absl::StrFormat(
        "%-24s %7d %10d %10s %11d %12d  %s%s\n", subscription.name(), stats.connected_streams(),
        stats.backlog_events(), age, stats.outstanding_events(), stats.dead_letters(),
        subscription.paused() ? "paused" : "active", subscription.declared() ? ", declared" : "");
  }
  absl::Status List(const client::Client& client) {
    v1::ListSubscriptionsRequest request;
    std::string table =
        absl::StrFormat("%-24s %7s %10s %10s %11s %12s  %s\n", "NAME", "STREAMS", "BACKLOG",
                        "OLDEST", "OUTSTANDING", "DEAD LETTERS", "STATE");
    do {
      v1::ListSubscriptionsResponse page;
      absl::Status status = client.Administer(&Service::ListSubscriptions, request, &page);
      if (!status.ok()) return status;
      for (const v1::Subscription& subscription : page.subscriptions()) {
        std::string line;
        if (connection_.format().json) {
          // Its only failure is a message without a descriptor.
          (void)google::protobuf::util::MessageToJsonString(subscription, &line);
          line += "\n";
        } else {
          line = Row(subscription);
        }
        absl::StrAppend(&table, line);
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    if (connection_.format().json) table.erase(0, table.find('\n') + 1);
    return Print(table);
  }
  absl::Status Create(const client::Client& client) {
    v1::CreateSubscriptionRequest request;
    request.set_name(name_);
    if (start_ == "latest") request.mutable_spec()->set_start_position(v1::START_POSITION_LATEST);
    v1::CreateSubscriptionResponse response;
    return client.Administer(&Service::CreateSubscription, request, &response);
  }
  absl::Status Delete(const client::Client& client) {
    v1::DeleteSubscriptionRequest request;
    request.set_name(name_);
    v1::DeleteSubscriptionResponse response;
    return client.Administer(&Service::DeleteSubscription, request, &response);
  }
  absl::Status Seek(const client::Client& client) {
    v1::SeekRequest request;
    request.set_name(name_);
    if (!after_.empty()) {
      request.set_after_cursor(after_);
    } else {
      request.set_position(to_ == "latest" ? v1::START_POSITION_LATEST
                                           : v1::START_POSITION_EARLIEST);
    }
    v1::SeekResponse response;
    absl::Status status = client.Administer(&Service::Seek, request, &response);
    if (!status.ok()) return status;
    return Print(absl::StrCat(name_, " owes ", response.backlog_events(), " events now\n"));
  }
  absl::Status Pause(const client::Client& client) {
    v1::PauseSubscriptionRequest request;
    request.set_name(name_);
    v1::PauseSubscriptionResponse response;
    return client.Administer(&Service::PauseSubscription, request, &response);
  }
  absl::Status Resume(const client::Client& client) {
    v1::ResumeSubscriptionRequest request;
    request.set_name(name_);
    v1::ResumeSubscriptionResponse response;
    return client.Administer(&Service::ResumeSubscription, request, &response);
  }

  ConnectionFlags connection_;
  std::string action_;
  std::string name_;
  std::string start_ = "earliest";
  std::string to_;
  std::string after_;
  bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> SubscriptionsCommand() { return std::make_unique<Subscriptions>(); }

}  // namespace onhook::cli
