#include "gateway/store/spool/patience.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gateway/store/spool/circuit.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;

const auto kAtOnce = [](absl::FunctionRef<void()> work) { work(); };

TEST(PatienceTest, WhatIsNotAnsweredIsGivenUp) {
  Patience patience(absl::Milliseconds(1), kAtOnce);
  absl::Notification given_up;
  const auto wait = patience.Begin([&] { given_up.Notify(); });
  given_up.WaitForNotification();
  EXPECT_FALSE(wait->Take());
}

TEST(PatienceTest, WhatIsAnsweredIsNotGivenUp) {
  Patience patience(absl::Hours(1), kAtOnce);
  const auto wait = patience.Begin([] { ADD_FAILURE(); });
  EXPECT_TRUE(wait->Take());
  EXPECT_FALSE(wait->Take());
  patience.Stop();
}

TEST(PatienceTest, StoppingGivesUpWhatIsLeftInOrderAndDoesWhatIsToBeRun) {
  std::vector<int> done;
  Patience patience(absl::Hours(1), kAtOnce);
  patience.Begin([&] { done.push_back(1); });
  const auto answered = patience.Begin([] { ADD_FAILURE(); });
  patience.Begin([&] { done.push_back(2); });
  EXPECT_TRUE(answered->Take());
  patience.Stop();
  EXPECT_THAT(done, ElementsAre(1, 2));
  patience.Run([&] { done.push_back(3); });
  EXPECT_THAT(done, ElementsAre(1, 2, 3));
}

TEST(PatienceTest, WorkIsDoneWithoutWaitingForAnyAnswer) {
  Patience patience(absl::Hours(1), kAtOnce);
  const auto wait = patience.Begin([] {});
  absl::Notification ran;
  patience.Run([&] { ran.Notify(); });
  ran.WaitForNotification();
}

TEST(CircuitTest, OneFailureOpensItAndOneSuccessClosesIt) {
  Circuit circuit(absl::Seconds(5));
  EXPECT_TRUE(circuit.Admits(absl::Seconds(100)));
  circuit.Failed(absl::Seconds(100));
  EXPECT_TRUE(circuit.open());
  EXPECT_FALSE(circuit.Admits(absl::Seconds(101)));
  circuit.Succeeded();
  EXPECT_TRUE(circuit.Admits(absl::Seconds(101)));
}

TEST(CircuitTest, OneCallbackTriesWhenNobodyHasForAWhile) {
  Circuit circuit(absl::Seconds(5));
  circuit.Failed(absl::Seconds(100));
  circuit.StillFails(absl::Seconds(104));
  EXPECT_FALSE(circuit.Admits(absl::Seconds(108)));
  EXPECT_TRUE(circuit.Admits(absl::Seconds(109)));
  EXPECT_FALSE(circuit.Admits(absl::Seconds(109)));
  EXPECT_TRUE(circuit.Admits(absl::Seconds(114)));
}

TEST(CircuitTest, WhatFailsForAnotherReasonOpensNothing) {
  Circuit circuit(absl::Seconds(5));
  circuit.StillFails(absl::Seconds(100));
  EXPECT_TRUE(circuit.Admits(absl::Seconds(100)));
}

}  // namespace
}  // namespace onhook
