#include "gateway/base/descriptor_limit.h"

#include <sys/resource.h>

#include "gtest/gtest.h"

namespace onhook {
namespace {

rlimit Limit() {
  rlimit limit{};
  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  return limit;
}

TEST(DescriptorLimitTest, IsRaisedToWhatIsAllowedAndNeverLowered) {
  const rlimit before = Limit();
  rlimit low = before;
  low.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  RaiseDescriptorLimit();
  EXPECT_GT(Limit().rlim_cur, 256u);
  EXPECT_EQ(static_cast<rlim_t>(DescriptorLimit()), Limit().rlim_cur);
  EXPECT_EQ(Limit().rlim_max, before.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  RaiseDescriptorLimit();
  EXPECT_GE(Limit().rlim_cur, before.rlim_cur);
}

}  // namespace
}  // namespace onhook
