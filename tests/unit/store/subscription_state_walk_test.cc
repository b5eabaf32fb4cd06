// Walks the state machine of a subscription at random, beside a model so simple that it can be seen
// to be right, and compares the two after every step.
//
// ONHOOK_WALK_STEPS and ONHOOK_WALK_SEED set how far, and which way first.
#include <gtest/gtest.h>

#include <algorithm>
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

using Next = SubscriptionState::Next;

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  int64_t value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

// One entry for each event of the log: nothing is derived, nothing is remembered twice.
class Model {
 public:
  enum class Place { kFresh, kHeld, kReturned, kOnItsWay, kAside, kSettled };
  struct Event {
    Place place = Place::kFresh;
    ConsumerId holder = 0;
    int64_t bytes = 0;
    int settling = 0;
  };

  explicit Model(int64_t span) : span_(span) {}

  Sequence last() const { return static_cast<Sequence>(events_.size()); }
  Event& At(Sequence sequence) { return events_[static_cast<size_t>(sequence - 1)]; }
  const Event& At(Sequence sequence) const { return events_[static_cast<size_t>(sequence - 1)]; }
  void Append() { events_.emplace_back(); }

  // Everything up to here is settled. Only ever moves on.
  Sequence floor() const {
    while (floor_ < last() && At(floor_ + 1).place == Place::kSettled) ++floor_;
    return floor_;
  }
  Sequence FirstIn(Place place) const {
    Sequence sequence = floor() + 1;
    while (sequence <= last() && At(sequence).place != place) ++sequence;
    return sequence;
  }
  // The lowest returned event, else the lowest fresh one if the span allows it.
  std::optional<Next> NextToHandOut() const {
    if (const Sequence returned = FirstIn(Place::kReturned); returned <= last()) {
      return Next{returned, true};
    }
    const Sequence fresh = FirstIn(Place::kFresh);
    if (fresh > last() || fresh > floor() + span_) return std::nullopt;
    return Next{fresh, false};
  }
  ConsumerLimits HeldBy(ConsumerId consumer) const {
    ConsumerLimits held{0, 0};
    for (Sequence sequence = floor() + 1; sequence <= last(); ++sequence) {
      if (At(sequence).place != Place::kHeld || At(sequence).holder != consumer) continue;
      ++held.max_outstanding_events;
      held.max_outstanding_bytes += At(sequence).bytes;
    }
    return held;
  }
  void Release(Sequence sequence) {
    Event& event = At(sequence);
    event.place = event.settling > 0 ? Place::kOnItsWay : Place::kReturned;
    event.holder = 0;
  }

 private:
  const int64_t span_;
  std::vector<Event> events_;
  mutable Sequence floor_ = 0;
};

class SubscriptionWalk {
 public:
  static constexpr int64_t kSpan = 24;
  // More would only make the comparison slow.
  static constexpr int64_t kMostUnsettled = 64;

  explicit SubscriptionWalk(uint64_t seed) : random_(seed) {}

  void Step() {
    switch (Below(16)) {
      case 0:
      case 1:
        return Append();
      case 2:
        return Attach();
      case 3:
        return Below(4) == 0 ? Detach() : SetLimits();
      case 4:
        return Below(16) == 0 ? SetAside() : FinishSettling();
      case 5:
      case 6:
      case 7:
        return BeginSettling();
      case 8:
      case 9:
      case 10:
        return FinishSettling();
      default:
        return HandOut();
    }
  }

  // Compares all that the machine tells with what the model says.
  void Check() {
    ASSERT_GE(state_.floor(), floor_before_) << "the floor fell";
    floor_before_ = state_.floor();
    ASSERT_EQ(state_.floor(), model_.floor());
    int64_t held = 0;
    int64_t settled = 0;
    for (Sequence sequence = model_.floor() + 1; sequence <= model_.last(); ++sequence) {
      const Model::Event& event = model_.At(sequence);
      const bool is_settled = event.place == Model::Place::kSettled;
      ASSERT_EQ(state_.settled().Contains(sequence), is_settled) << sequence;
      settled += is_settled ? 1 : 0;
      held += event.place == Model::Place::kHeld ? 1 : 0;
    }
    ASSERT_EQ(state_.settled().size(), settled);
    ASSERT_EQ(state_.outstanding(), held);
    ASSERT_EQ(state_.Backlog(model_.last()), model_.last() - model_.floor() - settled);
    ASSERT_EQ(state_.next_fresh(), model_.FirstIn(Model::Place::kFresh));
    ASSERT_NO_FATAL_FAILURE(CheckNext());
    for (const auto& [consumer, limits] : limits_) {
      ASSERT_EQ(state_.HasCredit(consumer), MayHold(consumer, 1)) << "consumer " << consumer;
    }
  }

  int64_t handed_out() const { return handed_out_; }
  Sequence floor() const { return floor_before_; }

 private:
  int64_t Below(int64_t bound) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(bound));
  }

  void CheckNext() const {
    const std::optional<Next> next = state_.PeekNext(model_.last());
    const std::optional<Next> expected = model_.NextToHandOut();
    ASSERT_EQ(next.has_value(), expected.has_value());
    if (!next.has_value()) return;
    ASSERT_EQ(next->sequence, expected->sequence);
    ASSERT_EQ(next->returned, expected->returned);
  }
  bool MayHold(ConsumerId consumer, int64_t bytes) const {
    const ConsumerLimits held = model_.HeldBy(consumer);
    const ConsumerLimits& limits = limits_.at(consumer);
    if (held.max_outstanding_events >= limits.max_outstanding_events) return false;
    return held.max_outstanding_events == 0 ||
           held.max_outstanding_bytes + bytes <= limits.max_outstanding_bytes;
  }
  ConsumerLimits SomeLimits() { return {1 + Below(8), 1 + Below(200)}; }
  std::optional<ConsumerId> SomeConsumer() {
    if (limits_.empty()) return std::nullopt;
    return std::next(limits_.begin(), Below(static_cast<int64_t>(limits_.size())))->first;
  }

  void Append() {
    if (model_.last() - model_.floor() < kMostUnsettled) model_.Append();
  }
  void Attach() {
    if (limits_.size() >= 5) return;
    const ConsumerId consumer = ++last_consumer_;
    limits_[consumer] = SomeLimits();
    state_.Attach(consumer, limits_[consumer]);
  }
  void SetLimits() {
    const std::optional<ConsumerId> consumer = SomeConsumer();
    if (!consumer.has_value()) return;
    limits_[*consumer] = SomeLimits();
    state_.SetLimits(*consumer, limits_[*consumer]);
  }
  void Detach() {
    const std::optional<ConsumerId> consumer = SomeConsumer();
    if (!consumer.has_value()) return;
    size_t returned = 0;
    for (Sequence sequence = model_.floor() + 1; sequence <= model_.last(); ++sequence) {
      if (model_.At(sequence).holder != *consumer) continue;
      model_.Release(sequence);
      if (model_.At(sequence).place == Model::Place::kReturned) ++returned;
    }
    limits_.erase(*consumer);
    EXPECT_EQ(state_.Detach(*consumer), returned);
  }

  void HandOut() {
    const std::optional<ConsumerId> consumer = SomeConsumer();
    const std::optional<Next> next = state_.PeekNext(model_.last());
    const int64_t bytes = 1 + Below(60);
    if (!consumer.has_value() || !next.has_value()) return;
    ASSERT_EQ(state_.HasCredit(*consumer, bytes), MayHold(*consumer, bytes));
    if (!MayHold(*consumer, bytes)) return;
    Model::Event& event = model_.At(next->sequence);
    ASSERT_TRUE(event.place == Model::Place::kFresh || event.place == Model::Place::kReturned);
    ASSERT_TRUE(next->returned || next->sequence <= model_.floor() + kSpan);
    event.place = Model::Place::kHeld;
    event.holder = *consumer;
    event.bytes = bytes;
    state_.LeaseNext(*next, *consumer, bytes);
    ++handed_out_;
  }
  void SetAside() {
    const std::optional<Next> next = state_.PeekNext(model_.last());
    if (!next.has_value()) return;
    model_.At(next->sequence).place = Model::Place::kAside;
    state_.SetAside(*next);
  }

  void BeginSettling() {
    const Sequence lowest = std::max<Sequence>(model_.floor() - 2, 0);
    if (lowest == model_.last()) return;
    // Usually among the lowest, so that the floor moves.
    const Sequence span = model_.last() - lowest;
    const Sequence sequence = lowest + 1 + std::min(Below(span), Below(span));
    Model::Event& event = model_.At(sequence);
    const bool already = event.place == Model::Place::kSettled;
    ASSERT_EQ(state_.BeginSettling(sequence) == SubscriptionState::Settling::kAlready, already);
    if (already) return;
    ++event.settling;
    if (event.place != Model::Place::kHeld) event.place = Model::Place::kOnItsWay;
    settling_.push_back(sequence);
  }
  void FinishSettling() {
    if (settling_.empty()) return;
    std::swap(settling_[static_cast<size_t>(Below(static_cast<int64_t>(settling_.size())))],
              settling_.back());
    const Sequence sequence = settling_.back();
    settling_.pop_back();
    Model::Event& event = model_.At(sequence);
    --event.settling;
    if (Below(4) > 0) {
      EXPECT_EQ(state_.Settled(sequence), event.holder);
      event.place = Model::Place::kSettled;
      event.holder = 0;
    } else {
      state_.SettlingFailed(sequence);
      if (event.place == Model::Place::kOnItsWay) model_.Release(sequence);
    }
  }

  std::mt19937_64 random_;
  SubscriptionState state_{0, SequenceSet(), kSpan};
  Model model_{kSpan};
  std::map<ConsumerId, ConsumerLimits> limits_;  // of those attached
  std::vector<Sequence> settling_;               // one entry for each request under way
  ConsumerId last_consumer_ = 0;
  Sequence floor_before_ = 0;
  int64_t handed_out_ = 0;
};

TEST(SubscriptionStateWalkTest, EveryStepAgreesWithTheModel) {
  constexpr int64_t kWalks = 24;
  const int64_t steps = FromEnvironment("ONHOOK_WALK_STEPS", 120'000) / kWalks;
  const int64_t first_seed = FromEnvironment("ONHOOK_WALK_SEED", 1);
  RecordProperty("first_seed", static_cast<int>(first_seed));
  for (int64_t seed = first_seed; seed < first_seed + kWalks; ++seed) {
    SubscriptionWalk walk(static_cast<uint64_t>(seed));
    for (int64_t step = 0; step < steps; ++step) {
      SCOPED_TRACE(absl::StrCat("ONHOOK_WALK_SEED=", seed, ", step ", step));
      ASSERT_NO_FATAL_FAILURE(walk.Step());
      ASSERT_NO_FATAL_FAILURE(walk.Check());
      ASSERT_FALSE(::testing::Test::HasFailure());
    }
    // A walk that stands still proves nothing.
    if (steps < 1000) continue;
    EXPECT_GT(walk.handed_out(), steps / 50) << "seed " << seed;
    EXPECT_GT(walk.floor(), steps / 50) << "seed " << seed;
  }
}

}  // namespace
}  // namespace onhook
