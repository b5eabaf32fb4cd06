// The books of the crash tests have to notice a gateway that lies: here each lie is told to them.
#include "tests/crash/call_ledger.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CallLedgerTest : public testing::Test {
 protected:
  CallLedgerTest() { ledger_.OpenSubscription("crm"); }

  int64_t Sent(bool promised = true) {
    const int64_t number = ledger_.Open();
    if (promised) ledger_.Promised(number);
    return number;
  }

  v1::Delivery DeliveryOf(int64_t number) const {
    v1::Delivery delivery;
    delivery.set_cursor(absl::StrCat("cursor-", number));
    delivery.mutable_event()->set_call_serial_no(ledger_.CallSerialNo(number));
    delivery.mutable_event()->set_called(ledger_.Called(number));
    delivery.mutable_event()->set_call_data(ledger_.CallData(number));
    return delivery;
  }

  void Received(int64_t number) { ledger_.Received("crm", DeliveryOf(number)); }
  void Confirmed(int64_t number) { ledger_.AckConfirmed("crm", number); }

  CallLedger ledger_{"test"};
};

TEST_F(CallLedgerTest, AnHonestRunBalances) {
  const int64_t kept = Sent();
  const int64_t unanswered = Sent(/*promised=*/false);
  Received(kept);
  Received(unanswered);
  Received(kept);  // its ack was not confirmed yet
  Confirmed(kept);
  Confirmed(unanswered);
  EXPECT_TRUE(ledger_.WaitUntilSettled(absl::ZeroDuration()));
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
}

TEST_F(CallLedgerTest, ACallbackThatWasNeverAnsweredMayBeMissing) {
  Sent(/*promised=*/false);
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
}

TEST_F(CallLedgerTest, AnInventedSuccessIsFound) {
  Sent();
  EXPECT_FALSE(ledger_.WaitUntilSettled(absl::ZeroDuration()));
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm never received test-0"));
}

TEST_F(CallLedgerTest, APromiseThatOneOfTwoSubscriptionsMissesIsFound) {
  ledger_.OpenSubscription("billing");
  const int64_t number = Sent();
  Received(number);
  Confirmed(number);
  EXPECT_FALSE(ledger_.WaitUntilSettled(absl::ZeroDuration()));
  EXPECT_THAT(ledger_.Findings(), ElementsAre("billing never received test-0"));
}

TEST_F(CallLedgerTest, AnAckThatIsNeverConfirmedIsFound) {
  Received(Sent());
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm never settled test-0"));
}

TEST_F(CallLedgerTest, AnAckWhoseAnswerTheKillTookMayCount) {
  const int64_t number = Sent();
  Received(number);
  ledger_.AckUnanswered("crm", number);
  EXPECT_TRUE(ledger_.WaitUntilSettled(absl::ZeroDuration()));
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
}

TEST_F(CallLedgerTest, AnAckWhoseAnswerTheKillTookMayBeAskedForAgainAndIsThenOwed) {
  const int64_t number = Sent();
  Received(number);
  ledger_.AckUnanswered("crm", number);
  Received(number);
  EXPECT_FALSE(ledger_.WaitUntilSettled(absl::ZeroDuration()));
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm never settled test-0"));
  Confirmed(number);
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
}

TEST_F(CallLedgerTest, ARedeliveryAfterAConfirmedAckIsFound) {
  const int64_t number = Sent();
  Received(number);
  Confirmed(number);
  Received(number);
  EXPECT_THAT(ledger_.Findings(),
              ElementsAre("crm received test-0 again after its ack was confirmed"));
}

TEST_F(CallLedgerTest, AnEventThatNobodySentIsFound) {
  EXPECT_EQ(ledger_.Received("crm", DeliveryOf(7)), -1);
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm received test-7, which nobody sent"));
}

TEST_F(CallLedgerTest, AnAlteredEventIsFound) {
  const int64_t number = Sent();
  v1::Delivery altered = DeliveryOf(number);
  altered.mutable_event()->mutable_call_data()->back() ^= 1;
  ledger_.Received("crm", altered);
  Confirmed(number);
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm received test-0 with another callData"));
}

TEST_F(CallLedgerTest, ARepeatThatWasStoredASecondTimeIsFound) {
  const int64_t number = Sent();
  Received(number);
  v1::Delivery second = DeliveryOf(number);
  second.set_cursor("elsewhere");
  ledger_.Received("crm", second);
  Confirmed(number);
  EXPECT_THAT(ledger_.Findings(),
              ElementsAre("crm received test-0 from a second place in the log"));
}

TEST_F(CallLedgerTest, AnAnswerThatComesAfterItsAckCountsAllTheSame) {
  const int64_t number = Sent(/*promised=*/false);
  Received(number);
  Confirmed(number);
  ledger_.Promised(number);
  EXPECT_TRUE(ledger_.WaitUntilSettled(absl::ZeroDuration()));
  EXPECT_EQ(ledger_.settled("crm"), 1);
}

TEST_F(CallLedgerTest, ManyFindingsAreCutShort) {
  for (int i = 0; i < 25; ++i) Sent();
  const std::vector<std::string> findings = ledger_.Findings();
  ASSERT_EQ(findings.size(), 21u);
  EXPECT_THAT(findings.back(), HasSubstr("5 more"));
}

}  // namespace
}  // namespace onhook
