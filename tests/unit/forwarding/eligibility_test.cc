#include "gateway/forwarding/eligibility.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

constexpr absl::Duration kTime = absl::Milliseconds(500);
constexpr absl::Duration kLonger = absl::Milliseconds(501);

class EligibilityTest : public ::testing::Test {
 protected:
  ManualClock clock_;
  Eligibility eligibility_{&clock_, {"subscription/a", "subscription/b"}};
};

TEST_F(EligibilityTest, AtStartAllHaveJustBeen) {
  clock_.Advance(kTime);
  EXPECT_TRUE(eligibility_.AnybodyWithin(kTime));
  EXPECT_TRUE(eligibility_.AnySubscriptionWithin(kTime));
  EXPECT_TRUE(eligibility_.Within("subscription/a", kTime));
}

TEST_F(EligibilityTest, WithoutStreamsNobodyIsForLong) {
  clock_.Advance(kLonger);
  EXPECT_FALSE(eligibility_.AnybodyWithin(kTime));
  EXPECT_FALSE(eligibility_.AnySubscriptionWithin(kTime));
  EXPECT_FALSE(eligibility_.Within("subscription/a", kTime));
}

TEST_F(EligibilityTest, AWatchIsAnybodyButNoSubscription) {
  clock_.Advance(kLonger);
  eligibility_.Began("watch");
  EXPECT_TRUE(eligibility_.AnybodyWithin(kTime));
  EXPECT_FALSE(eligibility_.AnySubscriptionWithin(kTime));
  EXPECT_FALSE(eligibility_.Within("subscription/a", kTime));
}

TEST_F(EligibilityTest, ANamedSubscriptionSpeaksForItselfAlone) {
  clock_.Advance(kLonger);
  eligibility_.Began("subscription/a");
  EXPECT_TRUE(eligibility_.AnybodyWithin(kTime));
  EXPECT_TRUE(eligibility_.AnySubscriptionWithin(kTime));
  EXPECT_TRUE(eligibility_.Within("subscription/a", kTime));
  EXPECT_FALSE(eligibility_.Within("subscription/b", kTime));
}

TEST_F(EligibilityTest, ASubscriptionThatNobodyNamedIsOneOfThem) {
  clock_.Advance(kLonger);
  eligibility_.Began("subscription/c");
  EXPECT_TRUE(eligibility_.AnySubscriptionWithin(kTime));
  EXPECT_FALSE(eligibility_.Within("subscription/a", kTime));
}

TEST_F(EligibilityTest, AReceiverThatWasNotNamedIsNotKnown) {
  eligibility_.Began("subscription/c");
  EXPECT_FALSE(eligibility_.Within("subscription/c", kTime));
}

TEST_F(EligibilityTest, TheLastStreamsEndCountsFromWhenItWas) {
  eligibility_.Began("subscription/a");
  eligibility_.Began("subscription/a");
  clock_.Advance(10 * kLonger);
  eligibility_.Ended("subscription/a");
  clock_.Advance(kLonger);
  EXPECT_TRUE(eligibility_.Within("subscription/a", kTime)) << "one is left";
  eligibility_.Ended("subscription/a");
  clock_.Advance(kTime);
  EXPECT_TRUE(eligibility_.Within("subscription/a", kTime));
  clock_.Advance(kLonger);
  EXPECT_FALSE(eligibility_.Within("subscription/a", kTime));
}

TEST_F(EligibilityTest, StreamsOfManyThreadsAreCountedExactly) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this] {
      for (int round = 0; round < 1000; ++round) {
        eligibility_.Began("subscription/a");
        eligibility_.Ended("subscription/a");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  clock_.Advance(kLonger);
  EXPECT_FALSE(eligibility_.AnySubscriptionWithin(kTime));
  EXPECT_FALSE(eligibility_.Within("subscription/a", kTime));
}

}  // namespace
}  // namespace onhook
