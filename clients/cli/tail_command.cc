#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/command.h"
#include "clients/cli/connection_flags.h"
#include "clients/cli/connection_news.h"
#include "clients/cli/interruption.h"
#include "clients/cli/start_place.h"
#include "clients/cli/stop_switch.h"
#include "onhook/client.h"

namespace onhook::cli {
namespace {

class Tail final : public Command {
 public:
  absl::string_view name() const override { return "tail"; }
  absl::string_view summary() const override { return "looks on as events come, and at past ones"; }
  absl::string_view description() const override {
    return R"(Prints events in the order in which they were stored and goes on with those that come,
until Ctrl-C. It only looks on: nothing is acknowledged, nobody's subscription moves, and the
vendor's callback is not answered with success on its account. A lost connection is taken up
again behind the last event printed.

Examples:
  onhook tail                                   what comes from now on
  onhook tail --from 10m                        the last ten minutes, then what comes
  onhook tail --from 2022-02-22T10:00:00Z       since that time
  onhook tail --no-follow --json --show-numbers > events.jsonl
                                                everything kept, as JSON, then ends

Exit codes: 0 ended as asked; 1 the gateway refused; 2 wrong usage; 3 the gateway was not
reached, or failed.
)";
  }

  void Declare(Arguments& arguments) override {
    connection_.Declare(arguments);
    arguments.Text("--from", "WHERE",
                   "Where to begin: earliest, latest, a time (RFC 3339, with its zone), or an "
                   "age, for so long ago. Default: latest; with --no-follow, earliest.",
                   &from_);
    arguments.Switch("--no-follow", "Ends when what is stored now has been printed.", &no_follow_);
    arguments.List(
        "--source", "NAME",
        "Only events that came in by this source, by its name in the gateway's settings.",
        &sources_);
    arguments.Number("--count", "N", 1, INT64_MAX,
                     "Ends after N events. Default: goes on until Ctrl-C.", &count_);
  }

  absl::Status Check() override {
    if (from_.empty()) from_ = no_follow_ ? "earliest" : "latest";
    const absl::Status status = SetStart(from_, absl::Now(), options_.request);
    if (status.ok()) return status;
    return absl::InvalidArgumentError(absl::StrCat("--from ", status.message()));
  }

  ExitCode Run() override {
    Interruption interruption;
    const absl::StatusOr<client::Client> client = connection_.Connect();
    if (!client.ok()) return ReportFailure(client.status());
    interruption.OnSignal([this] { stop_.Press(); });
    options_.request.set_observe_only(true);
    options_.request.set_stop_at_end(no_follow_);
    for (const std::string& source : sources_) {
      options_.request.mutable_filter()->add_sources(source);
    }
    options_.on_opened = [this](absl::string_view) {
      news_.Opened();
      Say("looking on");
    };
    options_.on_disconnected = [this](const absl::Status& why) { news_.Lost(why); };
    const auto watcher =
        client->Watch(options_, [this](const v1::WatchedEvent& event) { return Handle(event); });
    stop_.Attach([&watcher] { watcher->RequestStop(); });
    const absl::Status status = watcher->Wait();
    stop_.Detach();
    return status.ok() ? kExitOk : ReportFailure(status);
  }

 private:
  // On the watcher's thread.
  absl::Status Handle(const v1::WatchedEvent& event) {
    if (count_ > 0 && printed_ == count_) return absl::OkStatus();
    if (absl::Status status = Print(connection_.Text(event)); !status.ok()) {
      return status;
    }
    if (++printed_ == count_) stop_.Press();
    return absl::OkStatus();
  }

  ConnectionFlags connection_;
  std::string from_;
  bool no_follow_ = false;
  std::vector<std::string> sources_;
  int64_t count_ = 0;  // 0: no end
  client::WatchOptions options_;

  StopSwitch stop_;
  ConnectionNews news_;
  int64_t printed_ = 0;  // the watcher's thread's
};

}  // namespace

std::unique_ptr<Command> TailCommand() { return std::make_unique<Tail>(); }

}  // namespace onhook::cli
