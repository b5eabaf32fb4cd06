// Requests far larger than any may be: what the server answers, and how much memory they cost it.
#include "tests/hostile/flood.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "gmock/gmock.h"
#include "tests/hostile/hostile_fixture.h"

namespace onhook {
namespace {

using testing::Each;

constexpr int64_t kGrowthMax = 16 * 1024 * 1024;

class FloodTest : public HostileTest {
 protected:
  FloodTest() {
    callbacks_.handler = [this](const HttpRequest& request) {
      largest_ = std::max(largest_.load(), request.body.size());
      ++handled_;
      return HttpResponse();
    };
  }

  std::atomic<size_t> largest_{0};
  std::atomic<int> handled_{0};
};

TEST_F(FloodTest, NoFloodReachesAHandlerOrMemory) {
  Start();
  const int64_t growth = MemoryGrowth(getpid(), [this] {
    for (const Flood& flood : Floods()) {
      EXPECT_THAT(SendFlood(flood, port()), Each(flood.status)) << flood.name;
    }
  });
  EXPECT_EQ(handled_, 0);
  RecordProperty("memory_growth_kib", static_cast<int>(growth / 1024));
// A sanitizer keeps freed memory for a while, so that there it measures itself.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(growth, kGrowthMax);
#endif
}

// What shows that a flood without limits would be noticed, by the handler and by the memory.
TEST_F(FloodTest, WithoutLimitsAFloodReachesBoth) {
  const size_t no_limit = size_t{1} << 30;
  options_.max_body_bytes = options_.max_chunk_framing_bytes = no_limit;
  options_.request_timeout = absl::Minutes(1);
  Start();
  Flood flood = Floods().front();
  ASSERT_STREQ(flood.name, "64 MiB in chunks");
  // A part of it, and its end, which it never has.
  flood.pieces = 320;
  flood.last = "0\r\n\r\n";
  const int64_t growth =
      MemoryGrowth(getpid(), [&] { EXPECT_THAT(SendFlood(flood, port()), Each(200)); });
  EXPECT_GT(handled_, 0);
  EXPECT_EQ(largest_, size_t{320} * 64 * 1024);
  RecordProperty("memory_growth_kib", static_cast<int>(growth / 1024));
  EXPECT_GT(growth, kGrowthMax);
}

}  // namespace
}  // namespace onhook
