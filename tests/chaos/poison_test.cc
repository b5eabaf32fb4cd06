// An event that nobody can process is given up after the attempts that were agreed, and harms no
// other: one that is nacked each time, and one that kills whoever gets it.
//
//   ONHOOK_POISON_ROUNDS=10 build/release/tests/chaos/chaos_test --gtest_filter='*OthersGoOn*'
//
// ONHOOK_POISON_OTHERS says how many other events each round has.
#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/chaos/consumer_lines.h"
#include "tests/chaos/consumer_process.h"
#include "tests/chaos/gateway_life.h"
#include "tests/crash/callback_load.h"
#include "tests/crash/run_parameters.h"

namespace onhook {
namespace {

using testing::IsEmpty;

constexpr char kName[] = "crm";
constexpr int kConsumers = 4;
constexpr int kAttempts = 3;
// Streams that an event may take with it before it goes alone and its attempts count.
constexpr int kUncountedLosses = 3;
constexpr int64_t kNone = -1;  // no event is the poison
constexpr int kConnections = 2;
constexpr absl::Duration kPatience = GatewayLife::kPatience;
// Between two looks at who has died.
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(5);

class PoisonTest : public testing::Test {
 protected:
  PoisonTest() : life_("poison") {}
  ~PoisonTest() override {
    for (const auto& consumer : consumers_) {
      if (HasFailure()) ADD_FAILURE() << "a consumer wrote:\n" << consumer->report().words();
    }
  }

  void SetUp() override {
    ASSERT_TRUE(life_.Start());
    v1::SubscriptionSpec spec;
    spec.set_max_delivery_attempts(kAttempts);
    spec.mutable_minimum_retry_time();  // none
    life_.CreateSubscription(kName, spec, {nullptr, kAttempts});
  }

  // Consumers that fail on the callback of this number.
  void StartConsumers(const std::string& manner, int64_t poison) {
    consumers_.clear();
    manner_ = manner;
    for (int i = 0; i < kConsumers; ++i) consumers_.push_back(Consumer(manner, poison));
  }
  std::unique_ptr<ConsumerProcess> Consumer(const std::string& manner, int64_t poison) {
    return life_.StartConsumer({kName, absl::StrCat("consumer-", ++started_), "1", manner,
                                life_.ledger().CallSerialNo(poison)});
  }

  // Posts many callbacks, the poison among them if there is one; starts every consumer anew that
  // dies of it meanwhile, and waits until the others are acked and the poison is parked. Returns
  // how long each of the others took.
  std::vector<absl::Duration> Post(int64_t poison) {
    CallLedger& ledger = life_.ledger();
    const int64_t first = ledger.opened();
    const int64_t last = first + others_ + (poison == kNone ? 0 : 1);
    CallbackLoad load(&life_.address(), &ledger, kConnections, last - first);
    const absl::Duration given_up = clock_.Elapsed() + kPatience;
    std::vector<absl::Duration> latencies;
    deaths_ = 0;
    while (clock_.Elapsed() < given_up) {
      Revive(poison);
      const bool parked =
          poison == kNone || (life_.StatsOf(kName).dead_letters() > 0 && AllDeathsAreSeen(poison));
      latencies = ledger.Latencies(kName, first, last);
      if (parked && static_cast<int64_t>(latencies.size()) == others_) break;
    }
    if (!load.Finish(kPatience)) life_.GiveUp();
    EXPECT_EQ(static_cast<int64_t>(latencies.size()), others_);
    EXPECT_TRUE(life_.WaitUntilDrained(kName));
    return latencies;
  }
  // The number of a callback in the midst of those that come next.
  int64_t NextPoison() { return life_.ledger().opened() + others_ / 3; }
  bool AllDeathsAreSeen(int64_t poison) const {
    return manner_ != "dying" || deaths_ == life_.ledger().deliveries(kName, poison);
  }
  void Revive(int64_t poison) {
    for (std::unique_ptr<ConsumerProcess>& consumer : consumers_) {
      const std::optional<ProcessEnd> end = consumer->Wait(kBetweenLooks);
      if (!end.has_value()) continue;
      EXPECT_EQ(*end, (ProcessEnd{-1, SIGKILL})) << consumer->report().words();
      ++deaths_;
      consumer = Consumer(manner_, poison);
    }
  }
  // Every consumer runs, and leaves when it is told to.
  void LeaveAll() {
    for (const std::unique_ptr<ConsumerProcess>& consumer : consumers_) {
      EXPECT_FALSE(consumer->Wait(absl::ZeroDuration()).has_value());
      consumer->Tell(consumer_lines::kLeave);
      EXPECT_EQ(consumer->Wait(kPatience), (ProcessEnd{0, 0})) << consumer->report().words();
    }
  }

  // The only dead letter; an empty one, and a failed expectation, if there is not one.
  v1::DeadLetter OnlyDeadLetter() {
    const std::vector<v1::DeadLetter> letters = life_.DeadLettersOf(kName);
    EXPECT_EQ(letters.size(), 1u);
    life_.ledger().EnterDeadLetters(kName, letters);
    return letters.empty() ? v1::DeadLetter() : letters.front();
  }
  // Consumers that are mended get it once more, and all is well.
  void RedriveToMendedConsumers(int64_t poison) {
    StartConsumers("calm", poison);
    EXPECT_EQ(life_.RedriveAll(kName), 1);
    EXPECT_TRUE(life_.WaitUntilDrained(kName));
    LeaveAll();
    EXPECT_EQ(life_.ledger().deliveries(kName, poison), 1);
    EXPECT_THAT(life_.DeadLettersOf(kName), IsEmpty());
    EXPECT_THAT(life_.ledger().Findings(), IsEmpty());
  }

  const SystemClock clock_;
  const int64_t others_ = static_cast<int64_t>(FromEnvironment("ONHOOK_POISON_OTHERS", 3000));
  GatewayLife life_;
  int started_ = 0;
  std::string manner_;
  int deaths_ = 0;
  std::vector<std::unique_ptr<ConsumerProcess>> consumers_;
};

TEST_F(PoisonTest, AnEventThatIsNackedEachTimeIsParkedWithItsLastReason) {
  const int64_t poison = NextPoison();
  StartConsumers("nacking", poison);
  Post(poison);
  LeaveAll();
  const v1::DeadLetter letter = OnlyDeadLetter();
  EXPECT_EQ(letter.event().call_serial_no(), life_.ledger().CallSerialNo(poison));
  EXPECT_EQ(letter.reason(), v1::DeadLetter::REASON_ATTEMPTS_EXHAUSTED);
  EXPECT_EQ(letter.detail(), "it cannot be read, attempt 3");
  EXPECT_EQ(letter.attempts(), kAttempts);
  EXPECT_EQ(life_.ledger().deliveries(kName, poison), kAttempts);
  RedriveToMendedConsumers(poison);
}

TEST_F(PoisonTest, AnEventThatKillsItsConsumerIsParkedAndWhatWasInTheSameHandIsNot) {
  const int64_t poison = NextPoison();
  StartConsumers("dying", poison);
  Post(poison);
  LeaveAll();
  const v1::DeadLetter letter = OnlyDeadLetter();
  EXPECT_EQ(letter.event().call_serial_no(), life_.ledger().CallSerialNo(poison));
  EXPECT_EQ(letter.reason(), v1::DeadLetter::REASON_ATTEMPTS_EXHAUSTED);
  EXPECT_EQ(letter.attempts(), kAttempts);
  EXPECT_EQ(life_.ledger().deliveries(kName, poison), kUncountedLosses + kAttempts);
  EXPECT_EQ(deaths_, kUncountedLosses + kAttempts);
  const CallLedger::Tally tally = life_.ledger().TallyOf(kName);
  const int64_t came_again = tally.deliveries - tally.received - (kUncountedLosses + kAttempts - 1);
  EXPECT_GT(came_again, 0) << "nothing else was in hand";
  RedriveToMendedConsumers(poison);
}

absl::Duration Percentile(std::vector<absl::Duration> latencies, size_t percent) {
  std::sort(latencies.begin(), latencies.end());
  return latencies[latencies.size() * percent / 100];
}

// Says what the others feel of it, and expects that each comes through. Rounds of each kind take
// turns, so that all see the same machine.
TEST_F(PoisonTest, TheOthersGoOnWhateverAnEventDoesToItsConsumers) {
  const uint64_t rounds = FromEnvironment("ONHOOK_POISON_ROUNDS", 1);
  const std::vector<std::string> kinds = {"calm", "nacking", "dying"};
  std::map<std::string, std::vector<absl::Duration>> latencies;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (const std::string& kind : kinds) {
      const int64_t poison = kind == "calm" ? kNone : NextPoison();
      StartConsumers(kind == "calm" ? "dying" : kind, poison);
      const std::vector<absl::Duration> others = Post(poison);
      LeaveAll();
      latencies[kind].insert(latencies[kind].end(), others.begin(), others.end());
      if (poison == kNone) continue;
      OnlyDeadLetter();
      RedriveToMendedConsumers(poison);
    }
  }
  for (const std::string& kind : kinds) {
    std::cout << "from post to confirmed ack, " << kind << ":";
    for (const size_t percent : {50, 90, 99}) {
      const absl::Duration calm = Percentile(latencies["calm"], percent);
      const absl::Duration here = Percentile(latencies[kind], percent);
      std::cout << "  p" << percent << " " << here << " (ratio " << absl::FDivDuration(here, calm)
                << ")";
    }
    std::cout << std::endl;
  }
}

}  // namespace
}  // namespace onhook
