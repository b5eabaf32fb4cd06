#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "clients/cli/command.h"
#include "clients/cli/connection_flags.h"
#include "clients/cli/connection_news.h"
#include "clients/cli/interruption.h"
#include "clients/cli/printable.h"
#include "clients/cli/subscription_list.h"
#include "clients/cli/subscription_watch.h"

namespace onhook::cli {
namespace {

// Faster than this nobody reads, and each refresh asks the gateway for every subscription.
constexpr absl::Duration kShortestInterval = absl::Milliseconds(100);
constexpr int kUsualTerminalLines = 24;
// For a connection, so that Ctrl-C is obeyed soon.
constexpr absl::Duration kLongestWait = absl::Seconds(1);

int TerminalLines() {
  winsize size = {};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
  return known ? size.ws_row : kUsualTerminalLines;
}

class Watch final : public Command {
 public:
  absl::string_view name() const override { return "subscriptions watch"; }
  absl::string_view summary() const override { return "a live table of all of them"; }
  absl::string_view description() const override {
    return R"(Shows how every subscription stands and how fast it gets on, anew each --interval, until
Ctrl-C. On a terminal the table is redrawn in place; elsewhere each refresh is a block of lines
with its time. Beside the columns of `onhook subscriptions list`:
  SETTLED/S     events settled per second since the refresh before; - if there is none to compare
  REDELIVERIES  deliveries beyond an event's first, since the gateway started

With --json each refresh prints one object for each subscription: "time", "settledPerSecond" and
"subscription", the API's message.

Examples:
  onhook subscriptions watch
  onhook subscriptions watch --interval 5s
  onhook subscriptions watch --count 2 --json | jq -c '[.subscription.name, .settledPerSecond]'

Exit codes: 0 ended as asked; 1 the gateway refused; 2 wrong usage; 3 the gateway was not reached,
or failed at the last refresh.
)";
  }

  void Declare(Arguments& arguments) override {
    arguments.Duration("--interval", "The time between two refreshes, from 100ms. Default: 1s.",
                       &interval_);
    arguments.Number("--count", "N", 1, INT64_MAX,
                     "Ends after N refreshes. Default: goes on until Ctrl-C.", &count_);
    connection_.DeclareWithoutNumbers(arguments);
  }

  absl::Status Check() override {
    if (interval_.value_or(kShortestInterval) >= kShortestInterval) return absl::OkStatus();
    return absl::InvalidArgumentError("--interval must be 100ms or longer");
  }

  ExitCode Run() override {
    Interruption interruption;
    const absl::StatusOr<client::Client> client = connection_.Connect();
    if (!client.ok()) return ReportFailure(client.status());
    interruption.OnSignal([this] { stop_.Notify(); });
    const absl::Duration interval = interval_.value_or(absl::Seconds(1));
    for (int64_t refresh = 1;; ++refresh) {
      const auto subscriptions = ListSubscriptions(*client);
      // What fails at once will go on failing; what fails later may be a restart of the gateway.
      if (!subscriptions.ok() && refresh == 1) return ReportFailure(subscriptions.status());
      const absl::Status shown = Show(subscriptions, absl::Now());
      if (!shown.ok()) return ReportFailure(shown);
      if (refresh == count_) return subscriptions.ok() ? kExitOk : kExitFailed;
      // gRPC notices at once that the gateway is back only while somebody waits for it.
      if (!subscriptions.ok()) (void)client->WaitUntilConnected(std::min(interval, kLongestWait));
      if (stop_.WaitForNotificationWithTimeout(interval)) return kExitOk;
    }
  }

 private:
  absl::Status Show(const absl::StatusOr<std::vector<v1::Subscription>>& subscriptions,
                    absl::Time now) {
    if (!subscriptions.ok()) {
      meter_.Forget();
      if (OnTerminal()) {
        return Draw(absl::StrCat("the gateway gave no answer, trying again: ",
                                 Printable(subscriptions.status().message()), "\n"));
      }
      news_.Lost(subscriptions.status());
      return absl::OkStatus();
    }
    news_.Opened();
    const std::vector<WatchedSubscription> watched = meter_.Look(*subscriptions, now);
    if (connection_.format().json) {
      std::string lines;
      for (const WatchedSubscription& one : watched) lines += WatchJson(one, now);
      return Print(lines);
    }
    const std::string block =
        absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone()), "\n",
                     watched.empty() ? "there are no subscriptions\n" : WatchTable(watched));
    return OnTerminal() ? Draw(block) : Print(absl::StrCat(block, "\n"));
  }

  bool OnTerminal() const { return !connection_.format().json && isatty(STDOUT_FILENO) == 1; }

  absl::Status Draw(absl::string_view text) {
    constexpr char kClearScreen[] = "\x1b[2J";
    const absl::string_view first = std::exchange(drawn_, true) ? "" : kClearScreen;
    return Print(absl::StrCat(first, Redrawn(text, TerminalLines())));
  }

  ConnectionFlags connection_;
  std::optional<absl::Duration> interval_;
  int64_t count_ = 0;  // 0: no end

  SettleMeter meter_;
  ConnectionNews news_;
  bool drawn_ = false;
  absl::Notification stop_;
};

}  // namespace

std::unique_ptr<Command> SubscriptionsWatchCommand() { return std::make_unique<Watch>(); }

}  // namespace onhook::cli
