#include "clients/cli/diagnosis.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "clients/cli/printable.h"
#include "clients/cli/subscription_format.h"
#include "clients/cli/time_text.h"
#include "gateway/base/text.h"
#include "gateway/config/setting_values.h"

namespace onhook::cli {
namespace {

// A backlog that is older has not been caught up with in the usual way.
constexpr int64_t kOldSeconds = 300;
// Beyond this, times in logs and events mislead; beyond the other, signatures may not verify.
constexpr absl::Duration kClockWarning = absl::Seconds(5);
constexpr absl::Duration kClockProblem = absl::Minutes(5);
// Who renews automatically has done so before the first; before the second somebody must hurry.
constexpr absl::Duration kExpiryWarning = absl::Hours(14 * 24);
constexpr absl::Duration kExpiryProblem = absl::Hours(3 * 24);
// Of the descriptors that the process may have.
constexpr double kManyDescriptors = 0.8;

absl::string_view VerdictWord(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kNote:
      return "note";
    case Verdict::kWarning:
      return "warning";
    case Verdict::kProblem:
      return "problem";
  }
  return "problem";
}

std::string Bytes(double bytes) {
  constexpr double kMebibyte = 1 << 20;
  return absl::StrFormat("%.0f MiB", bytes / kMebibyte);
}

std::string Date(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone());
}

// What is to be said of one subscription's backlog; the gravest only.
std::optional<Finding> JudgeBacklog(const v1::Subscription& subscription) {
  const v1::SubscriptionStats& stats = subscription.stats();
  const std::string name = Printable(subscription.name());
  const std::string subject = absl::StrCat("subscription ", name);
  const std::string owes =
      absl::StrCat("owes ", stats.backlog_events(), " event(s), the oldest for ",
                   stats.has_oldest_unsettled_age() ? AgeText(stats.oldest_unsettled_age()) : "0s");
  if (subscription.paused()) {
    return Finding{Verdict::kWarning, subject, absl::StrCat("is paused and ", owes),
                   absl::StrCat("`onhook subscriptions resume ", name, "` lets it deliver again")};
  }
  if (stats.backlog_events() == 0) return std::nullopt;
  if (stats.connected_streams() == 0) {
    return Finding{Verdict::kProblem, subject, absl::StrCat(owes, ", and no consumer is attached"),
                   absl::StrCat("start its consumer: everything is kept for it. Not by hand: what "
                                "`onhook subscribe ",
                                name, "` prints, the consumer never gets")};
  }
  if (stats.oldest_unsettled_age().seconds() <= kOldSeconds) return std::nullopt;
  return Finding{Verdict::kWarning, subject,
                 absl::StrCat(owes, ", with ", stats.connected_streams(), " consumer(s) attached"),
                 absl::StrCat("do its consumers fail, or are they too slow? `onhook subscriptions "
                              "show ",
                              name, "`; `onhook get EVENT_ID` tells what became of one event")};
}

void JudgeDisk(const MetricsText& metrics, std::vector<Finding>& findings) {
  const std::optional<double> free = metrics.Value("onhook_store_free_disk_bytes");
  const std::optional<double> minimum = metrics.Value("onhook_store_minimum_free_disk_bytes");
  if (!free.has_value() || !minimum.has_value()) return;
  const std::string seen =
      absl::StrCat(Bytes(*free), " free, callbacks are taken down to ", Bytes(*minimum),
                   "; the store has ", Bytes(metrics.Value("onhook_store_bytes").value_or(0)));
  const std::string advice =
      "make room on its disk, but never by deleting files in store.directory; a subscription that "
      "nobody reads keeps events, and store.retention bounds the rest";
  if (*free < *minimum) {
    findings.push_back({Verdict::kProblem, "disk", absl::StrCat("nearly full: ", seen), advice});
  } else if (*free < 2 * *minimum) {
    findings.push_back({Verdict::kWarning, "disk", seen, advice});
  } else {
    findings.push_back({Verdict::kOk, "disk", seen, ""});
  }
}

void JudgeSettings(const MetricsText& metrics, std::vector<Finding>& findings) {
  if (metrics.Value("onhook_config_last_reload_successful") == 0.0) {
    findings.push_back({Verdict::kProblem, "settings",
                        "the gateway could not use the settings that it read last, so those before "
                        "are in use",
                        "its log says why; `onhookd --check` with its arguments does too"});
  }
  if (metrics.Value("onhook_config_restart_pending") == 1.0) {
    findings.push_back({Verdict::kWarning, "settings",
                        "they hold a change that takes a restart, and is not in use yet",
                        "restart the gateway; its log names what changed"});
  }
  for (const MetricsText::Sample& sample : metrics.Of("onhook_tls_last_reload_successful")) {
    if (sample.value != 0.0) continue;
    const auto listener = sample.labels.find("listener");
    findings.push_back(
        {Verdict::kProblem,
         absl::StrCat("certificate ",
                      listener == sample.labels.end() ? "" : Printable(listener->second)),
         "the gateway could not use the files that it read last, so the certificate before is "
         "shown",
         "its log says why; `onhookd --check` with its arguments does too"});
  }
}

void JudgeRefused(const MetricsText& metrics, std::vector<Finding>& findings) {
  const double kept = metrics.Value("onhook_quarantine_callbacks").value_or(0);
  if (kept > 0) {
    findings.push_back({Verdict::kWarning, "rejected callbacks",
                        absl::StrFormat("%.0f are kept for somebody to look at", kept),
                        "`onhook rejected list` shows why; after a fix `onhook rejected reparse "
                        "--all` makes events of them"});
  }
  // What backlog limits gave up is told of each subscription, and counted for ever.
  const double lost = metrics.Sum("onhook_dead_letters_removed_total") +
                      metrics.Sum("onhook_quarantine_removed_total");
  if (lost > 0) {
    findings.push_back({Verdict::kWarning, "limits",
                        absl::StrFormat("%.0f dead letters or rejected callbacks were removed by "
                                        "limits since the gateway started",
                                        lost),
                        "somebody must look at dead letters and rejected callbacks sooner, or "
                        "store.dead_letters and quarantine allow more"});
  }
}

void JudgeDescriptors(const MetricsText& metrics, std::vector<Finding>& findings) {
  const double open = metrics.Value("process_open_fds").value_or(0);
  const double most = metrics.Value("process_max_fds").value_or(0);
  if (most <= 0 || open < most * kManyDescriptors) return;
  findings.push_back({Verdict::kWarning, "descriptors",
                      absl::StrFormat("%.0f of %.0f are in use", open, most),
                      "raise the gateway's limit of open files, or lower max_connections of http "
                      "and grpc"});
}

}  // namespace

std::vector<Finding> JudgeSubscriptions(const std::vector<v1::Subscription>& subscriptions) {
  if (subscriptions.empty()) {
    return {
        {Verdict::kWarning, "subscriptions",
         "there are none: events are stored, and no service is owed them",
         "`onhook subscriptions create NAME` makes one, and so does the setting subscriptions"}};
  }
  std::vector<Finding> findings;
  for (const v1::Subscription& subscription : subscriptions) {
    const std::string name = Printable(subscription.name());
    const std::string subject = absl::StrCat("subscription ", name);
    if (std::optional<Finding> backlog = JudgeBacklog(subscription); backlog.has_value()) {
      findings.push_back(*std::move(backlog));
    }
    if (const int64_t letters = subscription.stats().dead_letters(); letters > 0) {
      findings.push_back({Verdict::kWarning, subject,
                          absl::StrCat("has ", letters, " dead letter(s)"),
                          absl::StrCat("`onhook dead-letters list ", name,
                                       "` says why; redrive delivers them again, discard forgets "
                                       "them")});
    }
    if (const int64_t dropped = subscription.stats().dropped_by_limit(); dropped > 0) {
      findings.push_back(
          {Verdict::kWarning, subject,
           absl::StrCat("was not given ", dropped, " event(s), for its backlog_limit"),
           "its consumer was away or too slow for longer than the limit allows"});
    }
  }
  if (findings.empty()) {
    findings.push_back({Verdict::kOk, "subscriptions",
                        absl::StrCat(subscriptions.size(), ", none of which wants attention"), ""});
  }
  return findings;
}

std::vector<Finding> JudgeReadiness(int http_status, absl::string_view body) {
  if (http_status == 200) return {{Verdict::kOk, "ready", "callbacks are taken", ""}};
  std::vector<Finding> findings;
  for (const absl::string_view reason : absl::StrSplit(body, '\n', absl::SkipEmpty())) {
    findings.push_back({Verdict::kProblem, "ready", absl::StrCat("no: ", Printable(reason)),
                        "the gateway's log tells more"});
  }
  if (findings.empty()) {
    findings.push_back({Verdict::kProblem, "ready",
                        absl::StrCat("/readyz is answered with HTTP status ", http_status),
                        "--admin names the gateway's port for administration, its admin.listen"});
  }
  return findings;
}

Finding JudgeClock(absl::Time date, absl::Time asked, absl::Time answered) {
  const absl::Duration least = date - answered;
  const absl::Duration most = date + absl::Seconds(1) - asked;
  if (least <= absl::ZeroDuration() && most >= absl::ZeroDuration()) {
    return {Verdict::kOk, "clock", "this machine's and the gateway's agree to the second", ""};
  }
  const bool ahead = least > absl::ZeroDuration();
  const absl::Duration off = ahead ? least : -most;
  const std::string seen =
      absl::StrCat("the gateway's is ", FormatDurationValue(absl::Ceil(off, absl::Seconds(1))),
                   ahead ? " ahead of" : " behind", " this machine's");
  if (off < kClockWarning) return {Verdict::kOk, "clock", seen, ""};
  return {off < kClockProblem ? Verdict::kWarning : Verdict::kProblem, "clock", seen,
          "synchronise both (NTP): a signed callback is refused beyond its source's replay_window, "
          "and times of events mislead"};
}

Finding JudgeVersions(absl::string_view here, absl::string_view there) {
  if (here == there) return {Verdict::kOk, "versions", absl::StrCat("both ", here), ""};
  return {Verdict::kNote, "versions",
          absl::StrCat("onhook ", here, ", the gateway ", Printable(there)),
          "any two of one major version understand each other; what only the newer one knows is "
          "left out"};
}

Finding JudgeExpiry(std::string subject, absl::Time good_until, absl::Time now,
                    std::string advice) {
  const absl::Duration left = good_until - now;
  if (left <= absl::ZeroDuration()) {
    return {Verdict::kProblem, std::move(subject), absl::StrCat("expired on ", Date(good_until)),
            std::move(advice)};
  }
  std::string seen = absl::StrCat("good until ", Date(good_until));
  if (left > kExpiryWarning) return {Verdict::kOk, std::move(subject), std::move(seen), ""};
  return {left > kExpiryProblem ? Verdict::kWarning : Verdict::kProblem, std::move(subject),
          std::move(seen), std::move(advice)};
}

std::vector<Finding> JudgeMetrics(const MetricsText& metrics, absl::Time now) {
  std::vector<Finding> findings;
  JudgeDisk(metrics, findings);
  JudgeSettings(metrics, findings);
  for (const MetricsText::Sample& sample :
       metrics.Of("onhook_tls_certificate_expiry_timestamp_seconds")) {
    const auto listener = sample.labels.find("listener");
    const std::string which =
        listener == sample.labels.end() ? "the gateway" : Printable(listener->second);
    findings.push_back(JudgeExpiry(absl::StrCat("certificate ", which),
                                   absl::UnixEpoch() + absl::Seconds(sample.value), now,
                                   absl::StrCat("put another into the files of the gateway's ",
                                                which, ".tls: they are read again by themselves")));
  }
  JudgeRefused(metrics, findings);
  JudgeDescriptors(metrics, findings);
  return findings;
}

std::string FindingsText(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    absl::StrAppendFormat(&text, "%-7s  %s: %s\n", VerdictWord(finding.verdict), finding.subject,
                          finding.seen);
    if (!finding.advice.empty()) absl::StrAppendFormat(&text, "         -> %s\n", finding.advice);
  }
  return text;
}

std::string FindingsJson(const std::vector<Finding>& findings) {
  std::string lines;
  for (const Finding& finding : findings) {
    const std::pair<absl::string_view, absl::string_view> members[] = {
        {"verdict", VerdictWord(finding.verdict)},
        {"subject", finding.subject},
        {"seen", finding.seen},
        {"advice", finding.advice}};
    absl::string_view before = "{";
    for (const auto& [name, value] : members) {
      absl::StrAppend(&lines, before, "\"", name, "\":");
      AppendJsonString(value, lines);
      before = ",";
    }
    absl::StrAppend(&lines, "}\n");
  }
  return lines;
}

Verdict Worst(const std::vector<Finding>& findings) {
  Verdict worst = Verdict::kOk;
  for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
  return worst;
}

}  // namespace onhook::cli
