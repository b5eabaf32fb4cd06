#include "tests/chaos/chaos_run.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/chaos/consumer_lines.h"
#include "tests/crash/callback_load.h"

namespace onhook {
namespace {

constexpr int kConnections = 8;
constexpr uint64_t kFewestSteps = 50;  // of a round
constexpr absl::Duration kLongestStep = absl::Milliseconds(20);
// Longer than the deadline of "hasty".
constexpr absl::Duration kLongestStop = absl::Seconds(3);
constexpr int64_t kFewUnseen = 10;

bool IsWantedByPicky(int64_t number) { return number % 3 != 1; }  // CallLedger::ReleaseReason()

}  // namespace

const std::vector<std::string>& ChaosRun::Subscriptions() {
  static const auto* const names = new std::vector<std::string>{"steady", "hasty", "picky"};
  return *names;
}

ChaosRun::ChaosRun(uint64_t seed) : random_(seed), life_(absl::StrCat("chaos-", seed)) {}

ChaosRun::~ChaosRun() {
  if (!testing::Test::HasFailure()) return;
  for (const Chair& chair : chairs_) {
    if (chair.consumer == nullptr) continue;
    ADD_FAILURE() << "a consumer of " << chair.subscription << " wrote:\n"
                  << chair.consumer->report().words();
  }
}

bool ChaosRun::Start() {
  if (!life_.Start()) return false;
  v1::SubscriptionSpec hasty;
  hasty.mutable_ack_deadline()->set_seconds(1);
  hasty.set_max_delivery_attempts(3);
  hasty.mutable_minimum_retry_time()->set_seconds(1);
  v1::SubscriptionSpec picky;
  picky.mutable_ack_deadline()->set_seconds(5);
  picky.mutable_unlimited_delivery_attempts();
  picky.mutable_filter()->add_release_reason_codes("0");
  picky.mutable_filter()->add_release_reason_codes("2");
  life_.CreateSubscription("steady", {}, {});
  life_.CreateSubscription("hasty", hasty, {nullptr, hasty.max_delivery_attempts()});
  life_.CreateSubscription("picky", picky, {IsWantedByPicky, {}});
  for (int i = 0; i < kConsumers; ++i) {
    const std::string& name = Subscriptions()[static_cast<size_t>(i) % Subscriptions().size()];
    chairs_.push_back({name, name == "hasty" ? "careless" : "wild", nullptr, {}});
    Occupy(chairs_.back());
  }
  return true;
}

bool ChaosRun::Round(int64_t callbacks) {
  CallLedger& ledger = life_.ledger();
  const int64_t aim = ledger.promised() + callbacks;
  const absl::Duration given_up = clock_.Elapsed() + GatewayLife::kPatience;
  CallbackLoad load(&life_.address(), &ledger, kConnections, callbacks);
  bool up = true;
  const uint64_t fatal = Below(kFewestSteps);
  for (uint64_t step = 0; up && clock_.Elapsed() < given_up; ++step) {
    if (step >= kFewestSteps && ledger.promised() >= aim) break;
    Step();
    if (step != fatal) continue;
    life_.Kill();
    up = StartGateway();
  }
  const bool accepted = up && load.Finish(GatewayLife::kPatience);
  EXPECT_TRUE(accepted) << "not every callback was accepted in the end";
  if (!accepted) life_.GiveUp();
  unanswered_ += load.unanswered();
  return accepted;
}

void ChaosRun::Calm() {
  ContinueAll(/*only_due=*/false);
  for (Chair& chair : chairs_) chair.consumer->Tell(consumer_lines::kBehave);
  life_.Kill();
  if (!StartGateway()) return;
  for (const std::string& subscription : Subscriptions()) life_.WaitUntilDrained(subscription);
  for (Chair& chair : chairs_) {
    chair.consumer->Tell(consumer_lines::kLeave);
    const std::optional<ProcessEnd> end = chair.consumer->Wait(GatewayLife::kPatience);
    EXPECT_EQ(end, (ProcessEnd{0, 0})) << chair.consumer->report().words();
    Vacate(chair);
  }
  for (const std::string& subscription : Subscriptions()) {
    const std::vector<v1::DeadLetter> letters = life_.DeadLettersOf(subscription);
    life_.ledger().EnterDeadLetters(subscription, letters);
    EXPECT_EQ(life_.StatsOf(subscription).dead_letters(), static_cast<int64_t>(letters.size()));
    const CallLedger::Tally tally = life_.ledger().TallyOf(subscription);
    // What was on its way to somebody who died counts, but that is not the rule.
    EXPECT_LE(tally.unseen, kFewUnseen + tally.exhausted / 4) << subscription;
  }
}

int64_t ChaosRun::RedriveAll() {
  int64_t redriven = 0;
  for (const std::string& subscription : Subscriptions()) {
    const std::vector<v1::DeadLetter> letters = life_.DeadLettersOf(subscription);
    EXPECT_EQ(life_.RedriveAll(subscription), static_cast<int64_t>(letters.size()));
    redriven += static_cast<int64_t>(letters.size());
    Chair chair{subscription, "calm", nullptr, {}};
    Occupy(chair);
    life_.WaitUntilDrained(subscription);
    chair.consumer->Tell(consumer_lines::kLeave);
    EXPECT_EQ(chair.consumer->Wait(GatewayLife::kPatience), (ProcessEnd{0, 0}));
    for (const v1::DeadLetter& letter : letters) {
      const int64_t number = ledger().NumberOf(letter.event().call_serial_no());
      EXPECT_EQ(ledger().deliveries(subscription, number), 1) << letter.ShortDebugString();
    }
    EXPECT_EQ(life_.DeadLettersOf(subscription).size(), 0u);
    EXPECT_EQ(life_.StatsOf(subscription).dead_letters(), 0);
  }
  return redriven;
}

std::string ChaosRun::Summary() {
  std::string summary =
      absl::StrCat(ledger().opened(), " callbacks, ", unanswered_, " times without an answer; ",
                   life_.kills(), " kills of the gateway, ", killed_, " of consumers, ", stopped_,
                   " stops of consumers, ", broken_streams_, " broken streams\n");
  for (const std::string& subscription : Subscriptions()) {
    const CallLedger::Tally tally = ledger().TallyOf(subscription);
    absl::StrAppend(&summary, "  ", subscription, ": ", tally.received, " events in ",
                    tally.deliveries, " deliveries, ", tally.deliveries - tally.received,
                    " duplicates; dead letters: ", tally.requested, " requested, ", tally.exhausted,
                    " exhausted (", tally.unseen, " attempts unseen); ", tally.unanswered,
                    " settled by an ack whose answer was lost\n");
  }
  return summary;
}

absl::Duration ChaosRun::RandomBelow(absl::Duration most) {
  return absl::Microseconds(
      static_cast<int64_t>(Below(static_cast<uint64_t>(absl::ToInt64Microseconds(most)))));
}

bool ChaosRun::StartGateway() {
  if (!life_.Start()) return false;
  for (Chair& chair : chairs_) life_.Introduce(*chair.consumer);
  return true;
}

void ChaosRun::Step() {
  life_.WaitFor(RandomBelow(kLongestStep));
  ContinueAll(/*only_due=*/true);
  Chair& chair = chairs_[Below(chairs_.size())];
  const uint64_t dice = Below(100);
  if (dice < 12) {
    chair.consumer->Kill();
    ++killed_;
    Vacate(chair);
    Occupy(chair);
  } else if (dice < 30 && chair.stopped_until == absl::ZeroDuration()) {
    Stop(chair);
  }
}

void ChaosRun::Occupy(Chair& chair) {
  chair.stopped_until = absl::ZeroDuration();
  chair.consumer = life_.StartConsumer({chair.subscription, absl::StrCat("consumer-", ++started_),
                                        absl::StrCat(random_()), chair.manner});
}

void ChaosRun::Vacate(Chair& chair) {
  broken_streams_ += chair.consumer->report().broken_streams();
  chair.consumer.reset();
}

void ChaosRun::Stop(Chair& chair) {
  chair.consumer->Stop();
  chair.stopped_until = clock_.Elapsed() + RandomBelow(kLongestStop);
  ++stopped_;
}

void ChaosRun::ContinueAll(bool only_due) {
  for (Chair& chair : chairs_) {
    if (chair.stopped_until == absl::ZeroDuration()) continue;
    if (only_due && clock_.Elapsed() < chair.stopped_until) continue;
    chair.consumer->Continue();
    chair.stopped_until = absl::ZeroDuration();
  }
}

}  // namespace onhook
