// What the vendor's process says has to come into the ledger whole, or not at all.
#include "tests/crash/vendor_process.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/call_ledger.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class VendorReportTest : public testing::Test {
 protected:
  CallLedger ledger_{"test"};
  VendorReport report_{&ledger_};
};

TEST_F(VendorReportTest, ACallbackIsOpenedWhenTheVendorSaysAndEveryAnswerToItCounts) {
  report_.Take("opened 0 5000000000\nreplied 0 4\nreplied 0 3\nreplied 0 0\n");
  EXPECT_EQ(ledger_.opened_at(0), absl::Seconds(5));
  EXPECT_EQ(ledger_.replies(), (AnswerCounts{1, 0, 0, 1, 1, 0}));
  EXPECT_EQ(ledger_.promised(), 1);
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
}

TEST_F(VendorReportTest, ALineThatEndsInTheNextPieceIsOneLine) {
  report_.Take("opened 0 1\nrep");
  report_.Take("lied 0 0");
  EXPECT_EQ(ledger_.promised(), 0);
  report_.Take("\n");
  EXPECT_EQ(ledger_.promised(), 1);
}

TEST_F(VendorReportTest, AWrongCallbackThatWasAcceptedIsFound) {
  report_.Take("wrong 7 1\nwrong 7 0\n");
  EXPECT_THAT(ledger_.Findings(), ElementsAre("test-wrong-7 was not refused"));
}

TEST_F(VendorReportTest, TheEndIsKnownWithWhatBecameOfAlteredCopies) {
  EXPECT_FALSE(report_.WaitUntilFinished(absl::ZeroDuration()));
  report_.Take("finished 12 1\n");
  EXPECT_TRUE(report_.WaitUntilFinished(absl::ZeroDuration()));
  EXPECT_EQ(report_.altered().refused, 12);
  EXPECT_EQ(report_.altered().others, 1);
}

TEST_F(VendorReportTest, WhatIsNoLineOfItsIsKeptForWhoReadsTheOutput) {
  report_.Take("terminate called\nreplied 0\nreplied 0 6\nreplied 0 -1\n");
  EXPECT_EQ(report_.words(), "terminate called\nreplied 0\nreplied 0 6\nreplied 0 -1\n");
  EXPECT_EQ(ledger_.opened(), 0);
}

}  // namespace
}  // namespace onhook
