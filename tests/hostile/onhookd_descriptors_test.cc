// The program as it is shipped, when it gets no descriptor for another connection.
#include <sys/resource.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(1);

// Not under the sanitizers: without descriptors their checks fail, and they report what is not so.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(OnhookdDescriptorsTest, PortsWithoutDescriptorsAreNoticedAndServeAgainOnceThereAreSome) {
  TemporaryDirectory store;
  OnhookdProcess::Options options;
  options.store_directory = store.path();
  OnhookdProcess onhookd(options);
  ASSERT_TRUE(onhookd.WaitUntilListening(kPatience)) << onhookd.log();

  rlimit before{};
  ASSERT_EQ(prlimit(onhookd.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
  const rlimit none{1, before.rlim_max};
  ASSERT_EQ(prlimit(onhookd.pid(), RLIMIT_NOFILE, &none, nullptr), 0);
  // By itself, since nobody else dials either port.
  for (const int port : {onhookd.http_port(), onhookd.admin_port()}) {
    EXPECT_TRUE(onhookd.WaitForLog(
        absl::StrCat(
            "nobody answers at the server's own port\",\"listen\":\"127.0.0.1:0\",\"port\":", port),
        kPatience))
        << onhookd.log();
  }

  RawHttpClient callback(onhookd.http_port());
  callback.Send("GET /release-events HTTP/1.1\r\nHost: h\r\n\r\n");
  RawHttpClient probe(onhookd.admin_port());
  probe.Send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(prlimit(onhookd.pid(), RLIMIT_NOFILE, &before, nullptr), 0);
  EXPECT_EQ(callback.ReadAnswer().status, 405);
  EXPECT_EQ(probe.ReadAnswer().status, 200);
  EXPECT_TRUE(onhookd.WaitForLog("connections are accepted again", kPatience)) << onhookd.log();
}
#endif

}  // namespace
}  // namespace onhook
