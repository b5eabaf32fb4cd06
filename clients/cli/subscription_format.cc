#include "clients/cli/subscription_format.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/printable.h"
#include "clients/cli/time_text.h"
#include "gateway/config/setting_values.h"
#include "gateway/config/subscription_spec.h"

namespace onhook::cli {
namespace {

std::string Line(absl::string_view what, absl::string_view value) {
  return absl::StrFormat("  %-22s %s\n", what, value);
}

// `value`, and whether somebody has set it.
std::string Line(absl::string_view what, absl::string_view value, bool is_set) {
  return Line(what, absl::StrCat(value, is_set ? "" : "  (default)"));
}

template <typename List>
std::string Words(const List& list) {
  if (list.empty()) return "all";
  std::string words;
  for (const std::string& word : list) {
    absl::StrAppend(&words, words.empty() ? "" : ", ", word.empty() ? "''" : Printable(word));
  }
  return words;
}

std::string SpecText(const v1::SubscriptionSpec& spec, bool declared) {
  const SubscriptionRules rules = RulesOf(spec, declared);
  std::string text =
      Line("ack deadline", FormatDurationValue(rules.ack_deadline), spec.has_ack_deadline());
  absl::StrAppend(&text, Line("max delivery attempts",
                              rules.max_delivery_attempts.has_value()
                                  ? absl::StrCat(*rules.max_delivery_attempts)
                                  : "unlimited",
                              spec.delivery_attempts_case() != 0));
  absl::StrAppend(&text, Line("minimum retry time", FormatDurationValue(rules.minimum_retry_time),
                              spec.has_minimum_retry_time()));
  absl::StrAppend(&text, Line("max unacked events", absl::StrCat(rules.max_unacked_events),
                              spec.has_max_unacked_events()));
  absl::StrAppend(&text, Line("expire after unused",
                              rules.expire_after_unused.has_value()
                                  ? FormatDurationValue(*rules.expire_after_unused)
                                  : "never",
                              spec.has_expire_after_unused()));
  const auto age = rules.backlog_age;
  absl::StrAppend(&text,
                  Line("backlog limit, age", age.has_value() ? FormatDurationValue(*age) : "none",
                       age.has_value()));
  const auto bytes = rules.backlog_bytes;
  absl::StrAppend(&text,
                  Line("backlog limit, bytes",
                       bytes.has_value() ? FormatByteCount(static_cast<size_t>(*bytes)) : "none",
                       bytes.has_value()));
  absl::StrAppend(&text, Line("sources", Words(spec.filter().sources())),
                  Line("service numbers", Words(spec.filter().service_nos())),
                  Line("release reason codes", Words(spec.filter().release_reason_codes())));
  return text;
}

std::string StatsText(const v1::SubscriptionStats& stats) {
  return absl::StrCat(
      Line("streams", absl::StrCat(stats.connected_streams())),
      Line("backlog", absl::StrCat(stats.backlog_events(), " event(s)")),
      Line("oldest unsettled", OldestText(stats)),
      Line("outstanding", absl::StrCat(stats.outstanding_events(), " event(s) with consumers")),
      Line("dead letters", absl::StrCat(stats.dead_letters())),
      Line("given up by limit", absl::StrCat(stats.dropped_by_limit())),
      Line("settled", absl::StrCat(stats.settled(), " since the gateway started")),
      Line("redeliveries", absl::StrCat(stats.redeliveries(), " since the gateway started")),
      Line("settled up to", Printable(stats.settled_cursor())));
}

// Wide enough for the longest of the names and for the heading.
int NameWidth(const std::vector<v1::Subscription>& subscriptions) {
  size_t width = 4;
  for (const v1::Subscription& one : subscriptions) width = std::max(width, one.name().size());
  return static_cast<int>(width);
}

}  // namespace

std::string StateText(const v1::Subscription& subscription) {
  std::string state = subscription.paused() ? "paused" : "active";
  if (subscription.declared()) absl::StrAppend(&state, ", declared");
  if (subscription.stats().dropped_by_limit() > 0) {
    absl::StrAppend(&state, ", ", subscription.stats().dropped_by_limit(), " given up");
  }
  return state;
}

std::string OldestText(const v1::SubscriptionStats& stats) {
  return stats.has_oldest_unsettled_age() ? AgeText(stats.oldest_unsettled_age()) : "-";
}

std::string SubscriptionText(const v1::Subscription& subscription) {
  std::string text = absl::StrCat(Printable(subscription.name()), "\n",
                                  Line("created", TimeText(subscription.created_at())),
                                  Line("state", StateText(subscription)),
                                  SpecText(subscription.spec(), subscription.declared()));
  if (subscription.has_stats()) absl::StrAppend(&text, StatsText(subscription.stats()));
  return text;
}

std::string SubscriptionTable(const std::vector<v1::Subscription>& subscriptions) {
  const int width = NameWidth(subscriptions);
  std::string table = absl::StrFormat("%-*s %8s %10s %8s %12s %13s  %s\n", width, "NAME", "STREAMS",
                                      "BACKLOG", "OLDEST", "OUTSTANDING", "DEAD LETTERS", "STATE");
  for (const v1::Subscription& one : subscriptions) {
    const v1::SubscriptionStats& stats = one.stats();
    absl::StrAppendFormat(&table, "%-*s %8d %10d %8s %12d %13d  %s\n", width, Printable(one.name()),
                          stats.connected_streams(), stats.backlog_events(), OldestText(stats),
                          stats.outstanding_events(), stats.dead_letters(), StateText(one));
  }
  return table;
}

std::string JsonText(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  // Fails for a time or duration outside protobuf's range only, which the gateway never sends.
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? absl::StrCat(json, "\n") : "{\"unprintable\":true}\n";
}

}  // namespace onhook::cli
