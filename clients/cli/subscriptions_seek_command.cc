#include <google/protobuf/util/time_util.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/administration_command.h"
#include "clients/cli/printable.h"
#include "clients/cli/start_place.h"

namespace onhook::cli {
namespace {

using ::google::protobuf::util::TimeUtil;

class Seek final : public AdministrationCommand {
 public:
  absl::string_view name() const override { return "subscriptions seek"; }
  absl::string_view summary() const override { return "moves one to another place in the log"; }
  absl::string_view description() const override {
    return R"(Moves the subscription: what lies behind the new place comes (again), what lies before it
is passed over: those events do not come to it any more, so --yes is asked for when the subscription
owes any. Deliveries that are under way no longer count; dead letters stay.

Examples:
  onhook subscriptions seek crm --to earliest            everything kept, again
  onhook subscriptions seek crm --to latest --yes        passes over the backlog
  onhook subscriptions seek crm --time 2h                what arrived in the last two hours, again
  onhook subscriptions seek crm --time 2022-02-22T10:00:00Z
  onhook subscriptions seek crm --after CURSOR           behind the event with this cursor, as
                                                         `onhook get` and `tail --json` print it

Exit codes: 0 done; 1 the gateway refused, or does not keep that place any more; 2 wrong usage; 3
the gateway was not reached, or failed.
)";
  }
  void Declare(Arguments& arguments) override {
    DeclareName(arguments);
    arguments.Choice("--to", {"earliest", "latest"}, "To this end of the log.", &to_);
    arguments.Text("--after", "CURSOR", "Behind the event with this cursor.", &after_);
    arguments.Text("--time", "WHEN",
                   "To the first event received at or after a time (RFC 3339, with its zone), or "
                   "an age, for so long ago.",
                   &time_);
    arguments.Switch("--yes", "Do it though owed events are, or with --after may be, passed over.",
                     &yes_);
    connection_.DeclareServer(arguments);
  }
  absl::Status Check() override {
    if (!to_.empty() + !after_.empty() + !time_.empty() != 1) {
      return absl::InvalidArgumentError("seek needs one of --to, --after and --time");
    }
    request_.set_name(name_);
    if (!to_.empty()) {
      request_.set_position(to_ == "latest" ? v1::START_POSITION_LATEST
                                            : v1::START_POSITION_EARLIEST);
    } else if (!after_.empty()) {
      request_.set_after_cursor(after_);
    } else {
      const auto moment = ParseMoment(time_, absl::Now());
      if (!moment.ok()) {
        return absl::InvalidArgumentError(absl::StrCat("--time ", moment.status().message()));
      }
      *request_.mutable_time() = *moment;
    }
    return absl::OkStatus();
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::GetSubscriptionRequest get;
    get.set_name(name_);
    v1::GetSubscriptionResponse before;
    absl::Status status = client.Administer(&Service::GetSubscription, get, &before);
    if (!status.ok()) return status;
    const v1::SubscriptionStats& stats = before.subscription().stats();
    if (!yes_ && MayPassOver(stats)) {
      Say(absl::StrCat(name_, " owes ", stats.backlog_events(),
                       " event(s) and would not get those before the new place any more; add --yes "
                       "to do it"));
      exit_code_ = kExitUsage;
      return absl::OkStatus();
    }
    v1::SeekResponse response;
    status = client.Administer(&Service::Seek, request_, &response);
    if (!status.ok()) return status;
    const int64_t passed_over = stats.backlog_events() - response.backlog_events();
    return Print(absl::StrCat(
        Printable(name_), passed_over > 0 ? absl::StrCat(" passed over ", passed_over, ",") : "",
        " owes ", response.backlog_events(), " event(s) now, those behind cursor ",
        Printable(response.cursor()), "\n"));
  }

 private:
  // Whether the new place may lie behind an event that is owed now. Cursors cannot be compared.
  bool MayPassOver(const v1::SubscriptionStats& stats) const {
    if (stats.backlog_events() == 0) return false;
    switch (request_.target_case()) {
      case v1::SeekRequest::kPosition:
        return request_.position() == v1::START_POSITION_LATEST;
      case v1::SeekRequest::kAfterCursor:
        return request_.after_cursor() != stats.settled_cursor();
      case v1::SeekRequest::kTime:
        return !stats.has_oldest_unsettled_age() ||
               request_.time() > TimeUtil::GetCurrentTime() - stats.oldest_unsettled_age();
      case v1::SeekRequest::TARGET_NOT_SET:  // Check sees to it
        break;
    }
    return true;
  }

  std::string to_;
  std::string after_;
  std::string time_;
  bool yes_ = false;
  v1::SeekRequest request_;
};

}  // namespace

std::unique_ptr<Command> SubscriptionsSeekCommand() { return std::make_unique<Seek>(); }

}  // namespace onhook::cli
