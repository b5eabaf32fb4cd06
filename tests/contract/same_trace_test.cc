// One scenario, drawn at random from a seed, told to every engine: what they answer must be the
// same, word for word. ONHOOK_SEED and ONHOOK_SCENARIOS choose where from and how many.
//
// Times are hours, so that the minutes which a slow machine takes change nothing: a delivery may
// stay ten minutes, what fails rests an hour or not at all, and the clock is set forward by hours.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/contract/subscription_queue_contract.h"

namespace onhook {
namespace {

using Action = SettleRequest::Action;

constexpr int kSteps = 80;
constexpr int kConsumers = 3;
constexpr char kName[] = "traced";

uint64_t NumberFrom(const char* variable, uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  uint64_t number = 0;
  return text != nullptr && absl::SimpleAtoi(text, &number) ? number : otherwise;
}

// Tells one engine the scenario of a seed and writes down what it answers.
class Scenario {
 public:
  Scenario(uint64_t seed, Engine* engine) : random_(seed), engine_(engine) {
    v1::SubscriptionSpec spec;
    spec.set_max_delivery_attempts(3);
    spec.mutable_minimum_retry_time()->set_seconds(3600);
    spec.mutable_ack_deadline()->set_seconds(600);
    queue_ = *engine_->store().FindOrCreateQueue(kName, spec);
  }

  std::vector<std::string> Run() {
    for (int step = 0; step < kSteps; ++step) {
      Step();
      WriteStats();
    }
    for (Sequence sequence = 1; sequence <= engine_->log().last(); ++sequence) {
      WriteTimeline(sequence);
    }
    consumers_.clear();
    return std::move(trace_);
  }

 private:
  struct Held {
    Sequence sequence = 0;
    std::string delivery_id;
  };

  void Step() {
    switch (Random(16)) {
      case 0:
      case 1:
        return Append(1 + Random(20));
      case 2:
        return Detach(Random(kConsumers));
      case 3:
        return LetTimePass();
      case 4:
        return Reopen(Random(2) == 0);
      case 5:
        return Random(3) == 0 ? Seek(Random(engine_->log().last() + 1)) : Pause();
      case 6:
        return ChangeDeadLetters();
      case 7:
      case 8:
      case 9:
      case 10:
      case 11:
        return Settle();
      default:
        return Take(Random(kConsumers), 1 + Random(8));
    }
  }

  int64_t Random(int64_t below) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(below));
  }
  template <typename... Words>
  void Write(const Words&... words) {
    trace_.push_back(absl::StrCat(words...));
  }

  void Append(int64_t count) {
    std::vector<NewEvent> events;
    for (int64_t i = 0; i < count; ++i) {
      const std::string call = absl::StrCat("call-", engine_->log().last() + 1 + i);
      events.push_back(MakeEvent(call, absl::StrCat("content of ", call)));
    }
    for (const auto& result : AppendAll(engine_->log(), std::move(events))) {
      Write("appended ", result->sequence, result->duplicate ? " again" : "");
    }
  }

  // How many events could be taken at this moment.
  int64_t Available() {
    for (auto it = resting_.begin(); it != resting_.end();) {
      it = queue_->IsSettled(*it) ? resting_.erase(it) : std::next(it);
    }
    const QueueStats stats = queue_->Stats();
    return paused_ ? 0
                   : stats.backlog_events - stats.outstanding_events -
                         static_cast<int64_t>(resting_.size());
  }

  void Take(int64_t consumer, int64_t most) {
    const int64_t count = std::min(most, Available());
    if (count <= 0) return;
    const auto it =
        consumers_
            .try_emplace(consumer, queue_, ConsumerLimits(), absl::StrCat("consumer-", consumer))
            .first;
    for (const Lease& lease : it->second.Take(static_cast<size_t>(count))) {
      Write("consumer ", consumer, " got ", lease.event->sequence, " attempt ", lease.attempt, " ",
            v1::Delivery::RedeliveryReason_Name(lease.reason), " ", lease.event->event);
      handed_.push_back({lease.event->sequence, lease.delivery_id});
    }
  }

  void Settle() {
    if (handed_.empty()) return;
    SettleRequest request;
    request.consumer_name = absl::StrCat("consumer-", Random(kConsumers));
    std::vector<Sequence> sequences;
    for (int64_t i = 1 + Random(4); i > 0; --i) {
      // Mostly one of the newest, whoever has it.
      const auto back = static_cast<size_t>(Random(Random(4) == 0 ? 50 : 8));
      const Held& held = handed_[handed_.size() - 1 - std::min(back, handed_.size() - 1)];
      request.delivery_ids.push_back(held.delivery_id);
      sequences.push_back(held.sequence);
    }
    if (Random(8) == 0) request.delivery_ids.push_back("no delivery");
    constexpr Action kActions[] = {Action::kAck,   Action::kAck,  Action::kAck,     Action::kRetry,
                                   Action::kRetry, Action::kPark, Action::kRelease, Action::kSkip};
    request.action = kActions[Random(8)];
    request.reason = absl::StrCat("reason ", trace_.size());
    const bool rests = request.action == Action::kRetry && Random(2) == 0;
    if (request.action == Action::kRetry) {
      request.delay = rests ? absl::Hours(1) : absl::ZeroDuration();
    }
    const int action = static_cast<int>(request.action);
    std::set<size_t> refused;
    for (const SettleException& exception : Answered(std::move(request))) {
      Write("refused ", exception.index, " with ", static_cast<int>(exception.error));
      refused.insert(exception.index);
    }
    Write("settled ", absl::StrJoin(sequences, ","), " by ", action);
    for (size_t i = 0; i < sequences.size(); ++i) {
      if (rests && refused.count(i) == 0) resting_.insert(sequences[i]);
    }
  }
  std::vector<SettleException> Answered(SettleRequest request) {
    absl::Notification settled;
    std::vector<SettleException> exceptions;
    queue_->Settle(std::move(request), [&](std::vector<SettleException> result) {
      exceptions = std::move(result);
      settled.Notify();
    });
    settled.WaitForNotification();
    return exceptions;
  }

  // Lost at most twice, so that no event comes under suspicion: those go alone, and how many there
  // are cannot be told from outside.
  void Detach(int64_t consumer) {
    const auto it = consumers_.find(consumer);
    if (it == consumers_.end()) return;
    const bool lost = losses_ < 2 && Random(2) == 0;
    losses_ += lost ? 1 : 0;
    it->second.Leave(lost ? Departure::kLost : Departure::kInOrder);
    consumers_.erase(it);
    Write("consumer ", consumer, " went, ", lost ? "lost" : "in order");
  }

  // All that is out expires, all that rests comes back.
  void LetTimePass() {
    engine_->clock().Advance(absl::Hours(2));
    Until([this] { return queue_->Stats().outstanding_events == 0; });
    Answered(SettleRequest());  // waits its turn behind the failures
    engine_->clock().Advance(absl::Hours(2));
    resting_.clear();
    Write("hours passed");
    // Whatever comes back by itself has come back when it has been taken.
    const int64_t available = Available();
    if (available <= 0) return;
    TestConsumer sweeper(queue_);
    sweeper.Take(static_cast<size_t>(available));
    sweeper.Leave(Departure::kInOrder);
  }

  void Reopen(bool crash) {
    for (auto& [number, consumer] : consumers_) consumer.Leave(Departure::kInOrder);
    consumers_.clear();
    queue_.reset();
    crash ? engine_->Crash() : engine_->Restart();
    queue_ = *engine_->store().FindQueue(kName);
    losses_ = 0;
    Write("opened again");
  }

  void Seek(Sequence after) {
    const absl::Status status = engine_->store().Seek(kName, after);
    resting_.clear();
    losses_ = 0;
    Write("sought ", after, " ", status.ToString());
  }

  void Pause() {
    paused_ = !paused_;
    Write("paused ", paused_, " ", engine_->store().SetPaused(kName, paused_).ToString());
  }

  void ChangeDeadLetters() {
    WriteDeadLetters();
    const bool redrive = Random(3) != 0;
    absl::Notification changed;
    const auto done = [&](const absl::StatusOr<DeadLetterOutcome>& outcome) {
      Write(redrive ? "redriven " : "discarded ", outcome.ok() ? outcome->done : -1);
      changed.Notify();
    };
    redrive ? queue_->Redrive({true, {}}, done) : queue_->Discard({true, {}}, done);
    changed.WaitForNotification();
  }
  void WriteDeadLetters() {
    absl::Notification listed;
    queue_->ListDeadLetters(0, ReadLimits(), [&](absl::StatusOr<std::vector<DeadLetter>> letters) {
      for (const DeadLetter& letter : *letters) {
        Write("dead letter ", letter.id, " of ", letter.event->sequence, " ", letter.event->event,
              " ", v1::DeadLetter::Reason_Name(letter.reason), " ", letter.detail, " after ",
              letter.attempts, " by ", letter.consumer_name);
      }
      listed.Notify();
    });
    listed.WaitForNotification();
  }

  void WriteStats() {
    const QueueStats stats = queue_->Stats();
    Write("floor ", stats.floor, " backlog ", stats.backlog_events, " outstanding ",
          stats.outstanding_events, " oldest ", stats.oldest_unsettled, " dead ",
          stats.dead_letters, " consumers ", stats.connected_consumers);
  }
  void WriteTimeline(Sequence sequence) {
    absl::Notification found;
    queue_->FindTimeline(sequence, [&](const absl::StatusOr<v1::SubscriptionTimeline>& timeline) {
      std::string line = absl::StrCat("timeline of ", sequence, ": ", timeline->state());
      for (const v1::TimelineEntry& entry : timeline->entries()) {
        absl::StrAppend(&line, "; ", v1::TimelineEntry::Kind_Name(entry.kind()), " ",
                        entry.attempt(), " ", entry.consumer_name(), " ", entry.reason());
      }
      Write(line);
      found.Notify();
    });
    found.WaitForNotification();
  }

  std::mt19937_64 random_;
  Engine* const engine_;
  QueuePtr queue_;
  std::map<int64_t, TestConsumer> consumers_;
  std::vector<Held> handed_;    // all that ever was, oldest first
  std::set<Sequence> resting_;  // until the clock is set forward
  bool paused_ = false;
  int losses_ = 0;
  std::vector<std::string> trace_;
};

TEST(SameTraceTest, EveryEngineAnswersTheSame) {
  const uint64_t first_seed = NumberFrom("ONHOOK_SEED", 20261126);
  const uint64_t scenarios = NumberFrom("ONHOOK_SCENARIOS", 6);
  for (uint64_t seed = first_seed; seed < first_seed + scenarios; ++seed) {
    SCOPED_TRACE(absl::StrCat("ONHOOK_SEED=", seed));
    std::map<std::string, std::vector<std::string>> traces;
    for (const EngineKind& kind : AllEngines()) {
      const std::unique_ptr<Engine> engine = kind.make();
      if (!engine->is_deterministic()) continue;
      traces[kind.name] = Scenario(seed, engine.get()).Run();
    }
    ASSERT_GT(traces.size(), 1u);
    const std::vector<std::string>& one = traces.begin()->second;
    for (const auto& [name, trace] : traces) {
      for (size_t i = 0; i < std::min(one.size(), trace.size()); ++i) {
        ASSERT_EQ(trace[i], one[i]) << name << ", line " << i << ", behind " << one[i - (i > 0)];
      }
      ASSERT_EQ(trace.size(), one.size()) << name;
    }
  }
}

}  // namespace
}  // namespace onhook
