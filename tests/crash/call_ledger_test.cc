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
    delivery.mutable_event()->set_release_reason_code(ledger_.ReleaseReason(number));
    return delivery;
  }

  // What happens here happens in this order.
  absl::Duration Now() { return absl::Seconds(++moments_); }
  void Received(int64_t number, int gateway = 1) {
    ledger_.Received("crm", DeliveryOf(number), gateway, Now());
  }
  void Confirmed(int64_t number) { ledger_.Confirmed("crm", number, Now()); }
  v1::DeadLetter LetterOf(int64_t number, v1::DeadLetter::Reason reason, int attempts = 3) const {
    v1::DeadLetter letter;
    *letter.mutable_event() = DeliveryOf(number).event();
    letter.set_cursor(DeliveryOf(number).cursor());
    letter.set_reason(reason);
    letter.set_attempts(attempts);
    return letter;
  }

  int moments_ = 0;
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

TEST_F(CallLedgerTest, AnAttemptThatIsCountedWithoutBlameIsFound) {
  CallLedger::Terms terms;
  terms.is_blameless = true;
  ledger_.OpenSubscription("crm", terms);
  const int64_t number = Sent();
  v1::Delivery delivery = DeliveryOf(number);
  delivery.set_attempt(1);
  ledger_.Received("crm", delivery, 1, Now());
  ledger_.Received("crm", delivery, 2, Now());
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("settled")));
  delivery.set_attempt(2);
  delivery.set_redelivery_reason(v1::Delivery::REDELIVERY_REASON_STREAM_LOST);
  ledger_.Received("crm", delivery, 3, Now());
  Confirmed(number);
  EXPECT_THAT(ledger_.Findings(),
              ElementsAre("crm received test-0 as attempt 2 after REDELIVERY_REASON_STREAM_LOST"));
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
  ledger_.Asked("crm", number, 1);
  EXPECT_TRUE(ledger_.WaitUntilSettled(absl::ZeroDuration()));
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
}

TEST_F(CallLedgerTest, AnAckWhoseAnswerTheKillTookMayBeAskedForAgainAndIsThenOwed) {
  const int64_t number = Sent();
  Received(number);
  ledger_.Asked("crm", number, 1);
  Received(number, /*gateway=*/2);
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
              ElementsAre("crm received test-0 again after its settling was confirmed"));
}

TEST_F(CallLedgerTest, AnEventThatNobodySentIsFound) {
  EXPECT_EQ(ledger_.Received("crm", DeliveryOf(7), 1, Now()), 7);
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm received test-7, which nobody sent"));
}

TEST_F(CallLedgerTest, AnAlteredEventIsFound) {
  const int64_t number = Sent();
  v1::Delivery altered = DeliveryOf(number);
  altered.mutable_event()->mutable_call_data()->back() ^= 1;
  ledger_.Received("crm", altered, 1, Now());
  Confirmed(number);
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm received test-0 with another callData"));
}

TEST_F(CallLedgerTest, ARepeatThatWasStoredASecondTimeIsFound) {
  const int64_t number = Sent();
  Received(number);
  v1::Delivery second = DeliveryOf(number);
  second.set_cursor("elsewhere");
  ledger_.Received("crm", second, 1, Now());
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

// A consumer that was stopped reads late what was sent in time.
TEST_F(CallLedgerTest, WhatWasSentBeforeItsAckWasConfirmedMayBeReadAfterwards) {
  const int64_t number = Sent();
  const absl::Duration before = Now();
  Received(number);
  Confirmed(number);
  ledger_.Received("crm", DeliveryOf(number), 1, before);
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
}

TEST_F(CallLedgerTest, ARedeliveryIsFoundInWhicheverOrderItIsEntered) {
  const int64_t number = Sent();
  const absl::Duration confirmed_at = Now();
  Received(number);
  ledger_.Confirmed("crm", number, confirmed_at);
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("again after its settling")));
}

TEST_F(CallLedgerTest, ARefusedAckSettlesNothing) {
  const int64_t number = Sent();
  Received(number);
  ledger_.Asked("crm", number, 1);
  ledger_.Answered("crm", number, 1);
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm never settled test-0"));
}

TEST_F(CallLedgerTest, AnEventThatTheFilterExcludesIsNotOwedAndMustNotCome) {
  ledger_.OpenSubscription("crm", {[](int64_t number) { return number % 2 == 0; }, {}});
  Sent();
  const int64_t excluded = Sent();
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm never received test-0"));
  Received(0);
  Confirmed(0);
  EXPECT_TRUE(ledger_.WaitUntilSettled(absl::ZeroDuration()));
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
  Received(excluded);
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm received test-1, which its filter excludes"));
}

TEST_F(CallLedgerTest, ADeadLetterThatSomebodyAskedForSettles) {
  const int64_t number = Sent();
  Received(number);
  ledger_.AskedToPark("crm", number);
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm never settled test-0"));
  ledger_.EnterDeadLetters("crm", {LetterOf(number, v1::DeadLetter::REASON_REQUESTED)});
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
}

TEST_F(CallLedgerTest, ADeadLetterThatIsAbsentIsFound) {
  const int64_t number = Sent();
  Received(number);
  ledger_.AskedToPark("crm", number);
  ledger_.ConfirmedParked("crm", number, Now());
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
  ledger_.EnterDeadLetters("crm", {});
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("not among its dead letters")));
}

TEST_F(CallLedgerTest, AnAckWhoseAnswerWasLostMayHaveUndoneADeadLetter) {
  const int64_t number = Sent();
  Received(number);
  ledger_.AskedToPark("crm", number);
  ledger_.ConfirmedParked("crm", number, Now());
  ledger_.Asked("crm", number, 1);
  ledger_.EnterDeadLetters("crm", {});
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
  ledger_.Answered("crm", number, 1);
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("not among its dead letters")));
}

TEST_F(CallLedgerTest, ADeadLetterThatNobodyCausedIsFound) {
  ledger_.OpenSubscription("crm", {nullptr, /*max_delivery_attempts=*/3});
  for (int i = 0; i < 4; ++i) Received(Sent());
  ledger_.EnterDeadLetters("crm",
                           {LetterOf(0, v1::DeadLetter::REASON_REQUESTED),
                            LetterOf(1, v1::DeadLetter::REASON_ATTEMPTS_EXHAUSTED, /*attempts=*/2),
                            LetterOf(2, v1::DeadLetter::REASON_ATTEMPTS_EXHAUSTED, /*attempts=*/3),
                            LetterOf(3, v1::DeadLetter::REASON_CORRUPT)});
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("test-0, which nobody asked for"),
                                              HasSubstr("test-1, given up too early"),
                                              HasSubstr("test-3 for a reason")));
  EXPECT_EQ(ledger_.TallyOf("crm").unseen, 1 + 2);
}

TEST_F(CallLedgerTest, AnAlteredDeadLetterIsFound) {
  const int64_t number = Sent();
  ledger_.AskedToPark("crm", number);
  v1::DeadLetter letter = LetterOf(number, v1::DeadLetter::REASON_REQUESTED);
  letter.mutable_event()->set_called("1");
  ledger_.EnterDeadLetters("crm", {letter});
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("with another called")));
}

TEST_F(CallLedgerTest, WhatIsRedrivenIsOwedOnceMore) {
  const int64_t number = Sent();
  Received(number);
  ledger_.AskedToPark("crm", number);
  ledger_.ConfirmedParked("crm", number, Now());
  ledger_.EnterDeadLetters("crm", {LetterOf(number, v1::DeadLetter::REASON_REQUESTED)});
  ledger_.Redriven("crm");
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm never received test-0"));
  Received(number);
  EXPECT_FALSE(ledger_.WaitUntilSettled(absl::ZeroDuration()));
  Confirmed(number);
  EXPECT_TRUE(ledger_.WaitUntilSettled(absl::ZeroDuration()));
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
  EXPECT_EQ(ledger_.deliveries("crm", number), 1);
}

TEST_F(CallLedgerTest, EveryAnswerIsCountedAndTwoOfThemArePromises) {
  for (const CallbackAnswer answer :
       {CallbackAnswer::kAccepted, CallbackAnswer::kNotForwarded, CallbackAnswer::kNotStored,
        CallbackAnswer::kNone, CallbackAnswer::kNone}) {
    ledger_.Replied(ledger_.Open(), answer);
  }
  EXPECT_EQ(ledger_.replies(), (AnswerCounts{1, 0, 1, 1, 2, 0}));
  EXPECT_EQ(ledger_.promised(), 2);
  EXPECT_TRUE(ledger_.IsPromised(0));
  EXPECT_TRUE(ledger_.IsPromised(1));
  EXPECT_THAT(ledger_.Findings(),
              ElementsAre("crm never received test-0", "crm never received test-1"));
}

TEST_F(CallLedgerTest, ARightCallbackThatIsRefusedIsFoundUnlessThatIsAllowed) {
  ledger_.Replied(ledger_.Open(), CallbackAnswer::kRefused);
  EXPECT_TRUE(ledger_.IsAlwaysRefused(0));
  EXPECT_THAT(ledger_.Findings(), ElementsAre("test-0 was answered \"1\""));
  ledger_.AllowRefusals();
  ledger_.Replied(ledger_.Open(), CallbackAnswer::kRefused);
  EXPECT_EQ(ledger_.Findings().size(), 1u);
}

TEST_F(CallLedgerTest, AnAnswerThatNoVendorUnderstandsIsFound) {
  ledger_.Replied(ledger_.Open(), CallbackAnswer::kOther);
  EXPECT_THAT(ledger_.Findings(), ElementsAre("test-0 was answered what no vendor understands"));
}

TEST_F(CallLedgerTest, AWrongCallbackThatIsLetInIsFoundWhereverItShows) {
  ledger_.RepliedToWrong(3, CallbackAnswer::kRefused);
  ledger_.RepliedToWrong(3, CallbackAnswer::kNotStored);
  ledger_.RepliedToWrong(3, CallbackAnswer::kNone);
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
  ledger_.RepliedToWrong(3, CallbackAnswer::kAccepted);
  v1::Delivery delivery;
  delivery.mutable_event()->set_call_serial_no(ledger_.content().WrongSerialNo(3));
  EXPECT_EQ(ledger_.Received("crm", delivery, 1, Now()), -1);
  EXPECT_THAT(ledger_.Findings(), ElementsAre("test-wrong-3 was not refused",
                                              "crm received test-wrong-3, which is to be refused"));
}

// The vendor and a subscriber are processes: the test reads in any order what they say.
TEST_F(CallLedgerTest, WhatIsReceivedMayBeOpenedLater) {
  Received(2);
  Confirmed(2);
  EXPECT_THAT(ledger_.Findings(), ElementsAre("crm received test-2, which nobody sent"));
  ledger_.Opened(2, absl::Seconds(1));
  ledger_.Opened(2, absl::Seconds(2));  // by somebody else
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
  EXPECT_EQ(ledger_.opened_at(2), absl::Seconds(1));
}

TEST_F(CallLedgerTest, WhatAnotherCheckFindsIsFound) {
  ledger_.Find("the log lacks test-0");
  EXPECT_THAT(ledger_.Findings(), ElementsAre("the log lacks test-0"));
}

TEST_F(CallLedgerTest, ManyFindingsAreCutShort) {
  for (int i = 0; i < 25; ++i) Sent();
  const std::vector<std::string> findings = ledger_.Findings();
  ASSERT_EQ(findings.size(), 21u);
  EXPECT_THAT(findings.back(), HasSubstr("5 more"));
}

}  // namespace
}  // namespace onhook
