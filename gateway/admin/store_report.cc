#include "gateway/admin/store_report.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/base/steady_condition.h"

namespace onhook {
namespace {

// In the order of SettleResult.
constexpr const char* kResults[] = {"acked",   "retry", "park",    "skip",       "release",
                                    "expired", "stale", "unknown", "retry_later"};
static_assert(std::size(kResults) == kSettleResults, "each result has a word");

const char* WordOf(v1::DurabilityClass durability) {
  switch (durability) {
    case v1::DURABILITY_CLASS_MEMORY:
      return "memory";
    case v1::DURABILITY_CLASS_DISK:
      return "disk";
    case v1::DURABILITY_CLASS_REPLICATED:
      return "replicated";
    case v1::DURABILITY_CLASS_REPLICATED_UNSYNCED:
      return "replicated_unsynced";
    case v1::DURABILITY_CLASS_UNSYNCED:
      return "unsynced";
    default:
      return "unknown";
  }
}

// Waits for the one call of the callback that `start` is given, for so long at most.
template <typename Result>
absl::StatusOr<Result> Within(
    absl::Duration patience,
    const std::function<void(std::function<void(absl::StatusOr<Result>)>)>& start) {
  struct Answer {
    absl::StatusOr<Result> result;
    SteadyNotification given;
  };
  const auto answer = std::make_shared<Answer>();
  start([answer](absl::StatusOr<Result> result) {
    answer->result = std::move(result);
    answer->given.Notify();
  });
  if (!answer->given.WaitFor(patience)) {
    return absl::DeadlineExceededError("the store does not answer");
  }
  return std::move(answer->result);
}

double Number(int64_t number) { return static_cast<double>(number); }

}  // namespace

StoreReport::StoreReport(Store* store, absl::string_view engine, const Clock* clock,
                         absl::Duration patience)
    : store_(store), engine_(engine), clock_(clock), patience_(patience) {}

void StoreReport::Tell(Metrics::Report& report) {
  const absl::Duration until = clock_->Elapsed() + patience_;
  Findings before;
  {
    absl::MutexLock lock(&mutex_);
    before = last_;
  }
  Findings findings;
  std::map<Sequence, absl::Time> read;
  for (const std::shared_ptr<SubscriptionQueue>& queue : store_->ListQueues()) {
    const QueueStats stats = queue->Stats();
    FindOldest(queue->name(), stats.oldest_unsettled, before, until, read, findings);
    TellSubscription(*queue, stats, findings, report);
  }
  const absl::StatusOr<QuarantineSize> quarantine =
      Within<QuarantineSize>(until - clock_->Elapsed(),
                             [this](auto done) { store_->quarantine().Measure(std::move(done)); });
  findings.quarantine = before.quarantine;
  if (quarantine.ok()) findings.quarantine = *quarantine;
  TellQuarantine(findings, report);
  TellStore(report);
  absl::MutexLock lock(&mutex_);
  last_ = std::move(findings);
}

void StoreReport::FindOldest(const std::string& subscription, Sequence sequence,
                             const Findings& before, absl::Duration until,
                             std::map<Sequence, absl::Time>& read, Findings& findings) const {
  if (sequence == 0) return;
  const auto known = before.oldest.find(subscription);
  if (known != before.oldest.end() && known->second.sequence == sequence) {
    findings.oldest[subscription] = known->second;
    return;
  }
  auto found = read.find(sequence);
  const absl::Duration patience = until - clock_->Elapsed();
  if (found == read.end() && patience > absl::ZeroDuration()) {
    // A dead letter that is owed again may be gone from the log: then it is older than all there.
    const Sequence there = std::max(sequence, store_->log().first());
    const absl::StatusOr<LogPage> page = Within<LogPage>(patience, [this, there](auto done) {
      store_->log().Read(there - 1, {1, 1}, std::move(done));
    });
    if (page.ok() && !page->events.empty()) {
      found = read.emplace(sequence, page->events.front()->received_at).first;
    }
  }
  if (found != read.end()) {
    findings.oldest[subscription] = {sequence, found->second};
  } else if (known != before.oldest.end()) {
    findings.oldest[subscription] = known->second;
  }
}

void StoreReport::TellSubscription(const SubscriptionQueue& queue, const QueueStats& stats,
                                   const Findings& findings, Metrics::Report& report) const {
  const Metrics::Labels labels = {{"subscription", queue.name()}};
  report.AddGauge("onhook_subscription_streams", "Open streams of the subscription.", labels,
                  Number(stats.connected_consumers));
  report.AddGauge("onhook_subscription_backlog_events",
                  "Events that the subscription owes, those with consumers included.", labels,
                  Number(stats.backlog_events));
  report.AddGauge("onhook_subscription_outstanding_events",
                  "Events that are with consumers, unsettled.", labels,
                  Number(stats.outstanding_events));
  report.AddGauge("onhook_subscription_paused", "1 while the subscription is paused, else 0.",
                  labels, stats.paused ? 1 : 0);
  const auto oldest = findings.oldest.find(queue.name());
  if (stats.oldest_unsettled == 0 || oldest != findings.oldest.end()) {
    const absl::Duration age = stats.oldest_unsettled == 0
                                   ? absl::ZeroDuration()
                                   : clock_->Now() - oldest->second.received_at;
    report.AddGauge("onhook_subscription_oldest_unacked_age_seconds",
                    "Time since the receipt of the oldest event that the subscription owes; 0 if "
                    "it owes none.",
                    labels, absl::ToDoubleSeconds(std::max(age, absl::ZeroDuration())));
  }
  report.AddGauge("onhook_dead_letters",
                  "Dead letters of the subscription, but for those that are owed again.", labels,
                  Number(stats.dead_letters));
  report.AddCounter("onhook_events_given_up_total",
                    "Events that the subscription's backlog limit has given up, ever.", labels,
                    Number(stats.dropped_by_limit));

  const QueueCounts counts = queue.Counts();
  report.AddCounter("onhook_dead_letters_parked_total",
                    "Events that became dead letters of the subscription.", labels,
                    Number(counts.parked));
  report.AddHistogram("onhook_delivery_latency_seconds",
                      "Time from an event's receipt to its first delivery to the subscription.",
                      labels, counts.first_delivery_latency);
  Metrics::Labels with_word = labels;
  for (const bool again : {false, true}) {
    with_word["redelivery"] = again ? "true" : "false";
    report.AddCounter("onhook_deliveries_total", "Events written to streams of the subscription.",
                      with_word, Number(again ? counts.redeliveries : counts.first_deliveries));
  }
  with_word = labels;
  for (size_t i = 0; i < kSettleResults; ++i) {
    with_word["result"] = kResults[i];
    report.AddCounter("onhook_acks_total", "Deliveries, by what came of their ack or nack.",
                      with_word, Number(counts.results[i]));
  }
}

void StoreReport::TellQuarantine(const Findings& findings, Metrics::Report& report) const {
  if (findings.quarantine.has_value()) {
    report.AddGauge("onhook_quarantine_callbacks", "Rejected callbacks that are kept.", {},
                    Number(findings.quarantine->callbacks));
    report.AddGauge("onhook_quarantine_bytes",
                    "What the rejected callbacks that are kept take of quarantine.size.", {},
                    Number(findings.quarantine->bytes));
  }
  const Quarantine& quarantine = store_->quarantine();
  const int64_t by_age = quarantine.removed_by_age();
  const char* const name = "onhook_quarantine_removed_total";
  const char* const help = "Rejected callbacks that the quarantine's limits have removed.";
  report.AddCounter(name, help, {{"cause", "age"}}, Number(by_age));
  report.AddCounter(name, help, {{"cause", "size"}},
                    Number(std::max<int64_t>(quarantine.removed_by_limit() - by_age, 0)));
}

void StoreReport::TellStore(Metrics::Report& report) const {
  const StoreStats stats = store_->Stats();
  report.AddGauge("onhook_store_info", "What keeps the events, and what survives.",
                  {{"engine", engine_}, {"durability", WordOf(store_->durability_class())}}, 1);
  report.AddGauge("onhook_store_events", "Events in the log.", {}, Number(stats.events));
  report.AddGauge("onhook_store_bytes", "What the store's files take.", {}, Number(stats.bytes));
  if (stats.free_disk.has_value()) {
    report.AddGauge("onhook_store_free_disk_bytes",
                    "What is free on the file system of store.directory.", {},
                    Number(*stats.free_disk));
  }
  report.AddGauge("onhook_store_minimum_free_disk_bytes",
                  "store.minimum_free_disk: with less than that free nothing new is stored.", {},
                  Number(stats.minimum_free_disk));
  const char* const name = "onhook_dead_letters_removed_total";
  const char* const help = "Dead letters that their limits have removed.";
  report.AddCounter(name, help, {{"cause", "age"}}, Number(stats.dead_letters_removed_by_age));
  report.AddCounter(name, help, {{"cause", "size"}}, Number(stats.dead_letters_removed_by_size));
}

}  // namespace onhook
