// What a callback is told, by its policy and by what happened to its event: the gateway's promise
// to the vendor, row by row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gateway/forwarding/receipt_desk.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/forwarding/slow_event_log.h"

namespace onhook {
namespace {

using When = AcknowledgePolicy::When;
using Names = std::vector<std::string>;

constexpr char kEventsSource[] = "sales";

// Things that happen to the first event, whose sequence is 1, before its callback is decided.
struct Happening {
  Names forwarded;  // receivers
  Names settled;    // subscriptions, in this process
};

struct Row {
  const char* reason;
  When when;
  Names named;     // by the policy
  Names excluded;  // subscriptions, of a and b, whose filter excludes the event
  Happening happening;
  bool success;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.reason; }

EventFilter FilterThat(bool excludes) {
  v1::EventFilter filter;
  filter.add_sources(excludes ? "another" : kEventsSource);
  return EventFilter(filter);
}

// A gateway with the declared subscriptions a and b, that is started again and again on one log.
class AcknowledgePolicyTest : public ::testing::Test {
 protected:
  void Start(const Names& excluded = {}) {
    excluded_ = excluded;
    store_ = std::make_unique<FakeStore>(&log_);
    for (const std::string name : {"a", "b"}) {
      queues_[name] = &store_->AddQueue(name, FilterThat(IsExcluded(name)));
    }
    desk_ = std::make_unique<ReceiptDesk>(&clock_, store_.get(), ReceiptDeskOptions{8, {"a", "b"}});
  }
  bool IsExcluded(const std::string& name) const {
    return std::find(excluded_.begin(), excluded_.end(), name) != excluded_.end();
  }
  // Whether the only call's callback, sent now, is answered with success.
  bool Succeeds(When when, const Names& named, absl::Duration timeout = absl::ZeroDuration()) {
    AcknowledgePolicy policy{when, {}, timeout};
    for (const std::string& name : named) {
      policy.subscriptions.push_back({name, FilterThat(IsExcluded(name))});
    }
    NewEvent stored;
    stored.call_serial_no = "42";
    v1::ReleaseEvent event;
    event.set_source(kEventsSource);
    const absl::Status receipt = desk_->AcceptAndWait(std::move(stored), event, policy);
    EXPECT_TRUE(receipt.ok() || absl::IsDeadlineExceeded(receipt)) << receipt;
    return receipt.ok();
  }
  void Settle(const std::string& subscription) {
    SequenceSet sequences;
    sequences.Add(1);
    store_->Settle(subscription, sequences);
  }
  std::shared_ptr<EligibleStream> Eligible(const std::string& receiver,
                                           EligibleStream::Wants wants = nullptr) {
    auto stream = desk_->AddStream(receiver, std::move(wants));
    stream->Set(true);
    return stream;
  }
  void Happen(const Happening& happening) {
    for (const std::string& receiver : happening.forwarded) desk_->Forwarded(receiver, {1});
    for (const std::string& subscription : happening.settled) Settle(subscription);
  }

  ManualClock clock_;
  SlowEventLog log_;
  Names excluded_;
  std::unique_ptr<FakeStore> store_;
  std::map<std::string, FakeQueue*> queues_;
  std::unique_ptr<ReceiptDesk> desk_;
};

const Row kRows[] = {
    {"stored asks for nothing more", When::kStored, {}, {}, {}, true},
    {"nobody took it", When::kForwarded, {}, {}, {}, false},
    {"a subscription took it", When::kForwarded, {}, {}, {{"subscription/c"}, {}}, true},
    {"a watch is a receiver", When::kForwarded, {}, {}, {{"watch"}, {}}, true},
    {"one excludes it, the other owes it", When::kForwarded, {}, {"a"}, {}, false},
    {"all exclude it", When::kForwarded, {}, {"a", "b"}, {}, true},
    {"all named took it",
     When::kForwarded,
     {"a", "b"},
     {},
     {{"subscription/a", "subscription/b"}, {}},
     true},
    {"one named is missing", When::kForwarded, {"a", "b"}, {}, {{"subscription/a"}, {}}, false},
    {"another than the named took it",
     When::kForwarded,
     {"a"},
     {},
     {{"subscription/b"}, {}},
     false},
    {"a watch is no named one", When::kForwarded, {"a"}, {}, {{"watch"}, {}}, false},
    {"the named one excludes it", When::kForwarded, {"a"}, {"a"}, {}, true},
    {"one named excludes it, one took it",
     When::kForwarded,
     {"a", "b"},
     {"a"},
     {{"subscription/b"}, {}},
     true},
    {"one named excludes it, one has it not", When::kForwarded, {"a", "b"}, {"a"}, {}, false},
    {"all named exclude it", When::kForwarded, {"a", "b"}, {"a", "b"}, {}, true},
    {"nobody settled it", When::kProcessed, {}, {}, {}, false},
    {"forwarded is not processed", When::kProcessed, {}, {}, {{"subscription/a"}, {}}, false},
    {"a subscription settled it", When::kProcessed, {}, {}, {{}, {"c"}}, true},
    {"one excludes it, so it is not processed", When::kProcessed, {}, {"a"}, {}, false},
    {"all exclude it, so it is processed", When::kProcessed, {}, {"a", "b"}, {}, true},
    {"all named settled it", When::kProcessed, {"a", "b"}, {}, {{}, {"a", "b"}}, true},
    {"one named has not settled it", When::kProcessed, {"a", "b"}, {}, {{}, {"b"}}, false},
    {"another than the named settled it", When::kProcessed, {"a"}, {}, {{}, {"b"}}, false},
    {"one named excludes it, one settled it",
     When::kProcessed,
     {"a", "b"},
     {"b"},
     {{}, {"a"}},
     true},
    {"one named excludes it, one only took it",
     When::kProcessed,
     {"a", "b"},
     {"b"},
     {{"subscription/a"}, {}},
     false},
};

class EveryPolicyTest : public AcknowledgePolicyTest, public ::testing::WithParamInterface<Row> {};

// Before: the event was settled before the store reported it stored.
TEST_P(EveryPolicyTest, TellsTheTruthOfWhatHappenedBefore) {
  Start(GetParam().excluded);
  Happen(GetParam().happening);
  EXPECT_EQ(Succeeds(GetParam().when, GetParam().named), GetParam().success);
}

TEST_P(EveryPolicyTest, TellsARepeatWhatTheOriginalWouldBeToldNow) {
  Start(GetParam().excluded);
  Succeeds(GetParam().when, GetParam().named);
  Happen(GetParam().happening);
  EXPECT_EQ(Succeeds(GetParam().when, GetParam().named), GetParam().success);
}

// What the log kept in mind, and what the queues know, is all that is left of it.
TEST_P(EveryPolicyTest, TellsARepeatTheSameAfterARestart) {
  Start(GetParam().excluded);
  Succeeds(GetParam().when, GetParam().named);
  for (const std::string& receiver : GetParam().happening.forwarded) {
    log_.SetForwardedAtOpen(receiver, {1, 1});
  }
  Start(GetParam().excluded);
  for (const std::string& name : GetParam().happening.settled) {
    if (queues_.count(name) > 0) queues_[name]->SetProcessed(1);
    store_->SetProcessed(true);
  }
  EXPECT_EQ(Succeeds(GetParam().when, GetParam().named), GetParam().success);
}

INSTANTIATE_TEST_SUITE_P(Rows, EveryPolicyTest, ::testing::ValuesIn(kRows));

TEST_F(AcknowledgePolicyTest, WhatWasSettledBeforeACrashWasReceivedWhateverTheMarksSay) {
  Start();
  Succeeds(When::kForwarded, {});
  Start();
  store_->SetProcessed(true);
  queues_["a"]->SetProcessed(1);
  EXPECT_TRUE(Succeeds(When::kForwarded, {}));
  EXPECT_TRUE(Succeeds(When::kForwarded, {"a"}));
  EXPECT_FALSE(Succeeds(When::kForwarded, {"a", "b"}));
}

// Its queue has settled it, as for everything that a filter passes over, but nobody received it.
TEST_F(AcknowledgePolicyTest, WhatOneExcludedBeforeARestartIsNotForwardedForAnother) {
  Start({"a"});
  Succeeds(When::kForwarded, {});
  Start({"a"});
  queues_["a"]->SetPassedOver(1);
  EXPECT_FALSE(Succeeds(When::kForwarded, {}));
  EXPECT_FALSE(Succeeds(When::kProcessed, {}));
}

// By a seek, its start, its backlog limit, or a filter that is gone: it owes the event no more, and
// never received it.
TEST_F(AcknowledgePolicyTest, WhatANamedOneWasSparedIsNotReceived) {
  Start();
  Succeeds(When::kForwarded, {"a"});
  queues_["a"]->SetPassedOver(1);
  EXPECT_FALSE(Succeeds(When::kForwarded, {"a"}));
  EXPECT_FALSE(Succeeds(When::kProcessed, {"a"}));
}

TEST_F(AcknowledgePolicyTest, AStoreThatCannotLookGivesNoSuccess) {
  Start();
  Succeeds(When::kProcessed, {});
  store_->SetProcessed(absl::UnavailableError("busy"));
  EXPECT_FALSE(Succeeds(When::kProcessed, {}));
  EXPECT_FALSE(Succeeds(When::kProcessed, {"a"}));
}

TEST_F(AcknowledgePolicyTest, NobodyWaitsForANamedOneThatIsAway) {
  Start();
  clock_.Advance(absl::Hours(2));
  const auto watch = Eligible("watch");
  const auto a = Eligible("subscription/a");
  EXPECT_FALSE(Succeeds(When::kForwarded, {"a", "b"}, absl::Hours(1))) << "hangs if it waits";
}

TEST_F(AcknowledgePolicyTest, NobodyWaitsForAWatchToProcess) {
  Start();
  clock_.Advance(absl::Hours(2));
  const auto watch = Eligible("watch");
  EXPECT_FALSE(Succeeds(When::kProcessed, {}, absl::Hours(1))) << "hangs if it waits";
}

}  // namespace
}  // namespace onhook
