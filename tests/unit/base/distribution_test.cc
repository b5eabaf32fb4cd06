#include "gateway/base/distribution.h"

#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;

constexpr double kBounds[] = {1, 2, 4};

TEST(DistributionTest, StartsWithNothing) {
  const Distribution::Counts counts = Distribution(kBounds).Read();
  EXPECT_THAT(counts.counts, ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(counts.total(), 0u);
  EXPECT_EQ(counts.sum, 0);
}

TEST(DistributionTest, AValueCountsInTheFirstRangeWhoseBoundIsNotBelowIt) {
  Distribution values(kBounds);
  for (const double value : {-1.0, 0.0, 1.0, 1.5, 2.0, 4.0, 4.1, 1000.0}) values.Observe(value);
  const Distribution::Counts counts = values.Read();
  EXPECT_THAT(counts.bounds, ElementsAre(1, 2, 4));
  EXPECT_THAT(counts.counts, ElementsAre(3, 2, 1, 2));
  EXPECT_EQ(counts.total(), 8u);
  EXPECT_DOUBLE_EQ(counts.sum, 1011.6);
}

TEST(DistributionTest, LosesNothingThatManyThreadsCount) {
  Distribution values(kBounds);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&values] {
      for (int j = 0; j < 10'000; ++j) values.Observe(3);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Distribution::Counts counts = values.Read();
  EXPECT_THAT(counts.counts, ElementsAre(0, 0, 40'000, 0));
  EXPECT_EQ(counts.sum, 120'000);
}

}  // namespace
}  // namespace onhook
