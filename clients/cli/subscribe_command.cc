#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "clients/cli/command.h"
#include "clients/cli/connection_flags.h"
#include "clients/cli/connection_news.h"
#include "clients/cli/event_command.h"
#include "clients/cli/interruption.h"
#include "clients/cli/stop_switch.h"
#include "onhook/client.h"

namespace onhook::cli {
namespace {

using client::Settlement;

constexpr int64_t kMostParallel = 1000;

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

// What the gateway has confirmed.
struct Confirmed {
  std::atomic<int64_t> acks{0};
  std::atomic<int64_t> retries{0};
  std::atomic<int64_t> parks{0};
};

class Subscribe final : public Command {
 public:
  absl::string_view name() const override { return "subscribe"; }
  absl::string_view summary() const override {
    return "receives the events of a durable subscription and acknowledges them";
  }
  absl::string_view description() const override {
    return R"(Receives every event that the subscription NAME still owes and every one that comes,
prints it, or runs a command for it, and only then acknowledges it. The gateway keeps the place:
what was not acknowledged comes again, also after a crash, also to another program that
subscribes to the same name. A subscription that does not exist is created, which is said, and
begins with the oldest event kept: if you mistyped the name, `onhook subscriptions delete` it.

With --exec CMD, /bin/sh -c CMD is run for each event. It finds the Delivery on its standard input,
one line of JSON with every number as it is, and ONHOOK_EVENT_ID, ONHOOK_DELIVERY_ID,
ONHOOK_ATTEMPT and ONHOOK_SUBSCRIPTION in its environment; what it prints is printed. The same
event may come again: ONHOOK_EVENT_ID tells. How it ends decides:
  exit code 0         acknowledges
  exit code 65        parks: straight to the dead letters, this event will never do
  any other, signal   not now: comes again after the subscription's backoff, which counts as an
                      attempt; the exit code or the signal is the reason that `onhook get` shows
While a command runs its event is nobody else's, for up to an hour; a command that takes longer may
see its event given to another consumer as well. A second command for the same event is not started
here while the first runs. If onhook itself is killed (kill -9), its commands run on while their
events are delivered again.

Ctrl-C ends it: no further event is taken, those that wait are given back at once (which counts as
no attempt), running commands are let finish, acknowledgements are confirmed. A second Ctrl-C ends
at once. A lost connection is taken up again for as long as it takes.

Careful: events that are acknowledged here are gone for whoever else uses this name. To look
on without taking anything away, use `onhook tail`.

Examples:
  onhook subscribe crm                     as the subscription "crm", until Ctrl-C
  onhook subscribe crm --count 1 --json    takes one event, as JSON
  onhook subscribe drain --quiet           acknowledges without printing
  onhook subscribe crm --exec ./to-crm --parallel 4
  onhook subscribe crm --exec 'jq -c .event >> events.jsonl'

Exit codes: 0 ended as asked, every acknowledgement confirmed; 1 the gateway refused, or the
subscription was deleted; 2 wrong usage; 3 the gateway was not reached, or acknowledgements were
not confirmed; 130 ended by a second Ctrl-C.
)";
  }

  void Declare(Arguments& arguments) override {
    arguments.Positional("NAME", "Name of the subscription: a-z 0-9 - _ . up to 63 characters.",
                         &name_);
    connection_.Declare(arguments);
    arguments.Switch("--quiet",
                     "Prints no events; acknowledges them all the same. With --exec: says nothing "
                     "of commands that fail.",
                     &quiet_);
    arguments.Number("--count", "N", 1, INT64_MAX,
                     "Ends after N events. Default: goes on until Ctrl-C.", &count_);
    arguments.Text("--exec", "CMD", "Runs this for each event instead of printing it; see above.",
                   &exec_);
    arguments.Number("--parallel", "N", 1, kMostParallel,
                     "With --exec: the most commands that run at once.", &parallel_);
    arguments.Number("--max-outstanding", "N", 1, 1'000'000,
                     "The most events to be held here at once. Default: the gateway's, 1,000; with "
                     "--exec as many as run, so that none waits here that others could take.",
                     &max_outstanding_);
    arguments.Duration(
        "--ack-deadline",
        "After so long without a sign of life from here an event is given to another consumer if "
        "there is one: 1s to 10m. Default: as the subscription is set.",
        &ack_deadline_);
    arguments.Text("--consumer-name", "NAME",
                   "Names this consumer in `onhook get` and in dead letters.", &consumer_name_);
  }

  absl::Status Check() override {
    if (exec_.empty() && parallel_ != 1) {
      return absl::InvalidArgumentError("--parallel goes with --exec");
    }
    if (!exec_.empty() && (connection_.format().json || connection_.format().show_numbers)) {
      return absl::InvalidArgumentError(
          "--exec prints no events: its command gets them as JSON with every number; leave --json "
          "and --show-numbers out");
    }
    return absl::OkStatus();
  }

  ExitCode Run() override {
    Interruption interruption;
    const absl::StatusOr<client::Client> client = connection_.Connect();
    if (!client.ok()) return ReportFailure(client.status());
    if (!exec_.empty()) {
      // Ignored by whoever started this, it would hide how commands end.
      std::signal(SIGCHLD, SIG_DFL);
      command_.emplace(exec_, name_);
    }
    interruption.OnSignal([this] { Stop(); }, [this] { Abandon(); });
    // Created only if it is missing: one that exists is taken as it is, whatever it is set to.
    absl::Status status = Receive(*client, std::nullopt);
    if (status.code() == absl::StatusCode::kNotFound && !opened_) {
      status = Receive(*client, v1::SubscriptionSpec());
    }
    return Conclude(status);
  }

 private:
  // On the signals' thread, as Abandon.
  void Stop() {
    TellWaiting("ending: ", " to finish; Ctrl-C again ends them and this at once");
    stop_.Press();
  }

  void Abandon() {
    abandoned_ = true;
    if (!command_.has_value()) return;
    if (const size_t running = command_->running(); running > 0) {
      Say(absl::StrCat("ending ", running, " command(s)"));
    }
    command_->Terminate();
  }

  // The subscription is gone, for one, while commands may run.
  void Ending(const absl::Status& why) {
    if (why.code() != absl::StatusCode::kNotFound || !opened_) return;
    TellWaiting(absl::StrCat("subscription ", name_, " was deleted: "),
                " to finish, which cannot be acknowledged any more");
  }

  // From now on each command that ends says how many are left.
  void TellWaiting(absl::string_view why, absl::string_view what_then) {
    const size_t running = command_.has_value() ? command_->running() : 0;
    if (running == 0) return;
    {
      absl::MutexLock lock(&mutex_);
      waited_for_ = running;
    }
    Say(absl::StrCat(why, "waiting for ", running, " command(s)", what_then));
  }

  void TellFewerWaiting() {
    const size_t running = command_->running();
    {
      absl::MutexLock lock(&mutex_);
      if (running == 0 || running >= waited_for_) return;
      waited_for_ = running;
    }
    Say(absl::StrCat("waiting for ", running, " command(s)"));
  }

  ExitCode Conclude(const absl::Status& status) {
    const absl::Status printed = printed_status();
    if (!printed.ok()) return ReportFailure(printed);
    const bool deleted = status.code() == absl::StatusCode::kNotFound && opened_;
    if (!status.ok() && !deleted) return ReportFailure(status);
    if (deleted) {
      Say(absl::StrCat(
          "subscription ", name_,
          " was deleted: nothing more comes. `onhook subscribe` once more begins a new "
          "one, with the oldest event kept"));
      if (const int64_t lost = acknowledged_ - confirmed_.acks; lost > 0) {
        Say(absl::StrCat(lost, " acknowledgement(s) of finished work were lost with it"));
      }
    }
    const int64_t handled = count_ == 0 ? taken_.load() : std::min(taken_.load(), count_);
    std::string summary = absl::StrCat(handled, " event(s), ", confirmed_.acks.load(),
                                       " acknowledgement(s) confirmed");
    if (command_.has_value()) {
      absl::StrAppend(&summary, ", ", confirmed_.retries.load(), " given back, ",
                      confirmed_.parks.load(), " parked");
    }
    Say(summary);
    return deleted ? kExitNegative : kExitOk;
  }

  client::SubscribeOptions Options(std::optional<v1::SubscriptionSpec> create) {
    client::SubscribeOptions options;
    options.subscription = name_;
    options.consumer_name = consumer_name_;
    options.create_if_missing = std::move(create);
    options.ack_deadline = ack_deadline_;
    options.handler_threads = static_cast<int>(parallel_);
    const int64_t outstanding =
        max_outstanding_ == 0 && command_.has_value() ? parallel_ : max_outstanding_;
    if (outstanding > 0) options.max_outstanding_events = static_cast<int32_t>(outstanding);
    options.stop_grace = absl::InfiniteDuration();  // a second Ctrl-C ends it
    const bool creates = options.create_if_missing.has_value();
    options.on_opened = [this, creates](const v1::SubscribeOpened& opened) {
      const bool is_first = !opened_.exchange(true);
      news_.Opened();
      Say(absl::StrCat("subscription ", name_, is_first && creates ? ": created, " : ": attached, ",
                       opened.backlog_events(), " event(s) owed"));
    };
    options.on_disconnected = [this](const absl::Status& why) { news_.Lost(why); };
    options.on_ending = [this](const absl::Status& why) { Ending(why); };
    options.on_settled = [this](const client::Settled& settled) { Count(settled); };
    return options;
  }

  absl::Status Receive(const client::Client& client, std::optional<v1::SubscriptionSpec> create) {
    // No event is handled before the switch reaches the subscriber, and none after that was
    // stopped.
    absl::Notification attached;
    const auto subscriber = client.Subscribe(Options(std::move(create)),
                                             [this, &attached](const v1::Delivery& delivery) {
                                               attached.WaitForNotification();
                                               return Handle(delivery);
                                             });
    stop_.Attach([&subscriber] { subscriber->RequestStop(); });
    attached.Notify();
    absl::Status status = subscriber->Wait();
    stop_.Detach();
    return status;
  }

  void Count(const client::Settled& settled) {
    if (!settled.status.ok()) return;
    switch (settled.settlement.action) {
      case Settlement::Action::kAck:
        ++confirmed_.acks;
        break;
      case Settlement::Action::kRetry:
        ++confirmed_.retries;
        break;
      case Settlement::Action::kPark:
        ++confirmed_.parks;
        break;
      default:
        break;
    }
  }

  // On a handler thread of the subscriber.
  Settlement Handle(const v1::Delivery& delivery) {
    const int64_t taken = ++taken_;
    // Another handler has the last one.
    if (count_ > 0 && taken > count_) return Settlement::Release("the consumer stops");
    Settlement settlement = command_.has_value() ? Execute(delivery) : PrintOut(delivery);
    if (settlement.action == Settlement::Action::kAck) ++acknowledged_;
    if (taken == count_) stop_.Press();
    return settlement;
  }

  Settlement PrintOut(const v1::Delivery& delivery) {
    if (quiet_) return Settlement::Ack();
    const absl::Status printed = Print(connection_.Text(delivery));
    if (printed.ok()) return Settlement::Ack();
    {
      absl::MutexLock lock(&mutex_);
      printed_ = printed;
    }
    stop_.Press();
    return Settlement::Release("the consumer cannot print");
  }

  Settlement Execute(const v1::Delivery& delivery) {
    connection_.NoteMasking(delivery.event());  // of which a command gets all that there is
    Settlement settlement = command_->Run(delivery);
    // How a command ends that was not let finish means nothing.
    if (abandoned_) return Settlement::Leave();
    TellFewerWaiting();
    if (settlement.action != Settlement::Action::kAck && !quiet_) {
      Say(absl::StrCat("call ", delivery.event().call_serial_no(), ", attempt ", delivery.attempt(),
                       ": ", settlement.reason,
                       settlement.action == Settlement::Action::kPark
                           ? "; parked"
                           : "; given back, comes again unless this was its last attempt"));
    }
    return settlement;
  }

  absl::Status printed_status() {
    absl::MutexLock lock(&mutex_);
    return printed_;
  }

  ConnectionFlags connection_;
  std::string name_;
  bool quiet_ = false;
  int64_t count_ = 0;  // 0: no end
  std::string exec_;
  int64_t parallel_ = 1;
  int64_t max_outstanding_ = 0;  // 0: not given
  std::optional<absl::Duration> ack_deadline_;
  std::string consumer_name_ = HostName();

  StopSwitch stop_;
  ConnectionNews news_;
  std::optional<EventCommand> command_;  // set before any thread looks
  std::atomic<bool> opened_{false};
  std::atomic<bool> abandoned_{false};
  std::atomic<int64_t> taken_{0};
  std::atomic<int64_t> acknowledged_{0};  // by what handled them; confirmed or not
  Confirmed confirmed_;
  absl::Mutex mutex_;
  absl::Status printed_ ABSL_GUARDED_BY(mutex_);
  // Commands that the user was last told of as being waited for; 0: of none.
  size_t waited_for_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

std::unique_ptr<Command> SubscribeCommand() { return std::make_unique<Subscribe>(); }

}  // namespace onhook::cli
