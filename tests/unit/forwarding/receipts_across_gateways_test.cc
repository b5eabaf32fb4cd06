// Two desks, each of its own gateway, on one log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gateway/forwarding/receipt_desk.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/forwarding/shared_event_log.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using When = AcknowledgePolicy::When;

// As good as for ever: a test that waits for it hangs.
constexpr absl::Duration kLong = absl::Hours(1);

class ReceiptsAcrossGatewaysTest : public ::testing::Test {
 protected:
  struct Gateway {
    explicit Gateway(const Clock* clock, SharedEventLog::Common* common)
        : log(common), store(&log), desk(clock, &store, {768, {"crm"}}) {}
    SharedEventLog log;
    FakeStore store;
    ReceiptDesk desk;
  };

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

  static absl::StatusCode Accept(Gateway& at, const std::string& call, AcknowledgePolicy policy) {
    return Callback(&at.desk, call, std::move(policy)).Receipt();
  }
  static AcknowledgePolicy Forwarded(absl::Duration timeout = kLong) {
    return {When::kForwarded, {}, timeout};
  }
  static AcknowledgePolicy ForwardedTo(const std::string& subscription) {
    return {When::kForwarded, {{subscription, EventFilter()}}, kLong};
  }
  static std::shared_ptr<EligibleStream> Eligible(Gateway& at, const std::string& receiver) {
    auto stream = at.desk.AddStream(receiver);
    stream->Set(true);
    return stream;
  }
  static void Settle(Gateway& at, const std::string& subscription, Sequence sequence) {
    SequenceSet sequences;
    sequences.Add(sequence);
    at.store.Settle(subscription, sequences);
  }
  // From then on nobody is taken to have been there before the start.
  void LetTheStartBeOver() { clock_.Advance(2 * kLong); }

  ManualClock clock_;
  SharedEventLog::Common common_;
  Gateway here_{&clock_, &common_};
  Gateway there_{&clock_, &common_};
};

TEST_F(ReceiptsAcrossGatewaysTest, WhatAnotherGatewayForwardsEndsTheWaitHere) {
  Callback callback(&here_.desk, "a", Forwarded());
  there_.desk.Forwarded("subscription/crm", {1});
  EXPECT_EQ(callback.Receipt(), absl::StatusCode::kOk);
}

TEST_F(ReceiptsAcrossGatewaysTest, WhatIsToldIsNotToldOn) {
  there_.desk.Forwarded("subscription/crm", {1, 2});
  EXPECT_THAT(there_.log.recorded(), ElementsAre("subscription/crm 1-2"));
  EXPECT_THAT(here_.log.recorded(), IsEmpty());
}

TEST_F(ReceiptsAcrossGatewaysTest, ARepeatThatComesToTheOtherGatewayIsForwardedToo) {
  LetTheStartBeOver();
  EXPECT_EQ(Accept(here_, "a", Forwarded()), absl::StatusCode::kDeadlineExceeded);
  there_.desk.Forwarded("watch", {1});
  Callback repeat(&here_.desk, "a", Forwarded());
  EXPECT_EQ(repeat.Receipt(), absl::StatusCode::kOk);
  EXPECT_TRUE(repeat.result().duplicate);
}

TEST_F(ReceiptsAcrossGatewaysTest, ACallbackWaitsForAStreamThatIsAtAnotherGateway) {
  LetTheStartBeOver();
  EXPECT_EQ(Accept(here_, "a", Forwarded()), absl::StatusCode::kDeadlineExceeded)
      << "there is none yet, so it is not waited for";
  const auto stream = Eligible(there_, "subscription/crm");
  there_.log.AwaitTold({"subscription/crm"});
  for (const AcknowledgePolicy& policy : {Forwarded(), ForwardedTo("crm")}) {
    Callback callback(&here_.desk, "b", policy);
    there_.desk.Forwarded("subscription/crm", {2});
    EXPECT_EQ(callback.Receipt(), absl::StatusCode::kOk);
  }
  EXPECT_EQ(Accept(here_, "c", ForwardedTo("billing")), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ReceiptsAcrossGatewaysTest, AWatchElsewhereMayTakeItButProcessesNothing) {
  LetTheStartBeOver();
  const auto watch = Eligible(there_, "watch");
  there_.log.AwaitTold({"watch"});
  EXPECT_EQ(Accept(here_, "a", {When::kProcessed, {}, kLong}), absl::StatusCode::kDeadlineExceeded);
  Callback callback(&here_.desk, "b", Forwarded());
  there_.desk.Forwarded("watch", {2});
  EXPECT_EQ(callback.Receipt(), absl::StatusCode::kOk);
}

TEST_F(ReceiptsAcrossGatewaysTest, AStreamThatIsGoneElsewhereIsWaitedForNoMore) {
  LetTheStartBeOver();
  const auto stream = Eligible(there_, "subscription/crm");
  there_.log.AwaitTold({"subscription/crm"});
  stream->Leave();
  // The gateway there has told of it for the last time by then.
  const auto watch = Eligible(there_, "watch");
  there_.log.AwaitTold({"watch"});
  clock_.Advance(kLong + absl::Seconds(1));
  EXPECT_EQ(Accept(here_, "a", ForwardedTo("crm")), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ReceiptsAcrossGatewaysTest, OnlyWhatIsNamedCounts) {
  LetTheStartBeOver();
  there_.desk.Forwarded("watch", {1});
  there_.desk.Forwarded("subscription/billing", {1});
  EXPECT_EQ(Accept(here_, "a", ForwardedTo("crm")), absl::StatusCode::kDeadlineExceeded);
  there_.desk.Forwarded("subscription/crm", {1});
  EXPECT_EQ(Accept(here_, "a", ForwardedTo("crm")), absl::StatusCode::kOk);
}

TEST_F(ReceiptsAcrossGatewaysTest, WhatIsSettledElsewhereIsProcessedAndForwarded) {
  Callback processed(&here_.desk, "a", {When::kProcessed, {}, kLong});
  Settle(here_, "crm", 1);
  EXPECT_EQ(processed.Receipt(), absl::StatusCode::kOk);
  EXPECT_EQ(Accept(here_, "a", Forwarded()), absl::StatusCode::kOk)
      << "although the word that it was forwarded was lost";
}

TEST_F(ReceiptsAcrossGatewaysTest, ARunAsLongAsAnyEndsTheWaitsWithinIt) {
  Callback callback(&here_.desk, "a", Forwarded());
  there_.log.RecordForwarded("watch", {1, std::numeric_limits<Sequence>::max() - 1});
  EXPECT_EQ(callback.Receipt(), absl::StatusCode::kOk);
}

TEST_F(ReceiptsAcrossGatewaysTest, WhatIsSpooledIsStoredAndNotYetForwarded) {
  const auto watch = Eligible(here_, "watch");
  here_.log.Spool();
  EXPECT_EQ(Accept(here_, "a", {When::kStored, {}, kLong}), absl::StatusCode::kOk);
  Callback callback(&here_.desk, "b", Forwarded());
  EXPECT_EQ(callback.Receipt(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(callback.result().spooled);
}

}  // namespace
}  // namespace onhook
