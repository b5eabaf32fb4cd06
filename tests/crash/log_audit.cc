#include "tests/crash/log_audit.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {

void LogAudit::EnterWatched(const v1::ReleaseEvent& event, const std::string& cursor) {
  watched_.push_back(cursor);
  const std::string& call = event.call_serial_no();
  const auto find = [&](absl::string_view what) {
    findings_.push_back(absl::StrCat("the log has ", call, what));
  };
  const int64_t number = ledger_.NumberOf(call);
  if (ledger_.content().IsWrong(call)) return find(", which is to be refused");
  if (number < 0 || !ledger_.IsOpened(number)) return find(", which nobody sent");
  const std::string difference = ledger_.content().DifferenceFromSent(event, number);
  if (!difference.empty()) find(difference);
  if (ledger_.IsAlwaysRefused(number)) find(", which was refused");
  const bool is_new = places_.emplace(number, Place{cursor, event.event_id()}).second;
  if (!is_new) find(" twice");
  for (const std::string& subscription : ledger_.Subscriptions()) {
    const std::string seen = ledger_.CursorOf(subscription, number);
    if (is_new && !seen.empty() && seen != cursor) {
      find(absl::StrCat(" in another place than ", subscription, " received it from"));
    }
  }
}

void LogAudit::EnterListed(const v1::ReleaseEvent& event, const std::string& cursor) {
  const size_t place = listed_.size();
  listed_.push_back(cursor);
  if (place < watched_.size() && watched_[place] != cursor) {
    findings_.push_back(
        absl::StrCat("ListEvents has ", event.call_serial_no(), " where Watch has another event"));
  }
}

void LogAudit::EnterFound(int64_t number, const std::vector<v1::StoredEvent>& found) {
  const auto place = places_.find(number);
  const size_t expected = place == places_.end() ? 0 : 1;
  if (found.size() != expected) {
    findings_.push_back(absl::StrCat(ledger_.CallSerialNo(number), " is found ", found.size(),
                                     " times, and is in the log ", expected, " times"));
    return;
  }
  for (const v1::StoredEvent& event : found) {
    const std::string difference = ledger_.content().DifferenceFromSent(event.event(), number);
    if (!difference.empty() || event.cursor() != place->second.cursor) {
      findings_.push_back(
          absl::StrCat(ledger_.CallSerialNo(number), " is found",
                       difference.empty() ? " in another place than the log has it" : difference));
    }
    for (const v1::SubscriptionTimeline& timeline : event.timelines()) {
      CheckTimeline(number, timeline);
    }
  }
}

void LogAudit::CheckTimeline(int64_t number, const v1::SubscriptionTimeline& timeline) {
  const std::string& subscription = timeline.subscription();
  if (!ledger_.HasSubscription(subscription)) return;
  const bool is_open = timeline.state() == v1::SubscriptionTimeline::STATE_PENDING ||
                       timeline.state() == v1::SubscriptionTimeline::STATE_DELIVERED;
  const bool is_settled = timeline.state() == v1::SubscriptionTimeline::STATE_ACKED ||
                          timeline.state() == v1::SubscriptionTimeline::STATE_SKIPPED ||
                          timeline.state() == v1::SubscriptionTimeline::STATE_PARKED;
  if ((is_open && !ledger_.IsConfirmed(subscription, number)) ||
      (is_settled && ledger_.MayBeSettled(subscription, number)) ||
      timeline.state() == v1::SubscriptionTimeline::STATE_FILTERED) {
    return;
  }
  findings_.push_back(absl::StrCat(ledger_.CallSerialNo(number), " is told to be ",
                                   v1::SubscriptionTimeline::State_Name(timeline.state()), " for ",
                                   subscription));
}

void LogAudit::EnterFoundOfWrong(int64_t number, size_t found) {
  if (found == 0) return;
  findings_.push_back(
      absl::StrCat(ledger_.content().WrongSerialNo(number), " is found, which is to be refused"));
}

bool LogAudit::IsOwed(const std::string& subscription, int64_t backlog) const {
  int64_t least = 0;
  int64_t most = 0;
  for (const auto& [number, place] : places_) {
    if (!ledger_.IsWanted(subscription, number)) continue;
    least += !ledger_.MayBeSettled(subscription, number);
    most += !ledger_.IsConfirmed(subscription, number);
  }
  return least <= backlog && backlog <= most;
}

void LogAudit::EnterOwed(const std::string& subscription, int64_t backlog) {
  if (IsOwed(subscription, backlog)) return;
  findings_.push_back(absl::StrCat(subscription, " is said to be owed ", backlog,
                                   " events, which the books do not bear out"));
}

std::string LogAudit::EventId(int64_t number) const {
  const auto place = places_.find(number);
  return place == places_.end() ? "" : place->second.event_id;
}

std::vector<std::string> LogAudit::Findings() const {
  std::vector<std::string> all = findings_;
  if (listed_.size() != watched_.size()) {
    all.push_back(
        absl::StrCat("ListEvents has ", listed_.size(), " events, Watch ", watched_.size()));
  }
  for (int64_t number = 0; number < ledger_.opened(); ++number) {
    if (!ledger_.IsPromised(number) || places_.contains(number)) continue;
    if (may_be_removed_ && ledger_.MayBeSettledByAll(number)) continue;
    all.push_back(
        absl::StrCat("the log lacks ", ledger_.CallSerialNo(number), ", which was accepted"));
  }
  return all;
}

}  // namespace onhook
