// A random walk of the state machine beside a model that is too simple to be wrong: a table of
// events, each owed or not, with whom, and under how many decisions. ONHOOK_WALK_STEPS and
// ONHOOK_SEED choose how far and where from.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gateway/store/subscription_state.h"

namespace onhook {
namespace {

using Action = SettleRequest::Action;
using Decision = SubscriptionState::Decision;
using Outcome = SubscriptionState::Outcome;

constexpr int kStepsOfOneWalk = 2000;
constexpr ConsumerId kConsumers = 4;

int64_t NumberFrom(const char* variable, int64_t otherwise) {
  const char* const text = std::getenv(variable);
  int64_t number = 0;
  return text != nullptr && absl::SimpleAtoi(text, &number) ? number : otherwise;
}

class Walk {
 public:
  explicit Walk(uint64_t seed) : random_(seed) {
    rules_.max_delivery_attempts = 3;
    rules_.minimum_retry_time = absl::Minutes(1);
    rules_.max_unacked_events = 40;
    SubscriptionState::Beginning beginning;
    beginning.first_lease = first_lease_;
    state_.emplace(beginning, rules_, seed, now_);
  }

  void Step() {
    switch (Random(16)) {
      case 0:
        last_ += Random(4);
        break;
      case 1:
        return Attach(1 + Random(kConsumers));
      case 2:
        if (Random(3) == 0) Detach(1 + Random(kConsumers));
        break;
      case 3:
        return Wait(absl::Milliseconds(Random(20000)));
      case 4:
        return Nack(Random(2) == 0 ? Action::kRetry : Action::kPark);
      case 5:
        return Release();
      case 6:
        if (Random(40) == 0) Seek();
        if (Random(40) == 0) Restart();
        break;
      case 7:
        return Redrive();
      case 8:
        if (Random(40) == 0) Drop();
        break;
      case 9:
      case 10:
      case 11:
        return FinishOne();
      case 12:
      case 13:
        return Ack();
      default:
        return Take(1 + Random(kConsumers));
    }
  }

  void Check() const {
    int64_t owed = 0;
    int64_t held = 0;
    for (Sequence sequence = 1; sequence <= last_; ++sequence) {
      const Event& event = Of(sequence);
      ASSERT_EQ(state_->IsSettled(sequence), event.settled) << sequence;
      ASSERT_EQ(state_->HasDeadLetter(sequence), event.dead_letter) << sequence;
      ASSERT_EQ(state_->HolderOf(sequence), event.holder) << sequence;
      owed += event.settled ? 0 : 1;
      held += event.holder != 0 ? 1 : 0;
    }
    ASSERT_EQ(state_->Backlog(last_), owed);
    ASSERT_EQ(state_->outstanding(), held);
    ASSERT_GE(state_->floor(), floor_);
  }

  // With time and one patient consumer, everything comes to rest.
  void Drain() {
    for (ConsumerId consumer = 1; consumer <= kConsumers; ++consumer) Detach(consumer);
    while (!open_.empty()) FinishOne(/*committed=*/true);
    Attach(1);
    for (int turn = 0; turn < 100000 && state_->Backlog(last_) > 0; ++turn) {
      Take(1);
      AckHeldBy(1);
      while (!open_.empty()) FinishOne(/*committed=*/true);
      if (turn % 8 == 0) Wait(absl::Minutes(1));
    }
    ASSERT_EQ(state_->Backlog(last_), 0) << "something is stuck";
  }

 private:
  struct Event {
    bool settled = false;
    bool dead_letter = false;
    std::optional<Trials> trials;  // as they lie on disk
    ConsumerId holder = 0;
    LeaseNumber lease = 0;
    bool written = false;
    int deciding = 0;
  };

  int64_t Random(int64_t below) { return static_cast<int64_t>(random_() % below); }
  Event& Of(Sequence sequence) { return events_[sequence]; }
  const Event& Of(Sequence sequence) const {
    static const Event fresh;
    const auto it = events_.find(sequence);
    return it == events_.end() ? fresh : it->second;
  }
  Sequence Any() { return 1 + Random(std::max<Sequence>(last_, 1)); }

  void Attach(ConsumerId consumer) {
    if (state_->attached(consumer)) return;
    state_->Attach(consumer, {1 + Random(8), 1000}, std::nullopt);
  }

  void Detach(ConsumerId consumer) {
    if (!state_->attached(consumer)) return;
    const Departure departure = Random(2) == 0 ? Departure::kLost : Departure::kInOrder;
    for (const Decision& decision : state_->Detach(consumer, departure, now_).decisions) {
      Opened(decision);
    }
    for (auto& [sequence, event] : events_) {
      if (event.holder == consumer) event.holder = 0;
    }
  }

  void Take(ConsumerId consumer) {
    if (!state_->attached(consumer)) return;
    const auto next = state_->ChooseNext(last_, consumer, now_);
    if (!next.has_value()) return;
    Event& event = Of(next->sequence);
    ASSERT_LE(next->sequence, last_);
    ASSERT_FALSE(event.settled) << next->sequence;
    ASSERT_EQ(event.holder, 0) << next->sequence;
    ASSERT_EQ(event.deciding, 0) << next->sequence;
    ASSERT_TRUE(state_->HasCredit(consumer)) << consumer;
    if (next->from == SubscriptionState::From::kFresh && Random(10) == 0) {
      state_->Exclude(next->sequence);
      event.settled = true;
      return;
    }
    const LeaseNumber before = event.lease;
    event.lease = state_->Lease(*next, consumer, 100, now_).lease;
    ASSERT_GT(event.lease, before);
    event.holder = consumer;
    event.written = Random(8) != 0;
    if (event.written) state_->MarkWritten(next->sequence, consumer, now_);
  }

  void Wait(absl::Duration time) {
    now_.elapsed += time;
    now_.wall += time;
    for (const Decision& decision : state_->Advance(now_)) {
      Of(decision.sequence).holder = 0;
      ASSERT_TRUE(Of(decision.sequence).written) << decision.sequence;
      Opened(decision);
    }
    // What was not written in time goes back without a decision.
    for (auto& [sequence, event] : events_) {
      if (event.holder == 0 || state_->HolderOf(sequence) != 0) continue;
      ASSERT_FALSE(event.written) << sequence;
      event.holder = 0;
    }
    ASSERT_GT(state_->NextDue(), now_.elapsed);
  }

  void Opened(const Decision& decision) {
    ++Of(decision.sequence).deciding;
    open_.push_back(decision);
  }

  void AckHeldBy(ConsumerId consumer) {
    for (const auto& [sequence, event] : events_) {
      if (event.holder != consumer) continue;
      const auto decision = state_->BeginAck(sequence);
      ASSERT_TRUE(decision.has_value()) << sequence;
      return Opened(*decision);
    }
  }

  void Ack() {
    if (last_ == 0) return;
    Sequence sequence = Any();
    for (const auto& [candidate, event] : events_) {
      if (event.holder != 0 && Random(4) != 0) sequence = candidate;
    }
    const auto decision = state_->BeginAck(sequence);
    ASSERT_EQ(decision.has_value(), !Of(sequence).settled || Of(sequence).dead_letter) << sequence;
    if (decision.has_value()) Opened(*decision);
  }

  void Nack(Action action) {
    if (last_ == 0) return;
    const Sequence sequence = Any();
    const Event& event = Of(sequence);
    if (event.lease == 0) return;  // no id names it
    const auto decision = state_->BeginNack(sequence, event.lease, action, std::nullopt, now_);
    if (event.settled || event.deciding > 0) {
      ASSERT_FALSE(decision.has_value()) << sequence;
    }
    if (decision.has_value()) Opened(*decision);
  }

  void Release() {
    if (last_ == 0) return;
    const Sequence sequence = Any();
    const LeaseNumber lease = Of(sequence).lease;
    if (lease != 0 && state_->ReleaseLease(sequence, lease, now_).has_value())
      Of(sequence).holder = 0;
  }

  // In any order.
  void FinishOne() { FinishOne(Random(8) != 0); }
  void FinishOne(bool committed) {
    if (open_.empty()) return;
    const size_t index = static_cast<size_t>(Random(static_cast<int64_t>(open_.size())));
    const Decision decision = open_[index];
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(index));
    state_->Finish(decision, committed, now_);
    Event& event = Of(decision.sequence);
    if (decision.epoch != state_->epoch()) return FinishOld(decision, committed, event);
    --event.deciding;
    if (!committed) return;
    if (decision.outcome == Outcome::kRetry) {
      event.trials = decision.trials;
      if (!event.settled) event.holder = 0;
    } else if (!event.settled) {
      event.settled = true;
      event.holder = 0;
      event.dead_letter = decision.outcome == Outcome::kPark;
    } else if (decision.ends_dead_letter) {
      event.dead_letter = false;
    }
  }
  void FinishOld(const Decision& decision, bool committed, Event& event) {
    if (!committed || decision.outcome == Outcome::kRetry) return;
    if (decision.outcome == Outcome::kPark) {
      event.dead_letter = true;
    } else if (decision.ends_dead_letter) {
      event.dead_letter = false;
    }
    // What was redriven may be settled by this; the state says so itself.
    event.settled = state_->IsSettled(decision.sequence);
    event.holder = state_->HolderOf(decision.sequence);
  }

  void Seek() {
    const Sequence after = Random(last_ + 1);
    std::map<Sequence, bool> redriven;
    for (const auto& [first, last] : state_->redriven().runs()) {
      for (Sequence sequence = first; sequence <= last; ++sequence) redriven[sequence] = true;
    }
    state_->Seek(after);
    floor_ = 0;
    for (Sequence sequence = 1; sequence <= last_; ++sequence) {
      Event& event = Of(sequence);
      event.settled = sequence <= after && redriven.count(sequence) == 0;
      event.trials.reset();
      event.holder = 0;
      event.deciding = 0;
    }
  }

  // The process is killed: what was not committed is lost, and so are all streams.
  void Restart() {
    SubscriptionState::Beginning beginning;
    beginning.floor = state_->floor();
    beginning.settled = state_->settled();
    beginning.dead_letters = state_->dead_letters();
    beginning.redriven = state_->redriven();
    beginning.replayed_through = state_->replayed_through();
    beginning.first_lease = (first_lease_ += 1 << 20);
    for (auto& [sequence, event] : events_) {
      event.holder = 0;
      event.deciding = 0;
      if (!event.settled && event.trials.has_value()) beginning.tried[sequence] = *event.trials;
    }
    open_.clear();
    state_.emplace(std::move(beginning), rules_, random_(), now_);
  }

  void Redrive() {
    const Sequence sequence = last_ == 0 ? 0 : Any();
    if (sequence == 0 || !state_->HasDeadLetter(sequence)) return;
    Event& event = Of(sequence);
    if (Random(2) == 0) {
      state_->Discard(sequence);
    } else {
      state_->Redrive(sequence);
      event.settled = false;
      event.trials.reset();
    }
    event.dead_letter = false;
  }

  void Drop() {
    const Sequence through = Random(last_ + 1);
    const SequenceSet dropped = state_->Drop(through);
    for (const auto& [first, last] : dropped.runs()) {
      for (Sequence sequence = first; sequence <= last; ++sequence) {
        Event& event = Of(sequence);
        ASSERT_FALSE(event.settled) << sequence;
        ASSERT_EQ(event.holder, 0) << sequence;
        event.settled = true;
      }
    }
  }

  std::mt19937_64 random_;
  SubscriptionRules rules_;
  Moment now_{absl::Hours(1), absl::FromUnixSeconds(1'700'000'000)};
  std::optional<SubscriptionState> state_;
  LeaseNumber first_lease_ = 1;
  Sequence last_ = 0;
  Sequence floor_ = 0;
  std::map<Sequence, Event> events_;
  std::vector<Decision> open_;
};

TEST(SubscriptionStateWalkTest, TheStateAgreesWithItsModelWhereverTheWalkLeads) {
  const int64_t steps = NumberFrom("ONHOOK_WALK_STEPS", 1'000'000);
  const auto first_seed = static_cast<uint64_t>(NumberFrom("ONHOOK_SEED", 20261123));
  for (int64_t walked = 0; walked < steps; walked += kStepsOfOneWalk) {
    const uint64_t seed = first_seed + static_cast<uint64_t>(walked / kStepsOfOneWalk);
    SCOPED_TRACE(absl::StrCat("ONHOOK_SEED=", seed));
    Walk walk(seed);
    for (int step = 0; step < kStepsOfOneWalk; ++step) {
      walk.Step();
      if (step % 8 == 0) walk.Check();
      if (testing::Test::HasFatalFailure()) FAIL() << "at step " << step;
    }
    walk.Drain();
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace onhook
