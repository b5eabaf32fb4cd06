#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "clients/cli/administration_command.h"
#include "clients/cli/subscription_flags.h"
#include "clients/cli/subscription_format.h"

namespace onhook::cli {
namespace {

class Create final : public AdministrationCommand {
 public:
  absl::string_view name() const override { return "subscriptions create"; }
  absl::string_view summary() const override { return "makes a new one"; }
  absl::string_view description() const override {
    return R"(Makes a subscription and prints what it is set to. From then on the gateway keeps for it
whatever it owes, whether anybody is attached or not.

Examples:
  onhook subscriptions create crm                        everything kept, and what comes
  onhook subscriptions create crm --start latest --ack-deadline 2m
  onhook subscriptions create ended --release-reason-code 0 --release-reason-code 1
                                                         hang-ups with one of these reasons only
  onhook subscriptions create audit --max-delivery-attempts unlimited
  onhook subscriptions create preview --backlog-limit-age 7d --expire-after-unused 1d

Exit codes: 0 done; 1 the gateway refused, or the name is taken; 2 wrong usage; 3 the gateway was
not reached, or failed.
)";
  }
  void Declare(Arguments& arguments) override {
    arguments.Positional("NAME", "Its name: a-z 0-9 - _ . up to 63 characters.", &name_);
    flags_.DeclareForCreation(arguments);
    connection_.DeclareWithoutNumbers(arguments);
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::CreateSubscriptionRequest request;
    request.set_name(name_);
    *request.mutable_spec() = flags_.Spec();
    v1::CreateSubscriptionResponse response;
    const absl::Status status = client.Administer(&Service::CreateSubscription, request, &response);
    if (!status.ok()) return status;
    return Print(connection_.format().json ? JsonText(response.subscription())
                                           : SubscriptionText(response.subscription()));
  }

 private:
  SubscriptionFlags flags_;
};

class Update final : public AdministrationCommand {
 public:
  absl::string_view name() const override { return "subscriptions update"; }
  absl::string_view summary() const override { return "changes what one is set to"; }
  absl::string_view description() const override {
    return R"(Changes what is given and nothing else, and prints what holds then. The place of the
subscription stays (`onhook subscriptions seek` moves it), and consumers stay attached. A list
of filters replaces the list of its kind. One declared in the gateway's settings is changed there.

Examples:
  onhook subscriptions update crm --ack-deadline 1m --max-delivery-attempts 5
  onhook subscriptions update crm --service-no 8001 --service-no 8002
  onhook subscriptions update crm --unset ack_deadline --unset filter

Exit codes: 0 done; 1 the gateway refused, or there is none of this name; 2 wrong usage; 3 the
gateway was not reached, or failed.
)";
  }
  void Declare(Arguments& arguments) override {
    DeclareName(arguments);
    flags_.DeclareForUpdate(arguments);
    connection_.DeclareWithoutNumbers(arguments);
  }
  absl::Status Check() override {
    if (flags_.Mask().paths().empty()) {
      return absl::InvalidArgumentError("nothing to change: give a value, or --unset FIELD");
    }
    return flags_.Check();
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::UpdateSubscriptionRequest request;
    request.set_name(name_);
    *request.mutable_spec() = flags_.Spec();
    *request.mutable_update_mask() = flags_.Mask();
    v1::UpdateSubscriptionResponse response;
    const absl::Status status = client.Administer(&Service::UpdateSubscription, request, &response);
    if (!status.ok()) return status;
    return Print(connection_.format().json ? JsonText(response.subscription())
                                           : SubscriptionText(response.subscription()));
  }

 private:
  SubscriptionFlags flags_;
};

}  // namespace

std::unique_ptr<Command> SubscriptionsCreateCommand() { return std::make_unique<Create>(); }
std::unique_ptr<Command> SubscriptionsUpdateCommand() { return std::make_unique<Update>(); }

}  // namespace onhook::cli
