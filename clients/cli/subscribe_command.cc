#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "clients/cli/command.h"
#include "clients/cli/connection_flags.h"
#include "clients/cli/interruption.h"
#include "clients/cli/stop_switch.h"
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
    interruption.OnSignal([this] { stop_.Press(); });
    // Created only if it is missing: one that exists is taken as it is, whatever it is set to.
    absl::Status status = Receive(*client, std::nullopt);
    if (status.code() == absl::StatusCode::kNotFound && !opened_) {
      status = Receive(*client, v1::SubscriptionSpec());
    }
    if (!printed_.ok()) return ReportFailure(printed_);
    if (!status.ok()) return ReportFailure(status);
    Say(absl::StrCat(handled_, " event(s), ", confirmed_.load(), " acknowledgement(s) confirmed"));
    return kExitOk;
  }

 private:
  absl::Status Receive(const client::Client& client, std::optional<v1::SubscriptionSpec> create) {
    client::SubscribeOptions options;
    options.subscription = name_;
    options.consumer_name = HostName();
    options.create_if_missing = std::move(create);
    if (max_outstanding_ > 0) {
      options.max_outstanding_events = static_cast<int32_t>(max_outstanding_);
    }
    options.on_opened = [this](const v1::SubscribeOpened& opened) {
      opened_ = true;
      Say(absl::StrCat("subscription ", name_, ": attached, ", opened.backlog_events(),
                       " event(s) owed"));
    };
    options.on_disconnected = [](const absl::Status& why) {
      Say(absl::StrCat("connection lost, trying again: ", why.message()));
    };
    options.on_settled = [this](const client::Settled& settled) {
      if (settled.status.ok() && settled.settlement.action == Settlement::Action::kAck) {
        ++confirmed_;
      }
    };
    // No event is handled before the switch reaches the subscriber, and none after that was
    // stopped.
    absl::Notification attached;
    const auto subscriber =
        client.Subscribe(std::move(options), [this, &attached](const v1::Delivery& delivery) {
          attached.WaitForNotification();
          return Handle(delivery);
        });
    stop_.Attach([&subscriber] { subscriber->RequestStop(); });
    attached.Notify();
    absl::Status status = subscriber->Wait();
    stop_.Detach();
    return status;
  }

  // On the subscriber's one handler thread; never again once the switch is pressed.
  Settlement Handle(const v1::Delivery& delivery) {
    if (!quiet_) printed_ = Print(Format(delivery, connection_.format()));
    if (!printed_.ok()) {
      stop_.Press();
      return Settlement::Leave();
    }
    if (++handled_ == count_) stop_.Press();
    return Settlement::Ack();
  }

  ConnectionFlags connection_;
  std::string name_;
  bool quiet_ = false;
  int64_t count_ = 0;            // 0: no end
  int64_t max_outstanding_ = 0;  // 0: the gateway's default

  StopSwitch stop_;
  std::atomic<bool> opened_{false};
  std::atomic<int64_t> confirmed_{0};
  // The handler thread's; the main thread looks when that has ended.
  int64_t handled_ = 0;
  absl::Status printed_;
};

}  // namespace

std::unique_ptr<Command> SubscribeCommand() { return std::make_unique<Subscribe>(); }

}  // namespace onhook::cli
