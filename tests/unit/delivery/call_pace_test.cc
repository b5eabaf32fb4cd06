#include "gateway/delivery/call_pace.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

class CallPaceTest : public testing::Test {
 protected:
  int TakeAll(const void* connection) {
    int taken = 0;
    while (pace_.Take(connection)) ++taken;
    return taken;
  }

  ManualClock clock_;
  CallPace pace_{{10, 20, 3}, &clock_};
  const char connections_[100] = {};
};

TEST_F(CallPaceTest, SomeCallsBeginAtOnceAndThenSoManyInASecond) {
  EXPECT_EQ(TakeAll(&connections_[0]), 20);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(TakeAll(&connections_[0]), 10);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(TakeAll(&connections_[0]), 20);
}

TEST_F(CallPaceTest, OneConnectionTakesNothingFromAnother) {
  EXPECT_EQ(TakeAll(&connections_[0]), 20);
  EXPECT_EQ(TakeAll(&connections_[1]), 20);
}

TEST_F(CallPaceTest, ConnectionsWithinTheirPaceAreForgotten) {
  for (const char& connection : connections_) {
    EXPECT_TRUE(pace_.Take(&connection));
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_LE(pace_.size(), 4U);
}

TEST_F(CallPaceTest, OneThatHasUsedItUpIsNotForgotten) {
  EXPECT_EQ(TakeAll(&connections_[0]), 20);
  for (const char& connection : connections_) pace_.Take(&connection);
  EXPECT_FALSE(pace_.Take(&connections_[0]));
}

TEST_F(CallPaceTest, AnotherPaceHoldsForConnectionsThatAreKnownToo) {
  EXPECT_EQ(TakeAll(&connections_[0]), 20);
  EXPECT_TRUE(pace_.Take(&connections_[1]));
  pace_.SetLimits({30, 5, 3});
  clock_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(TakeAll(&connections_[0]), 3);
  EXPECT_EQ(TakeAll(&connections_[1]), 5);
}

}  // namespace
}  // namespace onhook
