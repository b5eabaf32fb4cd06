// What a consumer says has to become what the ledger knows.
#include "tests/chaos/consumer_process.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConsumerReportTest : public testing::Test {
 protected:
  ConsumerReportTest() {
    ledger_.OpenSubscription("crm");
    ledger_.Promised(ledger_.Open());
    Say("stream 1 5");
  }

  void Say(const std::string& line) { report_.Take(line + "\n"); }
  static std::string Received(const CallLedger& ledger, int64_t number) {
    v1::Delivery delivery;
    delivery.set_cursor("here");
    delivery.mutable_event()->set_call_serial_no(ledger.CallSerialNo(number));
    delivery.mutable_event()->set_called(ledger.Called(number));
    delivery.mutable_event()->set_call_data(ledger.CallData(number));
    delivery.mutable_event()->set_release_reason_code(ledger.ReleaseReason(number));
    return absl::StrCat("received ", absl::WebSafeBase64Escape(delivery.SerializeAsString()));
  }
  std::string Received() const { return Received(ledger_, 0); }
  // A moment after everything so far.
  int64_t Later() const { return absl::ToInt64Nanoseconds(clock_.Elapsed() + absl::Hours(1)); }

  const SystemClock clock_;
  CallLedger ledger_{"run"};
  ConsumerReport report_{"crm", &ledger_};
};

TEST_F(ConsumerReportTest, AnEventThatWasReceivedAndAckedIsSettled) {
  Say(Received());
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("never settled")));
  Say("asking ack run-0");
  Say(absl::StrCat("done ack 6 ", Later(), " run-0"));
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
  EXPECT_EQ(ledger_.TallyOf("crm").unanswered, 0);
}

TEST_F(ConsumerReportTest, ALineThatItsDeathCutShortWasNotSaid) {
  Say(Received());
  report_.Take(absl::StrCat("done ack 6 ", Later(), " run-0"));
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("never settled")));
}

TEST_F(ConsumerReportTest, ALineMayComeInPieces) {
  for (const char c : Received()) report_.Take({&c, 1});
  Say("");
  EXPECT_EQ(ledger_.deliveries("crm", 0), 1);
}

TEST_F(ConsumerReportTest, AnAckThatWasNotAnsweredBeforeItsDeathMayCount) {
  Say(Received());
  Say("asking ack run-0");
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
  EXPECT_EQ(ledger_.TallyOf("crm").unanswered, 1);
}

TEST_F(ConsumerReportTest, AnEventThatComesAgainOverAStreamOpenedAfterItsConfirmationIsFound) {
  Say(Received());
  Say(absl::StrCat("done ack 6 ", Later(), " run-0"));
  Say(absl::StrCat("stream 1 ", Later() + 1));
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
  Say(Received());
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("again after its settling")));
}

TEST_F(ConsumerReportTest, AnEventThatComesAgainOverTheStreamOfItsConfirmationIsFound) {
  Say(Received());
  Say(absl::StrCat("done skip 6 ", Later(), " run-0"));
  Say(Received());
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("again after its settling")));
}

// It was sent before, as far as anybody can know.
TEST_F(ConsumerReportTest, AnEventThatComesAgainOverAnotherStreamIsNot) {
  ConsumerReport other("crm", &ledger_);
  other.Take("stream 1 5\n");
  Say(Received());
  Say(absl::StrCat("done ack 6 ", Later(), " run-0"));
  other.Take(absl::StrCat(Received(), "\n"));
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
}

TEST_F(ConsumerReportTest, AnEventThatComesAgainBehindOnePostedAfterItsConfirmationIsFound) {
  ConsumerReport other("crm", &ledger_);
  other.Take("stream 1 5\n");
  Say(Received());
  Say(absl::StrCat("done ack 6 ", absl::ToInt64Nanoseconds(clock_.Elapsed()), " run-0"));
  const int64_t next = ledger_.Open();
  other.Take(absl::StrCat(Received(ledger_, next), "\n", Received(), "\n"));
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("again after its settling")));
}

TEST_F(ConsumerReportTest, ANackThatCameTooLateIsNoFindingAndAnAckThatDidIs) {
  Say(Received());
  Say("asking skip run-0");
  Say("refused skip RESULT_STALE run-0");
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("never settled")));
  Say("refused ack RESULT_STALE run-0");
  Say("refused extend RESULT_UNKNOWN run-0");
  EXPECT_THAT(ledger_.Findings(),
              ElementsAre(HasSubstr("RESULT_STALE"), HasSubstr("RESULT_UNKNOWN"),
                          HasSubstr("never settled")));
}

TEST_F(ConsumerReportTest, WhatWasParkedHasToLieAmongTheDeadLetters) {
  Say(Received());
  Say("asking park run-0");
  Say(absl::StrCat("done park 6 ", Later(), " run-0"));
  ledger_.EnterDeadLetters("crm", {});
  EXPECT_THAT(ledger_.Findings(), ElementsAre(HasSubstr("not among its dead letters")));
}

TEST_F(ConsumerReportTest, StreamsThatEndedWellAreNotBroken) {
  Say("ended 0 ");
  EXPECT_EQ(report_.broken_streams(), 0);
  Say("stream 1 6");
  Say("ended 14 gone");
  Say("stream 2 7");
  EXPECT_EQ(report_.broken_streams(), 2);
  EXPECT_EQ(report_.words(), "ended 0 \nended 14 gone\n");
}

}  // namespace
}  // namespace onhook
