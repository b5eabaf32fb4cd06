// The ends and beginnings of a simulation's processes, and what is checked then.

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/simulation/simulation.h"

namespace onhook {
namespace {

constexpr int64_t kMinimumFreeDisk = 1 << 20;
constexpr int kMostStarts = 50;
constexpr int kMostRounds = 400;
// What was signed by a clock that ran ahead is never taken.
constexpr int kMostSends = 8;

void SetSeconds(int64_t seconds, google::protobuf::Duration* duration) {
  duration->set_seconds(seconds);
}

}  // namespace

EmbeddedStoreOptions Simulation::SomeOptions() {
  EmbeddedStoreOptions options;
  options.tail_bytes = random_.Among<size_t>({1, 2000, 64 << 20});
  options.max_pending_reads = random_.Among<size_t>({2, 4096});
  options.minimum_free_disk = kMinimumFreeDisk;
  options.free_disk = [this]() -> absl::StatusOr<int64_t> { return free_disk_; };
  options.commits.max_batch_operations = random_.Among<size_t>({1, 3, 1024});
  options.commits.max_pending = random_.Among<size_t>({8, 65536});
  RetentionOptions& retention = options.retention;
  if (random_.OneIn(2)) retention.age = absl::Minutes(random_.Among({5, 600}));
  if (random_.OneIn(4)) retention.bytes = 3000;
  if (random_.OneIn(2)) retention.deduplication_window = absl::Minutes(1);
  if (random_.OneIn(2)) retention.nonce_memory = absl::Minutes(10);
  retention.dead_letters_age.reset();
  retention.dead_letters_bytes.reset();
  if (random_.OneIn(4)) retention.dead_letters_age = absl::Minutes(10);
  return options;
}

v1::SubscriptionSpec Simulation::SomeSpec() {
  v1::SubscriptionSpec spec;
  spec.set_start_position(v1::START_POSITION_EARLIEST);
  if (random_.OneIn(3)) spec.mutable_filter()->add_sources("east");
  if (random_.OneIn(2)) SetSeconds(random_.Among({1, 10, 600}), spec.mutable_ack_deadline());
  if (random_.OneIn(2)) {
    spec.set_max_delivery_attempts(random_.Among({1, 2, 5}));
    SetSeconds(0, spec.mutable_minimum_retry_time());
  }
  if (random_.OneIn(3)) spec.set_max_unacked_events(random_.Among({1, 3, 10}));
  if (random_.OneIn(8)) spec.mutable_backlog_limit()->set_bytes(2000);
  // Longer than clocks step here.
  SetSeconds(int64_t{9} * 366 * 24 * 3600, spec.mutable_expire_after_unused());
  return spec;
}

// ------------------------------------------------------------------------------ ends and
// beginnings

void Simulation::End() {
  gateway_.Bury();
  network_.LoseAll();
  log_.ProcessEnded();
  for (const auto& subscriber : subscribers_) subscriber->ProcessEnded();
  if (random_.OneIn(2)) {
    ++power_cuts_;
    trace_.Add("power cut: ", disk_.CutPower());
  } else {
    disk_.Restart();
    trace_.Add("process ended");
  }
  if (damages_ && !calm_ && random_.OneIn(3) &&
      disk_.FlipBits(gateway_.database(), 1 + random_.Below(4))) {
    trace_.Add("bits turn");
    log_.Damaged();
  }
}

void Simulation::Close() {
  trace_.Add("closes");
  const int64_t failures = disk_.failures();
  const absl::Status status = gateway_.Close();
  if (!status.ok() && disk_.failures() == failures && gateway_.alive() && !log_.damaged()) {
    trace_.Find("closing fails without cause: ", absl::StatusCodeToString(status.code()));
  }
  gateway_.Bury();
}

void Simulation::Start() {
  const int64_t failures = disk_.failures();
  if (!gateway_.Start()) {
    const bool had_cause = disk_.failures() > failures || disk_.stopped() || log_.damaged();
    if (!had_cause) trace_.Find("P1: the store does not open again");
    if (random_.OneIn(2) || calm_) disk_.Heal();
    return gateway_.Bury();
  }
  if (!Declare()) return gateway_.Bury();
  if (random_.OneIn(2)) Check();
}

bool Simulation::Declare() {
  std::vector<Declaration> declarations;
  for (size_t i = 0; i < subscribers_.size(); ++i) {
    QueueModel& model = subscribers_[i]->model();
    if (declared_[i]) {
      declarations.push_back({model.name(), model.spec()});
    } else if (!opened_once_ || log_.damaged()) {
      // What it was created with stays, whatever was changed since.
      const absl::Status status =
          gateway_.store().FindOrCreateQueue(model.name(), model.spec()).status();
      if (!status.ok() && !absl::IsFailedPrecondition(status)) return false;
    }
  }
  if (!gateway_.store().Declare(declarations).ok() || !gateway_.alive()) return false;
  opened_once_ = true;
  return true;
}

// ---------------------------------------------------------------------------------------- checking

bool Simulation::ReadLog(std::vector<LogEventPtr>& events) {
  EventLog& log = gateway_.store().log();
  Sequence after = log.first() - 1;
  while (gateway_.alive()) {
    const auto page = std::make_shared<std::optional<absl::StatusOr<LogPage>>>();
    log.Read(after, ReadLimits(),
             [page](absl::StatusOr<LogPage> result) { *page = std::move(result); });
    while (!page->has_value() && gateway_.Read()) {
    }
    if (!page->has_value() || !(*page)->ok()) return false;
    for (const LogEventPtr& event : (**page)->events) events.push_back(event);
    if ((**page)->at_end) return true;
    if ((**page)->events.empty()) {
      trace_.Find("P2: an empty page before the end");
      return false;
    }
    after = events.back()->sequence;
  }
  return false;
}

void Simulation::Check() {
  if (!gateway_.alive()) return;
  EventLog& log = gateway_.store().log();
  std::vector<LogEventPtr> events;
  if (ReadLog(events)) log_.SawAll(log.first(), log.last(), events);
  trace_.Add("log: ", log.first(), " to ", log.last());
  for (const auto& subscriber : subscribers_) subscriber->Check(log.first(), log.last());
}

// ------------------------------------------------------------------------------------------ the
// end

bool Simulation::IsDrained() {
  if (!gateway_.alive() || !network_.empty()) return false;
  for (const auto& subscriber : subscribers_) {
    const auto queue = subscriber->Queue();
    if (queue == nullptr || queue->Stats().backlog_events > 0) return false;
  }
  return true;
}

void Simulation::Drain() {
  trace_.Add("calm");
  calm_ = true;
  free_disk_ = int64_t{1} << 40;
  disk_.Heal();
  disk_.EndWithin(0, nullptr);
  for (int start = 0; start < kMostStarts && !gateway_.alive(); ++start) {
    End();
    Start();
  }
  DeliverAll(/*send=*/true);
  CheckDrained("once all is calm");
  if (!gateway_.alive() || log_.damaged() || !trace_.findings().empty()) return;
  const int64_t handed = deliveries();
  End();
  Start();
  DeliverAll(/*send=*/false);
  CheckDrained("after another end");
  if (deliveries() > handed) trace_.Find("Q2: what was settled came again after another end");
}

void Simulation::DeliverAll(bool send) {
  int sends = 0;
  const auto is_done = [&] {
    const bool is_sending = send && vendor_.has_unanswered() && sends < kMostSends;
    return !is_sending && IsDrained();
  };
  for (int round = 0; round < kMostRounds && gateway_.alive() && !is_done(); ++round) {
    if (send && round % 8 == 0 && sends++ < kMostSends) vendor_.SendTheRest();
    while (!network_.empty()) network_.Deliver(random_);
    gateway_.Work();
    clock_.Pass(absl::Seconds(20));
    gateway_.Tick();
    gateway_.Work();
    for (const auto& subscriber : subscribers_) {
      if (round % 32 == 0) Pause(*subscriber, false);
      subscriber->Drain();
    }
    if (gateway_.alive()) log_.Begins(gateway_.store().log().first());
  }
}

int64_t Simulation::deliveries() const {
  int64_t deliveries = 0;
  for (const auto& subscriber : subscribers_) deliveries += subscriber->model().handed();
  return deliveries;
}

void Simulation::CheckDrained(const char* when) {
  if (log_.damaged()) return;
  if (!gateway_.alive()) return trace_.Find("the gateway does not live ", when);
  Check();
  for (const auto& subscriber : subscribers_) {
    const auto queue = subscriber->Queue();
    if (queue == nullptr || queue->Stats().backlog_events == 0) continue;
    trace_.Find("Q1: ", subscriber->model().name(), " owes ", queue->Stats().backlog_events,
                " events from ", queue->Stats().oldest_unsettled, " on, ", when);
  }
}

}  // namespace onhook
