// The limits of HttpServer: P2 bounded, P5 answered.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/http/http_server_fixture.h"

namespace onhook {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kShort = absl::Milliseconds(50);

TEST_F(HttpServerTest, AHeadThatComesTooSlowlyIsAnswered408) {
  options_.head_timeout = kShort;
  Start();
  RawHttpClient client(port());
  const RawAnswer answer = client.Send("POST /x HTTP/1.1\r\nHo").ReadAnswer();
  EXPECT_EQ(answer.status, 408);
  EXPECT_EQ(answer.body, "refused 408: the request came too slowly");
  EXPECT_TRUE(client.IsClosed());
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, ABodyThatComesTooSlowlyIsAnswered408) {
  options_.request_timeout = kShort;
  Start();
  RawHttpClient client(port());
  client.Send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_EQ(client.ReadAnswer().status, 408);
  EXPECT_TRUE(client.IsClosed());
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, ATrickleDoesNotProlongTheTimeLimit) {
  options_.request_timeout = kShort;
  Start();
  RawHttpClient client(port());
  client.Send("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  // Far more single bytes than fit into the limit; sending ends when the server closes.
  const absl::Time begun = clock_.Now();
  while (clock_.Now() - begun < 4 * kShort) client.Send("0");
  EXPECT_NE(client.ReadAnswer().status, 200);
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, ASilentConnectionIsClosedWithoutAWord) {
  options_.idle_timeout = kShort;
  Start();
  RawHttpClient fresh(port());
  EXPECT_TRUE(fresh.IsClosed());
  RawHttpClient used(port());
  EXPECT_EQ(used.Send(Post("a")).ReadAnswer().status, 200);
  EXPECT_TRUE(used.IsClosed());
}

TEST_F(HttpServerTest, AClientThatTakesNoAnswerIsGivenUp) {
  options_.write_timeout = kShort;
  options_.linger_timeout = kShort;
  callbacks_.handler = [](const HttpRequest&) { return Text(std::string(64 << 20, 'a')); };
  Start();
  RawHttpClient client(port());
  client.Send(Post("a"));
  EXPECT_EQ(client.ReadAnswer(/*with_body=*/false).status, 200);
  server_->Stop(absl::Hours(1));  // returns only after the connection has been given up
}

TEST_F(HttpServerTest, ARefusalReachesAClientThatIsStillSending) {
  Start();
  RawHttpClient client(port());
  client.Send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n");
  const RawAnswer answer = client.Send(std::string(900'000, 'b')).ReadAnswer();
  EXPECT_EQ(answer.status, 413);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, ConnectionsBeyondTheCapAreTurnedAwayUntilOneEnds) {
  options_.max_connections = 2;
  Start();
  auto first = std::make_unique<RawHttpClient>(port());
  RawHttpClient second(port());
  EXPECT_EQ(first->Send(Post("a")).ReadAnswer().status, 200);
  EXPECT_EQ(second.Send(Post("a")).ReadAnswer().status, 200);

  RawHttpClient third(port());
  const RawAnswer refused = third.Send(Post("a")).ReadAnswer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.head, HasSubstr("\r\nRetry-After: 1\r\n"));
  EXPECT_THAT(refused.body, HasSubstr("refused 503: "));
  EXPECT_TRUE(third.IsClosed());

  EXPECT_TRUE(first->FinishSending().IsClosed());
  // The place is free a moment after the connection has ended.
  RawAnswer answer;
  for (int i = 0; i < 1000 && answer.status != 200; ++i) {
    answer = RawHttpClient(port()).Send(Post("a")).ReadAnswer();
  }
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(second.Send(Post("a")).ReadAnswer().status, 200);
}

TEST_F(HttpServerTest, ConnectionsBeyondAllThreadsAreClosedWithoutAWord) {
  options_.max_connections = 1;
  options_.max_refusals = 0;
  Start();
  RawHttpClient first(port());
  EXPECT_EQ(first.Send(Post("a")).ReadAnswer().status, 200);
  EXPECT_TRUE(RawHttpClient(port()).IsClosed());
  EXPECT_EQ(first.Send(Post("a")).ReadAnswer().status, 200);
}

// An address of this machine that is not loopback, or "" if it has none.
std::string OwnAddress() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return "";
  std::string found;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    if ((each->ifa_flags & IFF_LOOPBACK) != 0 || (each->ifa_flags & IFF_UP) == 0) continue;
    char text[INET_ADDRSTRLEN];
    const auto* address = reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
    found = inet_ntop(AF_INET, &address->sin_addr, text, sizeof(text));
  }
  freeifaddrs(all);
  return found;
}

TEST_F(HttpServerTest, OnePeerCannotTakeAllConnectionsButLoopbackMay) {
  const std::string address = OwnAddress();
  if (address.empty()) GTEST_SKIP() << "this machine has only its loopback address";
  options_.listen = "0.0.0.0:0";
  options_.max_connections_per_peer = 1;
  Start();
  RawHttpClient first(port(), address);
  EXPECT_EQ(first.Send(Post("a")).ReadAnswer().status, 200);
  EXPECT_EQ(RawHttpClient(port(), address).Send(Post("a")).ReadAnswer().status, 503);
  RawHttpClient local(port());
  EXPECT_EQ(local.Send(Post("a")).ReadAnswer().status, 200);
  EXPECT_EQ(RawHttpClient(port()).Send(Post("a")).ReadAnswer().status, 200);
}

TEST_F(HttpServerTest, HealthyClientsAreServedBesideAThousandIdleOnes) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max < 2200) GTEST_SKIP() << "this machine allows too few files";
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  options_.idle_timeout = absl::Minutes(1);
  Start();
  std::vector<std::unique_ptr<RawHttpClient>> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(std::make_unique<RawHttpClient>(port()));
    ASSERT_TRUE(idle.back()->connected());
    if (i % 2 == 0) idle.back()->Send("POST /x HTTP/1.1\r\n");
  }
  for (int i = 0; i < 50; ++i) {
    RawHttpClient healthy(port());
    ASSERT_EQ(healthy.Send(Post("a")).ReadAnswer().status, 200) << i;
  }
}

TEST_F(HttpServerTest, ABlockedHandlerKeepsNobodyElseWaiting) {
  absl::Notification release;
  callbacks_.handler = [&](const HttpRequest& request) {
    if (request.body == "wait") release.WaitForNotification();
    return Text(std::string(request.body));
  };
  Start();
  std::vector<std::unique_ptr<RawHttpClient>> waiting;
  for (int i = 0; i < 100; ++i) {
    waiting.push_back(std::make_unique<RawHttpClient>(port()));
    waiting.back()->Send(Post("wait"));
  }
  EXPECT_EQ(RawHttpClient(port()).Send(Post("go")).ReadAnswer().body, "go");
  release.Notify();
  for (auto& client : waiting) EXPECT_EQ(client->ReadAnswer().body, "wait");
}

TEST_F(HttpServerTest, ALimitThatIsNotPositiveIsRefusedAtStart) {
  options_.max_body_bytes = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(HttpServer(options_, callbacks_, &clock_, &log_).Start()));
}

}  // namespace
}  // namespace onhook
