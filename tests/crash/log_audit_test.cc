// The audit has to notice a gateway whose log or whose debts are not what it has answered: here
// each lie is told to it.
#include "tests/crash/log_audit.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/call_ledger.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LogAuditTest : public testing::Test {
 protected:
  LogAuditTest() { ledger_.OpenSubscription("crm"); }

  int64_t Sent(CallbackAnswer answer = CallbackAnswer::kAccepted) {
    const int64_t number = ledger_.Open();
    ledger_.Replied(number, answer);
    return number;
  }
  v1::ReleaseEvent EventOf(int64_t number) const {
    v1::ReleaseEvent event;
    event.set_event_id(absl::StrCat("id-", number));
    event.set_call_serial_no(ledger_.CallSerialNo(number));
    event.set_called(ledger_.Called(number));
    event.set_call_data(ledger_.CallData(number));
    event.set_release_reason_code(ledger_.ReleaseReason(number));
    return event;
  }
  static std::string CursorOf(int64_t number) { return absl::StrCat("cursor-", number); }
  void Received(int64_t number, const std::string& cursor) {
    v1::Delivery delivery;
    *delivery.mutable_event() = EventOf(number);
    delivery.set_cursor(cursor);
    ledger_.Received("crm", delivery, 1, absl::Seconds(1));
  }
  void Confirmed(int64_t number) { ledger_.Confirmed("crm", number, absl::Seconds(2)); }
  // Both ways of reading have it.
  void Has(const v1::ReleaseEvent& event, const std::string& cursor) {
    audit_.EnterWatched(event, cursor);
    audit_.EnterListed(event, cursor);
  }
  void Has(int64_t number) { Has(EventOf(number), CursorOf(number)); }
  v1::StoredEvent StoredOf(int64_t number) const {
    v1::StoredEvent stored;
    *stored.mutable_event() = EventOf(number);
    stored.set_cursor(CursorOf(number));
    return stored;
  }
  v1::StoredEvent StoredAs(int64_t number, v1::SubscriptionTimeline::State state) const {
    v1::StoredEvent stored = StoredOf(number);
    stored.add_timelines()->set_subscription("crm");
    stored.mutable_timelines(0)->set_state(state);
    return stored;
  }

  CallLedger ledger_{"test"};
  LogAudit audit_{&ledger_, /*may_be_removed=*/false};
};

TEST_F(LogAuditTest, AnHonestLogBalances) {
  Has(Sent());
  Has(Sent(CallbackAnswer::kNotForwarded));
  Has(Sent(CallbackAnswer::kNone));  // stored, and the answer was lost
  Sent(CallbackAnswer::kNone);       // or not
  Sent(CallbackAnswer::kNotStored);
  audit_.EnterFound(0, {StoredAs(0, v1::SubscriptionTimeline::STATE_PENDING)});
  audit_.EnterFound(3, {});
  audit_.EnterFoundOfWrong(0, 0);
  audit_.EnterOwed("crm", 3);
  EXPECT_EQ(audit_.EventId(1), "id-1");
  EXPECT_EQ(audit_.EventId(3), "");
  EXPECT_THAT(audit_.Findings(), IsEmpty());
}

TEST_F(LogAuditTest, APromiseThatTheLogLacksIsFound) {
  Sent();
  Sent(CallbackAnswer::kNotForwarded);
  EXPECT_THAT(audit_.Findings(), ElementsAre("the log lacks test-0, which was accepted",
                                             "the log lacks test-1, which was accepted"));
}

TEST_F(LogAuditTest, WhatRetentionMayHaveRemovedIsFoundOnlyIfItIsOwed) {
  Received(Sent(), CursorOf(0));
  Confirmed(0);
  Sent();
  EXPECT_EQ(audit_.Findings().size(), 2u);
  const LogAudit lenient(&ledger_, /*may_be_removed=*/true);
  EXPECT_THAT(lenient.Findings(), ElementsAre("the log lacks test-1, which was accepted"));
}

TEST_F(LogAuditTest, AnEventThatIsThereTwiceIsFound) {
  const int64_t number = Sent();
  Has(number);
  Has(EventOf(number), "elsewhere");
  EXPECT_THAT(audit_.Findings(), ElementsAre("the log has test-0 twice"));
}

TEST_F(LogAuditTest, AnEventInAnotherPlaceThanItWasReceivedFromIsFound) {
  const int64_t number = Sent();
  Received(number, "elsewhere");
  Has(number);
  EXPECT_THAT(audit_.Findings(),
              ElementsAre("the log has test-0 in another place than crm received it from"));
}

TEST_F(LogAuditTest, AnAlteredEventIsFound) {
  v1::ReleaseEvent altered = EventOf(Sent());
  altered.set_called("1");
  Has(altered, CursorOf(0));
  EXPECT_THAT(audit_.Findings(), ElementsAre("the log has test-0 with another called"));
}

TEST_F(LogAuditTest, AnEventThatNobodySentIsFound) {
  Has(7);
  EXPECT_THAT(audit_.Findings(), ElementsAre("the log has test-7, which nobody sent"));
}

TEST_F(LogAuditTest, ARefusedCallbackThatIsThereIsFound) {
  ledger_.AllowRefusals();
  const int64_t number = Sent(CallbackAnswer::kRefused);
  Has(number);
  EXPECT_THAT(audit_.Findings(), ElementsAre("the log has test-0, which was refused"));
}

TEST_F(LogAuditTest, ACallbackThatWasRefusedOnlyOnceMayBeThere) {
  ledger_.AllowRefusals();
  const int64_t number = Sent(CallbackAnswer::kRefused);
  ledger_.Replied(number, CallbackAnswer::kNone);
  Has(number);
  EXPECT_THAT(audit_.Findings(), IsEmpty());
}

TEST_F(LogAuditTest, AWrongCallbackThatIsThereIsFound) {
  v1::ReleaseEvent wrong;
  wrong.set_call_serial_no(ledger_.content().WrongSerialNo(3));
  Has(wrong, CursorOf(3));
  audit_.EnterFoundOfWrong(3, 1);
  EXPECT_THAT(audit_.Findings(), ElementsAre("the log has test-wrong-3, which is to be refused",
                                             "test-wrong-3 is found, which is to be refused"));
}

TEST_F(LogAuditTest, TwoWaysOfReadingThatDifferAreFound) {
  Has(Sent());
  audit_.EnterWatched(EventOf(Sent()), CursorOf(1));
  audit_.EnterWatched(EventOf(Sent()), CursorOf(2));
  audit_.EnterListed(EventOf(2), CursorOf(2));
  EXPECT_THAT(audit_.Findings(), ElementsAre("ListEvents has test-2 where Watch has another event",
                                             "ListEvents has 2 events, Watch 3"));
}

TEST_F(LogAuditTest, ALookUpThatDiffersFromTheLogIsFound) {
  Has(Sent());
  Has(Sent());
  v1::StoredEvent altered = StoredOf(0);
  altered.mutable_event()->set_call_data("");
  v1::StoredEvent elsewhere = StoredOf(0);
  elsewhere.set_cursor("elsewhere");
  audit_.EnterFound(0, {});
  audit_.EnterFound(0, {altered});
  audit_.EnterFound(0, {elsewhere});
  audit_.EnterFound(1, {StoredOf(1), StoredOf(1)});
  EXPECT_THAT(audit_.Findings(), ElementsAre("test-0 is found 0 times, and is in the log 1 times",
                                             "test-0 is found with another callData",
                                             "test-0 is found in another place than the log has it",
                                             "test-1 is found 2 times, and is in the log 1 times"));
}

TEST_F(LogAuditTest, AStateThatTheBooksDoNotBearOutIsFound) {
  using Timeline = v1::SubscriptionTimeline;
  Has(Sent());
  audit_.EnterFound(0, {StoredAs(0, Timeline::STATE_ACKED)});
  Received(0, CursorOf(0));
  audit_.EnterFound(0, {StoredAs(0, Timeline::STATE_DELIVERED)});
  Confirmed(0);
  audit_.EnterFound(0, {StoredAs(0, Timeline::STATE_ACKED)});
  audit_.EnterFound(0, {StoredAs(0, Timeline::STATE_PENDING)});
  audit_.EnterFound(0, {StoredAs(0, Timeline::STATE_DROPPED_BY_LIMIT)});
  EXPECT_THAT(audit_.Findings(),
              ElementsAre("test-0 is told to be STATE_ACKED for crm",
                          "test-0 is told to be STATE_PENDING for crm",
                          "test-0 is told to be STATE_DROPPED_BY_LIMIT for crm"));
}

TEST_F(LogAuditTest, ADebtIsWhatTheLogHasAndIsNotSettled) {
  for (int i = 0; i < 3; ++i) Has(Sent());
  Received(0, CursorOf(0));
  Confirmed(0);
  Received(1, CursorOf(1));
  ledger_.Asked("crm", 1, 1);  // and it was never answered
  EXPECT_FALSE(audit_.IsOwed("crm", 0));
  EXPECT_TRUE(audit_.IsOwed("crm", 1));
  EXPECT_TRUE(audit_.IsOwed("crm", 2));
  EXPECT_FALSE(audit_.IsOwed("crm", 3));
  audit_.EnterOwed("crm", 0);
  audit_.EnterOwed("crm", 3);
  EXPECT_THAT(audit_.Findings(),
              ElementsAre("crm is said to be owed 0 events, which the books do not bear out",
                          "crm is said to be owed 3 events, which the books do not bear out"));
}

TEST_F(LogAuditTest, WhatAFilterExcludesIsNotOwed) {
  ledger_.OpenSubscription("crm", {[](int64_t number) { return number != 0; }, {}});
  Has(Sent());
  Has(Sent());
  EXPECT_TRUE(audit_.IsOwed("crm", 1));
  EXPECT_FALSE(audit_.IsOwed("crm", 2));
}

}  // namespace
}  // namespace onhook
