#include "clients/cli/subscription_watch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "clients/cli/printable.h"
#include "clients/cli/subscription_format.h"

namespace onhook::cli {
namespace {

// ANSI escape codes.
constexpr char kCursorHome[] = "\x1b[H";
constexpr char kClearToEndOfLine[] = "\x1b[K";
constexpr char kClearToEndOfScreen[] = "\x1b[J";

bool SameCreation(const v1::Subscription& a, const v1::Subscription& b) {
  return a.created_at().seconds() == b.created_at().seconds() &&
         a.created_at().nanos() == b.created_at().nanos();
}

std::string RateText(const std::optional<double>& rate) {
  if (!rate.has_value()) return "-";
  return *rate < 100 ? absl::StrFormat("%.1f", *rate) : absl::StrFormat("%.0f", *rate);
}

}  // namespace

std::optional<double> SettleRate(const v1::Subscription& before, const v1::Subscription& now,
                                 absl::Duration between) {
  const int64_t settled = now.stats().settled() - before.stats().settled();
  if (!SameCreation(before, now) || settled < 0 || between <= absl::ZeroDuration()) {
    return std::nullopt;
  }
  return static_cast<double>(settled) / absl::ToDoubleSeconds(between);
}

std::vector<WatchedSubscription> SettleMeter::Look(
    const std::vector<v1::Subscription>& subscriptions, absl::Time now) {
  std::vector<WatchedSubscription> watched;
  std::map<std::string, v1::Subscription> seen;
  for (const v1::Subscription& subscription : subscriptions) {
    const auto before = before_.find(subscription.name());
    watched.push_back(
        {subscription, before == before_.end()
                           ? std::nullopt
                           : SettleRate(before->second, subscription, now - looked_at_)});
    seen[subscription.name()] = subscription;
  }
  before_ = std::move(seen);
  looked_at_ = now;
  return watched;
}

std::string WatchTable(const std::vector<WatchedSubscription>& watched) {
  size_t width = 4;
  for (const WatchedSubscription& one : watched) {
    width = std::max(width, one.subscription.name().size());
  }
  const int name_width = static_cast<int>(width);
  std::string table = absl::StrFormat("%-*s %8s %10s %8s %12s %10s %13s %13s  %s\n", name_width,
                                      "NAME", "STREAMS", "BACKLOG", "OLDEST", "OUTSTANDING",
                                      "SETTLED/S", "REDELIVERIES", "DEAD LETTERS", "STATE");
  for (const WatchedSubscription& one : watched) {
    const v1::SubscriptionStats& stats = one.subscription.stats();
    absl::StrAppendFormat(&table, "%-*s %8d %10d %8s %12d %10s %13d %13d  %s\n", name_width,
                          Printable(one.subscription.name()), stats.connected_streams(),
                          stats.backlog_events(), OldestText(stats), stats.outstanding_events(),
                          RateText(one.settle_rate), stats.redeliveries(), stats.dead_letters(),
                          StateText(one.subscription));
  }
  return table;
}

std::string WatchJson(const WatchedSubscription& watched, absl::Time now) {
  const std::string rate = watched.settle_rate.has_value()
                               ? absl::StrFormat("\"settledPerSecond\":%.3f,", *watched.settle_rate)
                               : "";
  const std::string message = JsonText(watched.subscription);
  return absl::StrCat("{\"time\":\"",
                      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone()), "\",",
                      rate, "\"subscription\":", absl::StripSuffix(message, "\n"), "}\n");
}

std::string Redrawn(absl::string_view text, int terminal_lines) {
  std::vector<absl::string_view> lines = absl::StrSplit(absl::StripSuffix(text, "\n"), '\n');
  // The cursor rests on a line of its own.
  const size_t most = static_cast<size_t>(std::max(terminal_lines - 1, 2));
  std::string cut;
  if (lines.size() > most) {
    cut = absl::StrCat("... and ", lines.size() - most + 1, " more: the terminal is too low");
    lines.resize(most - 1);
    lines.push_back(cut);
  }
  std::string redrawn = kCursorHome;
  for (const absl::string_view line : lines) {
    absl::StrAppend(&redrawn, line, kClearToEndOfLine, "\n");
  }
  return absl::StrCat(redrawn, kClearToEndOfScreen);
}

}  // namespace onhook::cli
