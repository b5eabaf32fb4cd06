// The same floods against the program as it is shipped.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/hostile/flood.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using testing::Each;
using testing::HasSubstr;

TEST(OnhookdFloodTest, NoFloodCostsTheProgramMuchMemory) {
  TemporaryDirectory store;
  OnhookdProcess::Options options;
  options.store_directory = store.path();
  OnhookdProcess onhookd(options);
  ASSERT_TRUE(onhookd.WaitUntilListening(absl::Seconds(60))) << onhookd.log();

  const int64_t growth = MemoryGrowth(onhookd.pid(), [&] {
    for (const Flood& flood : Floods()) {
      EXPECT_THAT(SendFlood(flood, onhookd.http_port()), Each(flood.status)) << flood.name;
    }
  });
  RecordProperty("memory_growth_kib", static_cast<int>(growth / 1024));
// A sanitizer keeps freed memory for a while, so that there it measures itself.
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_LT(growth, 16 * 1024 * 1024);
#endif

  // It goes on as if nothing had been: nobody subscribes, so the event is only stored.
  RawHttpClient client(onhookd.http_port());
  client.Send(
      "POST /release-events HTTP/1.1\r\nHost: h\r\nContent-Length: 33\r\n\r\n"
      R"({"callSerialNo":"1","called":"2"})");
  EXPECT_THAT(client.ReadAnswer().body, HasSubstr(R"("retCode":"2")"));
}

}  // namespace
}  // namespace onhook
