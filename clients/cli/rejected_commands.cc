#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/administration_command.h"
#include "clients/cli/printable.h"
#include "clients/cli/subscription_format.h"
#include "clients/cli/time_text.h"

namespace onhook::cli {
namespace {

using Rejected = v1::RejectedCallbackService::StubInterface;

std::string ReasonText(v1::RejectedCallback::Reason reason) {
  switch (reason) {
    case v1::RejectedCallback::REASON_MALFORMED:
      return "malformed";
    case v1::RejectedCallback::REASON_INVALID_FIELD:
      return "invalid field";
    case v1::RejectedCallback::REASON_SIGNATURE:
      return "signature";
    case v1::RejectedCallback::REASON_REPLAY_WINDOW:
      return "replay window";
    case v1::RejectedCallback::REASON_NONCE_REUSED:
      return "nonce reused";
    default:
      return absl::StrCat("reason ", static_cast<int>(reason));
  }
}

// "REASON: DETAIL", or the reason alone.
std::string WhyText(v1::RejectedCallback::Reason reason, const std::string& detail) {
  if (detail.empty()) return ReasonText(reason);
  if (reason == v1::RejectedCallback::REASON_UNSPECIFIED) return Printable(detail);
  return absl::StrCat(ReasonText(reason), ": ", Printable(detail));
}

class RejectedCommand : public AdministrationCommand {
 protected:
  RejectedCommand() { where_to_look_ = "`onhook rejected list` shows what there is"; }
};

class List final : public RejectedCommand {
 public:
  absl::string_view name() const override { return "rejected list"; }
  absl::string_view summary() const override { return "what was refused and kept, and why"; }
  absl::string_view description() const override {
    return R"(Prints the callbacks in the quarantine, oldest first: id, time of receipt, source, size of the
body, and why it was refused. Nothing of a body is printed.

Examples:
  onhook rejected list
  onhook rejected list --source sales
  onhook rejected list --json | jq -r 'select(.reason == "REASON_SIGNATURE").rejectedCallbackId'

Exit codes: 0 done, also if there are none; 1 the gateway refused; 2 wrong usage; 3 the gateway was
not reached, or failed.
)";
  }
  void Declare(Arguments& arguments) override {
    arguments.Text("--source", "NAME", "Only those that came in by this source.", &source_);
    connection_.DeclareWithoutNumbers(arguments);
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::ListRejectedCallbacksRequest request;
    request.set_source(source_);
    bool any = false;
    do {
      v1::ListRejectedCallbacksResponse page;
      const absl::Status status =
          client.Administer(&Rejected::ListRejectedCallbacks, request, &page);
      if (!status.ok()) return status;
      for (const v1::RejectedCallback& rejected : page.rejected_callbacks()) {
        any = true;
        const absl::Status printed =
            Print(connection_.format().json ? JsonText(rejected) : Line(rejected));
        if (!printed.ok()) return printed;
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    if (!any) Say("there are no rejected callbacks");
    return absl::OkStatus();
  }

 private:
  static std::string Line(const v1::RejectedCallback& rejected) {
    return absl::StrFormat("%s  %s  %s  %d B  %s\n", Printable(rejected.rejected_callback_id()),
                           TimeText(rejected.received_at()), Printable(rejected.source()),
                           rejected.body_bytes(), WhyText(rejected.reason(), rejected.detail()));
  }

  std::string source_;
};

class Show final : public RejectedCommand {
 public:
  absl::string_view name() const override { return "rejected show"; }
  absl::string_view summary() const override { return "all that is known of one, or its body"; }
  absl::string_view description() const override {
    return R"(Prints what is known of one rejected callback, but for its body: that cannot be masked, since
what could not be read as a callback has no fields to mask. --raw prints the body, and nothing else.

Examples:
  onhook rejected show ID
  onhook rejected show ID --raw > body.json     telephone numbers and all: mind where it goes
  onhook send --file body.json                  posts it once more

Exit codes: 0 done; 1 there is no such rejected callback; 2 wrong usage; 3 the gateway was not
reached, or failed.
)";
  }
  void Declare(Arguments& arguments) override {
    arguments.Positional("ID", "The callback, as `onhook rejected list` prints it.", &id_);
    arguments.Switch("--raw",
                     "Prints the body byte for byte; on a terminal, escaped. It holds personal "
                     "data: telephone numbers, the recording's path, callData.",
                     &raw_);
    connection_.DeclareWithoutNumbers(arguments);
  }
  absl::Status Check() override {
    if (raw_ && connection_.format().json) {
      return absl::InvalidArgumentError("--raw and --json exclude each other");
    }
    return absl::OkStatus();
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    v1::GetRejectedCallbackRequest request;
    request.set_rejected_callback_id(id_);
    v1::GetRejectedCallbackResponse response;
    const absl::Status status =
        client.Administer(&Rejected::GetRejectedCallback, request, &response);
    if (!status.ok()) return status;
    if (raw_) {
      const bool on_terminal = isatty(STDOUT_FILENO) == 1;
      return Print(on_terminal ? absl::StrCat(Printable(response.raw_body()), "\n")
                               : response.raw_body());
    }
    const v1::RejectedCallback& rejected = response.rejected_callback();
    return Print(connection_.format().json ? JsonText(rejected) : Text(rejected));
  }

 private:
  static std::string Text(const v1::RejectedCallback& rejected) {
    std::string text =
        absl::StrCat("rejected callback ", Printable(rejected.rejected_callback_id()), "\n");
    const auto add = [&text](absl::string_view what, absl::string_view value) {
      absl::StrAppendFormat(&text, "  %-12s %s\n", what, value.empty() ? "-" : value);
    };
    add("why", ReasonText(rejected.reason()));
    add("detail", Printable(rejected.detail()));
    add("received", TimeText(rejected.received_at()));
    add("source", Printable(rejected.source()));
    add("content type", Printable(rejected.content_type()));
    add("body", absl::StrCat(rejected.body_bytes(), " B; --raw prints it"));
    return text;
  }

  std::string id_;
  bool raw_ = false;
};

// Reparses or discards, which are asked alike.
class Change : public RejectedCommand {
 public:
  void Declare(Arguments& arguments) override {
    arguments.PositionalList("ID", "Callbacks, as `onhook rejected list` prints them.", &ids_);
    arguments.Switch("--all", "All that exist now.", &all_);
    connection_.DeclareServer(arguments);
  }
  absl::Status Check() override {
    if (all_ == ids_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError("give either the ids of rejected callbacks or --all");
  }

 protected:
  template <typename Request>
  Request Selection() const {
    Request request;
    request.set_all(all_);
    request.mutable_rejected_callback_ids()->Assign(ids_.begin(), ids_.end());
    return request;
  }

  template <typename Ids>
  void SayUnknown(const Ids& unknown) {
    for (const std::string& id : unknown) {
      Say(absl::StrCat("no rejected callback has the id ", id));
      exit_code_ = kExitNegative;
    }
  }

  bool all_ = false;

 private:
  std::vector<std::string> ids_;
};

class Reparse final : public Change {
 public:
  absl::string_view name() const override { return "rejected reparse"; }
  absl::string_view summary() const override { return "judges some, or all, again"; }
  absl::string_view description() const override {
    return R"(Judges rejected callbacks again, by the gateway's settings of now: for when a key was not yet
known, or a mistake is mended. What passes becomes an event, which every subscription gets, and
leaves the quarantine; the rest stays. Only the replay window does not count: a callback's time is
over by then. To do it twice does no harm, the same callback gives the same event.

Prints a line for each: "event EVENT_ID", or "refused ID" and why.

Examples:
  onhook rejected reparse ID
  onhook rejected reparse --all

Exit codes: 0 all became events; 1 one was refused again, an id is unknown, or the gateway refused
(the others are done); 2 wrong usage; 3 the gateway was not reached, or failed: what is printed is
done, and the rest can be asked for again.
)";
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    auto request = Selection<v1::ReparseRejectedCallbacksRequest>();
    int64_t events = 0;
    int64_t refused = 0;
    bool more = true;
    while (more) {
      v1::ReparseRejectedCallbacksResponse response;
      const absl::Status status =
          client.Administer(&Rejected::ReparseRejectedCallbacks, request, &response);
      if (!status.ok()) return status;
      if (const absl::Status printed = Print(Lines(response)); !printed.ok()) return printed;
      SayUnknown(response.unknown_ids());
      events += response.event_ids_size();
      refused += response.refusals_size();
      *request.mutable_rejected_callback_ids() = response.unjudged_ids();
      request.set_page_token(response.next_page_token());
      more = all_ ? !request.page_token().empty() : !request.rejected_callback_ids().empty();
    }
    if (refused > 0) exit_code_ = kExitNegative;
    return Print(absl::StrCat(events, " became event(s), ", refused, " refused again\n"));
  }

 private:
  static std::string Lines(const v1::ReparseRejectedCallbacksResponse& response) {
    std::string lines;
    for (const std::string& id : response.event_ids()) {
      absl::StrAppend(&lines, "event ", Printable(id), "\n");
    }
    for (const auto& refusal : response.refusals()) {
      absl::StrAppend(&lines, "refused ", Printable(refusal.rejected_callback_id()), "  ",
                      WhyText(refusal.reason(), refusal.detail()), "\n");
    }
    return lines;
  }
};

class Discard final : public Change {
 public:
  absl::string_view name() const override { return "rejected discard"; }
  absl::string_view summary() const override { return "gives some, or all, up for good"; }
  absl::string_view description() const override {
    return R"(Gives rejected callbacks up. If one of them was a true hang-up, this copy was all there is of it.

Examples:
  onhook rejected discard ID
  onhook rejected discard --all --yes

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
      return absl::InvalidArgumentError(
          "this gives up every rejected callback for good; add --yes to do it");
    }
    return Change::Check();
  }

 protected:
  absl::Status Perform(const client::Client& client) override {
    auto request = Selection<v1::DiscardRejectedCallbacksRequest>();
    int64_t discarded = 0;
    do {
      v1::DiscardRejectedCallbacksResponse response;
      const absl::Status status =
          client.Administer(&Rejected::DiscardRejectedCallbacks, request, &response);
      if (!status.ok()) {
        if (discarded > 0) Say(absl::StrCat(discarded, " are discarded so far"));
        return status;
      }
      SayUnknown(response.unknown_ids());
      discarded += response.discarded();
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return Print(absl::StrCat(discarded, " rejected callback(s) discarded\n"));
  }

 private:
  bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> RejectedListCommand() { return std::make_unique<List>(); }
std::unique_ptr<Command> RejectedShowCommand() { return std::make_unique<Show>(); }
std::unique_ptr<Command> RejectedReparseCommand() { return std::make_unique<Reparse>(); }
std::unique_ptr<Command> RejectedDiscardCommand() { return std::make_unique<Discard>(); }

}  // namespace onhook::cli
