#include "gateway/forwarding/receipt_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/forwarding/slow_event_log.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using When = AcknowledgePolicy::When;

constexpr absl::Duration kShort = absl::Milliseconds(20);
// As good as for ever: a test that waits for it hangs.
constexpr absl::Duration kLong = absl::Hours(1);

class ReceiptDeskTest : public ::testing::Test {
 protected:
  // A callback that waits for its receipt, on a thread of its own.
  class Callback {
   public:
    Callback(ReceiptDesk* desk, const std::string& call, AcknowledgePolicy policy)
        : thread_([this, desk, call, policy] {
            NewEvent event;
            event.call_serial_no = call;
            receipt_ = desk->AcceptAndWait(std::move(event), {}, policy, &result_);
          }) {}
    ~Callback() {
      if (thread_.joinable()) thread_.join();
    }
    absl::StatusCode Receipt() {
      thread_.join();
      return receipt_.code();
    }
    const AppendResult& result() const { return result_; }

   private:
    absl::Status receipt_;
    AppendResult result_;
    std::thread thread_;
  };

  void Start(int64_t max_waiting = 768, std::vector<std::string> named = {}) {
    desk_ = std::make_unique<ReceiptDesk>(&clock_, &store_,
                                          ReceiptDeskOptions{max_waiting, std::move(named)});
  }
  absl::StatusCode Accept(const std::string& call, AcknowledgePolicy policy,
                          AppendResult* result = nullptr) {
    NewEvent event;
    event.call_serial_no = call;
    return desk_->AcceptAndWait(std::move(event), {}, policy, result).code();
  }
  void Settle(const std::string& subscription, Sequence sequence) {
    SequenceSet sequences;
    sequences.Add(sequence);
    store_.Settle(subscription, sequences);
  }
  std::shared_ptr<EligibleStream> Eligible(const std::string& receiver,
                                           EligibleStream::Wants wants = nullptr) {
    auto stream = desk_->AddStream(receiver, std::move(wants));
    stream->Set(true);
    return stream;
  }
  void Forwarded(std::vector<Sequence> sequences) { desk_->Forwarded("watch", sequences); }

  ManualClock clock_;
  SlowEventLog log_;
  FakeStore store_{&log_};
  std::unique_ptr<ReceiptDesk> desk_;
};

TEST_F(ReceiptDeskTest, StoredIsEnoughWhereThePolicySaysSo) {
  Start();
  AppendResult result;
  EXPECT_EQ(Accept("a", {When::kStored, {}, absl::ZeroDuration()}, &result), absl::StatusCode::kOk);
  EXPECT_EQ(result.sequence, 1);
  EXPECT_FALSE(result.duplicate);
}

TEST_F(ReceiptDeskTest, WhatIsDurableButNotInTheLogYetIsStoredAndNobodyWaitsForIt) {
  Start();
  log_.Spool();
  const auto stream = Eligible("watch");
  AppendResult result;
  EXPECT_EQ(Accept("a", {When::kStored, {}, kLong}, &result), absl::StatusCode::kOk);
  EXPECT_TRUE(result.spooled);
  EXPECT_FALSE(result.duplicate);
  for (const When when : {When::kForwarded, When::kProcessed}) {
    EXPECT_EQ(Accept("a", {when, {}, kLong}, &result), absl::StatusCode::kDeadlineExceeded);
    EXPECT_TRUE(result.spooled);
    EXPECT_TRUE(result.duplicate);
  }
}

TEST_F(ReceiptDeskTest, ACallbackIsAnsweredWhenItsEventIsForwarded) {
  Start();
  log_.KeepAnswersBack();
  Callback callback(desk_.get(), "a", {When::kForwarded, {}, kLong});
  log_.Answer();
  Forwarded({1});
  EXPECT_EQ(callback.Receipt(), absl::StatusCode::kOk);
  EXPECT_EQ(callback.result().sequence, 1);
}

TEST_F(ReceiptDeskTest, AnEventForwardedBeforeItsAnswerArrivedNeedNotWait) {
  Start();
  log_.KeepAnswersBack();
  Callback callback(desk_.get(), "a", {When::kForwarded, {}, kLong});
  Forwarded({1});
  log_.Answer();
  EXPECT_EQ(callback.Receipt(), absl::StatusCode::kOk);
}

TEST_F(ReceiptDeskTest, NobodyTookItInTime) {
  Start();
  const auto watch = Eligible("watch");
  AppendResult result;
  EXPECT_EQ(Accept("a", {When::kForwarded, {}, kShort}, &result),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(result.sequence, 1) << "it is stored";
  Forwarded({1});
  EXPECT_EQ(Accept("a", {When::kForwarded, {}, kShort}, &result), absl::StatusCode::kOk);
  EXPECT_TRUE(result.duplicate);
}

TEST_F(ReceiptDeskTest, WithoutTimeNobodyWaits) {
  Start();
  const auto watch = Eligible("watch");
  EXPECT_EQ(Accept("a", {When::kForwarded, {}, absl::ZeroDuration()}),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ReceiptDeskTest, WithoutAnEligibleStreamNobodyWaits) {
  Start();
  clock_.Advance(kLong + absl::Seconds(1));
  EXPECT_EQ(Accept("a", {When::kForwarded, {}, kLong}), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ReceiptDeskTest, NobodyWaitsForAStreamThatDoesNotWantTheEvent) {
  Start();
  clock_.Advance(2 * kLong);
  const auto watch = Eligible("watch", [](const v1::ReleaseEvent&) { return false; });
  EXPECT_EQ(Accept("a", {When::kForwarded, {}, kLong}), absl::StatusCode::kDeadlineExceeded)
      << "hangs if it waits";
}

TEST_F(ReceiptDeskTest, AStreamThatJustCeasedIsWaitedForAsLongAsTheTimeout) {
  Start();
  const auto watch = Eligible("watch");
  clock_.Advance(10 * kLong);
  watch->Set(false);
  log_.KeepAnswersBack();
  clock_.Advance(kLong);
  Callback patient(desk_.get(), "a", {When::kForwarded, {}, kLong});
  log_.Answer();
  clock_.Advance(absl::Seconds(1));
  Callback late(desk_.get(), "b", {When::kForwarded, {}, kLong});
  log_.Answer();
  EXPECT_EQ(late.Receipt(), absl::StatusCode::kDeadlineExceeded);
  Forwarded({1});
  EXPECT_EQ(patient.Receipt(), absl::StatusCode::kOk);
}

TEST_F(ReceiptDeskTest, OfSeveralStreamsOneIsEnough) {
  Start();
  const auto watch = Eligible("watch");
  Eligible("watch")->Set(false);
  clock_.Advance(10 * kLong);
  log_.KeepAnswersBack();
  Callback callback(desk_.get(), "a", {When::kForwarded, {}, kLong});
  log_.Answer();
  Forwarded({1});
  EXPECT_EQ(callback.Receipt(), absl::StatusCode::kOk);
}

TEST_F(ReceiptDeskTest, MoreThanMayWaitAreAnsweredAtOnce) {
  Start(/*max_waiting=*/2);
  log_.KeepAnswersBack();
  Callback first(desk_.get(), "a", {When::kForwarded, {}, kLong});
  log_.Answer();
  Callback second(desk_.get(), "b", {When::kForwarded, {}, kLong});
  log_.Answer();
  Callback third(desk_.get(), "c", {When::kForwarded, {}, kLong});
  log_.Answer();
  EXPECT_EQ(third.Receipt(), absl::StatusCode::kDeadlineExceeded);
  Forwarded({1, 2});
  EXPECT_EQ(first.Receipt(), absl::StatusCode::kOk);
  EXPECT_EQ(second.Receipt(), absl::StatusCode::kOk);
  Callback fourth(desk_.get(), "d", {When::kForwarded, {}, kLong});
  log_.Answer();
  Forwarded({4});
  EXPECT_EQ(fourth.Receipt(), absl::StatusCode::kOk) << "there is room again";
}

TEST_F(ReceiptDeskTest, WhoGivesUpMakesRoom) {
  Start(/*max_waiting=*/1);
  EXPECT_EQ(Accept("a", {When::kForwarded, {}, kShort}), absl::StatusCode::kDeadlineExceeded);
  log_.KeepAnswersBack();
  Callback next(desk_.get(), "b", {When::kForwarded, {}, kLong});
  log_.Answer();
  Forwarded({2});
  EXPECT_EQ(next.Receipt(), absl::StatusCode::kOk);
}

TEST_F(ReceiptDeskTest, ARepeatOfAForwardedEventIsAnsweredAtOnce) {
  Start();
  Forwarded({1});
  EXPECT_EQ(Accept("a", {When::kForwarded, {}, kLong}), absl::StatusCode::kOk);
  clock_.Advance(10 * kLong);
  EXPECT_EQ(Accept("a", {When::kForwarded, {}, kLong}), absl::StatusCode::kOk)
      << "whether or not a stream is there now";
}

TEST_F(ReceiptDeskTest, WhatWasForwardedBeforeARestartCounts) {
  log_.SetForwardedAtOpen("watch", {1, 3});
  Start();
  EXPECT_EQ(Accept("a", {When::kForwarded, {}, kLong}), absl::StatusCode::kOk);
}

TEST_F(ReceiptDeskTest, ARepeatWaitsBesideItsOriginal) {
  Start();
  log_.KeepAnswersBack();
  Callback original(desk_.get(), "a", {When::kForwarded, {}, kLong});
  log_.Answer();
  Callback repeat(desk_.get(), "a", {When::kForwarded, {}, kLong});
  log_.Answer();
  Forwarded({1});
  EXPECT_EQ(original.Receipt(), absl::StatusCode::kOk);
  EXPECT_EQ(repeat.Receipt(), absl::StatusCode::kOk);
  EXPECT_TRUE(repeat.result().duplicate);
}

TEST_F(ReceiptDeskTest, TheStoresErrorIsTheReceipt) {
  Start();
  const auto watch = Eligible("watch");
  log_.FailWith(absl::ResourceExhaustedError("disk full"));
  AppendResult result;
  EXPECT_EQ(Accept("a", {When::kForwarded, {}, kLong}, &result),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(result.sequence, 0) << "it is not stored";
}

TEST_F(ReceiptDeskTest, AStoreSlowerThanTheTimeoutIsWaitedFor) {
  Start();
  const auto watch = Eligible("watch");
  log_.KeepAnswersBack();
  Callback unforwarded(desk_.get(), "a", {When::kForwarded, {}, absl::ZeroDuration()});
  log_.Answer();
  EXPECT_EQ(unforwarded.Receipt(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(unforwarded.result().sequence, 1);
  Callback forwarded(desk_.get(), "b", {When::kForwarded, {}, absl::ZeroDuration()});
  Forwarded({2});
  log_.Answer();
  EXPECT_EQ(forwarded.Receipt(), absl::StatusCode::kOk);
  Callback stored(desk_.get(), "c", {When::kStored, {}, absl::ZeroDuration()});
  log_.Answer();
  EXPECT_EQ(stored.Receipt(), absl::StatusCode::kOk);
}

TEST_F(ReceiptDeskTest, WhatWasForwardedIsRecordedAsRuns) {
  Start();
  Forwarded({});
  EXPECT_THAT(log_.recorded(), IsEmpty());
  desk_->Forwarded("subscription/crm", {7, 3, 2, 9, 8});
  EXPECT_THAT(log_.recorded(), ElementsAre("subscription/crm 2-3", "subscription/crm 7-9"));
}

TEST_F(ReceiptDeskTest, ACallbackIsAnsweredWhenTheLastOfItsNamedHasSettled) {
  Start(/*max_waiting=*/1, {"a", "b"});
  log_.KeepAnswersBack();
  Callback callback(desk_.get(), "x", {When::kProcessed, {{"a", {}}, {"b", {}}}, kLong});
  log_.Answer();
  Settle("a", 1);
  Forwarded({1});
  Settle("c", 1);
  Settle("b", 1);
  EXPECT_EQ(callback.Receipt(), absl::StatusCode::kOk);
}

TEST_F(ReceiptDeskTest, WhoWaitsForForwardingAndWhoForProcessingAreAnsweredApart) {
  Start(/*max_waiting=*/2);
  log_.KeepAnswersBack();
  Callback forwarded(desk_.get(), "x", {When::kForwarded, {}, kLong});
  log_.Answer();
  Callback processed(desk_.get(), "x", {When::kProcessed, {}, kLong});
  log_.Answer();
  Forwarded({1});
  EXPECT_EQ(forwarded.Receipt(), absl::StatusCode::kOk);
  Settle("a", 1);
  EXPECT_EQ(processed.Receipt(), absl::StatusCode::kOk);
}

TEST_F(ReceiptDeskTest, AnEventSettledBeforeItsAnswerArrivedNeedNotWait) {
  Start();
  log_.KeepAnswersBack();
  Callback callback(desk_.get(), "x", {When::kProcessed, {}, kLong});
  Settle("a", 1);
  log_.Answer();
  EXPECT_EQ(callback.Receipt(), absl::StatusCode::kOk);
}

TEST_F(ReceiptDeskTest, OfRunsOnlyTheNewestAreKept) {
  desk_ = std::make_unique<ReceiptDesk>(&clock_, &store_, ReceiptDeskOptions{8, {}, 2});
  Forwarded({1, 3, 5});
  const AcknowledgePolicy impatient{When::kForwarded, {}, absl::ZeroDuration()};
  EXPECT_EQ(Accept("1", impatient), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Accept("2", impatient), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Accept("3", impatient), absl::StatusCode::kOk);
}

// Callbacks, their forwarding and their giving up, all at once: for races, not for an order.
TEST_F(ReceiptDeskTest, EveryCallbackGetsAReceiptThatIsTrue) {
  Start();
  const auto watch = Eligible("watch");
  constexpr int kThreads = 4;
  constexpr int kRounds = 1000;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (int round = 0; round < kRounds; ++round) {
        const AcknowledgePolicy policy{
            When::kForwarded, {}, round % 3 == 0 ? absl::Microseconds(20) : kLong};
        AppendResult result;
        // Every second call is another thread's repeat.
        const std::string call = absl::StrCat(round % 2 == 0 ? 0 : thread, " ", round);
        const absl::StatusCode code = Accept(call, policy, &result);
        EXPECT_NE(result.sequence, 0);
        if (policy.timeout == kLong) {
          EXPECT_EQ(code, absl::StatusCode::kOk);
        }
      }
    });
  }
  absl::Notification finished;
  std::thread delivery([this, &finished] {
    for (Sequence sent = 0; !finished.HasBeenNotified() || sent < log_.last();) {
      std::vector<Sequence> sequences;
      while (sent < log_.last() && sequences.size() < 7) sequences.push_back(++sent);
      Forwarded(sequences);
    }
  });
  for (std::thread& thread : threads) thread.join();
  finished.Notify();
  delivery.join();
}

TEST_F(ReceiptDeskTest, HowManyMayWaitChangesWithTheNext) {
  Start(/*max_waiting=*/0);
  EXPECT_EQ(Accept("a", {When::kForwarded, {}, kLong}), absl::StatusCode::kDeadlineExceeded);
  ReceiptDeskOptions options;
  options.max_waiting = 1;
  desk_->SetOptions(options);
  log_.KeepAnswersBack();
  Callback next(desk_.get(), "b", {When::kForwarded, {}, kLong});
  log_.Answer();
  Forwarded({2});
  EXPECT_EQ(next.Receipt(), absl::StatusCode::kOk);
}

TEST_F(ReceiptDeskTest, WhoIsNamedNoMoreIsStillWaitedForByThoseWhoBeganToAndWhoIsNamedNowByOthers) {
  Start(/*max_waiting=*/2, {"a"});
  log_.KeepAnswersBack();
  Callback first(desk_.get(), "x", {When::kProcessed, {{"a", {}}}, kLong});
  log_.Answer();
  ReceiptDeskOptions options;
  options.named_subscriptions = {"b"};
  desk_->SetOptions(options);
  Callback second(desk_.get(), "y", {When::kProcessed, {{"b", {}}}, kLong});
  log_.Answer();
  Settle("a", 1);
  Settle("b", 2);
  EXPECT_EQ(first.Receipt(), absl::StatusCode::kOk);
  EXPECT_EQ(second.Receipt(), absl::StatusCode::kOk);
}

}  // namespace
}  // namespace onhook
