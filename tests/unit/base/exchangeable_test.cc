#include "gateway/base/exchangeable.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>

namespace onhook {
namespace {

TEST(ExchangeableTest, WhoHasAValueGoesOnWithItAndWhoAsksNextGetsTheOther) {
  Exchangeable<std::string> text("old");
  const std::shared_ptr<const std::string> old = text.Get();
  text.Set("new");
  EXPECT_EQ(*old, "old");
  EXPECT_EQ(*text.Get(), "new");
}

TEST(ExchangeableTest, AValueIsAlwaysSeenWhole) {
  Exchangeable<std::pair<int, int>> pair({0, 0});
  std::thread writer([&] {
    for (int i = 1; i <= 10000; ++i) pair.Set({i, i});
  });
  int last = 0;
  while (last < 10000) {
    const auto seen = pair.Get();
    ASSERT_EQ(seen->first, seen->second);
    ASSERT_GE(seen->first, last);
    last = seen->first;
  }
  writer.join();
}

}  // namespace
}  // namespace onhook
