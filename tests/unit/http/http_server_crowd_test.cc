// Many connections at HttpServer: P7 open, and what P2 says about their number.
#include <sys/resource.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/http/http_server_fixture.h"

namespace onhook {
namespace {

using testing::HasSubstr;

class HttpServerCrowdTest : public HttpServerTest {
 protected:
  HttpServerCrowdTest() {
    options_.idle_timeout = options_.head_timeout = options_.request_timeout = absl::Minutes(1);
    options_.cap_loopback = true;
    options_.max_connections_per_peer = 1'000'000;
    callbacks_.handler = [this](const HttpRequest& request) {
      if (request.body == "wait") {
        ++waiting_;
        release_.WaitForNotification();
      }
      return Text(std::string(request.body));
    };
  }
  // A handler that waits would keep the server from stopping.
  ~HttpServerCrowdTest() override {
    if (!release_.HasBeenNotified()) release_.Notify();
    server_.reset();
  }

  std::unique_ptr<RawHttpClient> Connect(const std::string& from = "127.0.0.1") const {
    auto client = std::make_unique<RawHttpClient>();
    client->From(from).Connect(port());
    return client;
  }

  // A connection that has been served and waits for its next request.
  std::unique_ptr<RawHttpClient> Idle(const std::string& from = "127.0.0.1") const {
    auto client = Connect(from);
    EXPECT_EQ(client->Send(Post("a")).ReadAnswer().status, 200);
    return client;
  }

  // A connection in the middle of a request.
  std::unique_ptr<RawHttpClient> Slow(const std::string& from = "127.0.0.1") const {
    auto client = Connect(from);
    client->Send(
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client->ReadAnswer().status, 100);
    return client;
  }

  // A connection whose request the handler works on until release_.
  std::unique_ptr<RawHttpClient> Busy(const std::string& from = "127.0.0.1") {
    const int before = waiting_;
    auto client = Connect(from);
    client->Send(Post("wait"));
    while (waiting_ == before) std::this_thread::yield();
    return client;
  }

  int StatusOfNewcomer(const std::string& from = "127.0.0.1") const {
    return Connect(from)->Send(Post("a")).ReadAnswer().status;
  }

  // Whether a newcomer is served now, or a moment later: one that has its answer may still count.
  bool ServesNewcomer(const std::string& from = "127.0.0.1") const {
    for (int i = 0; i < 1000; ++i) {
      if (StatusOfNewcomer(from) == 200) return true;
    }
    return false;
  }

  static void AllowManyFiles() {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < 6000) GTEST_SKIP() << "this machine allows too few files";
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }

  absl::Notification release_;
  std::atomic<int> waiting_{0};
};

TEST_F(HttpServerCrowdTest, ConnectionsBeyondTheCapAreTurnedAwayUntilABusyOneEnds) {
  options_.max_connections = 2;
  Start();
  const auto first = Busy();
  const auto second = Busy();

  RawHttpClient third(port());
  const RawAnswer refused = third.Send(Post("a")).ReadAnswer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.head, HasSubstr("\r\nRetry-After: 1\r\n"));
  EXPECT_THAT(refused.body, HasSubstr("refused 503: "));
  EXPECT_TRUE(third.IsClosed());

  release_.Notify();
  EXPECT_EQ(first->ReadAnswer().status, 200);
  EXPECT_TRUE(ServesNewcomer());
  EXPECT_EQ(second->ReadAnswer().status, 200);
}

TEST_F(HttpServerCrowdTest, ConnectionsBeyondAllRefusalsAreClosedWithoutAWord) {
  options_.max_connections = 1;
  options_.max_refusals = 1;
  options_.linger_timeout = absl::Minutes(1);
  std::atomic<int> refused{0};
  callbacks_.on_refused = [&](absl::string_view label) {
    refused += label == "too_many_connections" ? 1 : 0;
  };
  Start();
  const auto busy = Busy();
  const auto told = Connect();
  EXPECT_EQ(told->ReadAnswer().status, 503);  // it stays, since it does not close
  EXPECT_TRUE(Connect()->IsClosed());
  EXPECT_EQ(refused, 2);
  release_.Notify();
  EXPECT_EQ(busy->ReadAnswer().status, 200);
}

TEST_F(HttpServerCrowdTest, AnIdleConnectionEndsForANewcomer) {
  options_.max_connections = 1;
  Start();
  const auto idle = Idle();
  EXPECT_TRUE(ServesNewcomer());
  EXPECT_TRUE(idle->IsClosed());
}

TEST_F(HttpServerCrowdTest, AClientThatDoesNotTakeItsAnswerKeepsNobodyOut) {
  options_.max_connections = 1;
  options_.write_timeout = absl::Minutes(1);
  const std::string more_than_any_buffer(16 << 20, 'a');
  callbacks_.handler = [&](const HttpRequest& request) {
    return Text(request.body == "much" ? more_than_any_buffer : "");
  };
  Start();
  const auto stalled = Connect();
  stalled->Send(Post("much"));
  while (handled_ == 0) std::this_thread::yield();
  // Until the buffers are full, its answer is as good as any.
  bool serves = false;
  for (int i = 0; i < 100 && !serves; ++i) serves = ServesNewcomer();
  EXPECT_TRUE(serves);
  EXPECT_TRUE(ServesNewcomer()) << "it has left its place for good";
}

TEST_F(HttpServerCrowdTest, ASlowRequestIsToldToComeAgainWhenItKeepsANewcomerOut) {
  options_.max_connections = 2;
  Start();
  const auto slow = Slow();
  const auto less_slow = Slow();
  EXPECT_TRUE(ServesNewcomer());
  const RawAnswer told = slow->ReadAnswer();
  EXPECT_EQ(told.status, 503);
  EXPECT_THAT(told.head, HasSubstr("\r\nRetry-After: 1\r\n"));
  EXPECT_TRUE(slow->IsClosed());
  EXPECT_EQ(less_slow->Send("b").ReadAnswer().body, "b");
}

TEST_F(HttpServerCrowdTest, AWholeRequestNeverEndsForANewcomer) {
  options_.max_connections = 2;
  Start();
  const auto busy = Busy();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(ServesNewcomer()) << i;
  release_.Notify();
  EXPECT_EQ(busy->ReadAnswer().body, "wait");
}

TEST_F(HttpServerCrowdTest, OnePeerCannotTakeAllConnections) {
  options_.max_connections_per_peer = 2;
  Start();
  const auto first = Busy("127.0.0.2");
  const auto second = Busy("127.0.0.2");
  EXPECT_EQ(StatusOfNewcomer("127.0.0.2"), 503);
  EXPECT_EQ(StatusOfNewcomer("127.0.0.3"), 200);
}

TEST_F(HttpServerCrowdTest, APeerAtItsCapLosesItsOwnIdleConnections) {
  options_.max_connections_per_peer = 1;
  Start();
  const auto other = Idle("127.0.0.3");
  const auto own = Idle("127.0.0.2");
  EXPECT_TRUE(ServesNewcomer("127.0.0.2"));
  EXPECT_TRUE(own->IsClosed());
  EXPECT_EQ(other->Send(Post("a")).ReadAnswer().status, 200);
}

TEST_F(HttpServerCrowdTest, LoopbackHasNoCapUnlessAskedFor) {
  options_.cap_loopback = false;
  options_.max_connections_per_peer = 1;
  Start();
  const auto first = Busy();
  EXPECT_EQ(StatusOfNewcomer(), 200);
}

TEST_F(HttpServerCrowdTest, AProxyThatIsNamedHasNoCap) {
  options_.max_connections_per_peer = 1;
  options_.uncapped_peers = {IpNetwork::Parse("192.0.2.0/24").value(),
                             IpNetwork::Parse("127.0.0.2").value()};
  Start();
  const auto first = Busy("127.0.0.2");
  const auto other = Busy("127.0.0.3");
  EXPECT_EQ(StatusOfNewcomer("127.0.0.2"), 200);
  EXPECT_EQ(StatusOfNewcomer("127.0.0.3"), 503);
}

TEST_F(HttpServerCrowdTest, AHealthyNewcomerIsServedWhenIdleConnectionsHoldAllPlaces) {
  AllowManyFiles();
  Start();
  std::vector<std::unique_ptr<RawHttpClient>> idle;
  for (int i = 0; i < options_.max_connections; ++i) {
    idle.push_back(i % 2 == 0 ? Connect() : Idle());
    ASSERT_TRUE(idle.back()->connected());
  }
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(ServesNewcomer()) << i;
}

TEST_F(HttpServerCrowdTest, HealthyClientsAreServedBesideAThousandSlowOnes) {
  AllowManyFiles();
  options_.max_connections_per_peer = HttpOptions().max_connections_per_peer;
  Start();
  std::vector<std::unique_ptr<RawHttpClient>> slow;
  for (int i = 0; i < 1000; ++i) {
    slow.push_back(Connect(absl::StrCat("127.0.1.", 1 + i % 10)));
    slow.back()->Send("POST /x HTTP/1.1\r\n");
  }
  // More than the cap allows to one peer; what is over it gets an answer or an end.
  std::vector<std::unique_ptr<RawHttpClient>> greedy;
  for (int i = 0; i < 1100; ++i) {
    greedy.push_back(Connect("127.0.2.1"));
    greedy.back()->Send(i % 2 == 0 ? "" : "POST /x HTTP/1.1\r\n");
  }
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(ServesNewcomer("127.0.3.1")) << i;
}

TEST_F(HttpServerCrowdTest, ABlockedHandlerKeepsNobodyElseWaiting) {
  Start();
  std::vector<std::unique_ptr<RawHttpClient>> waiting;
  for (int i = 0; i < 100; ++i) {
    waiting.push_back(Connect());
    waiting.back()->Send(Post("wait"));
  }
  EXPECT_EQ(Connect()->Send(Post("go")).ReadAnswer().body, "go");
  release_.Notify();
  for (auto& client : waiting) EXPECT_EQ(client->ReadAnswer().body, "wait");
}

}  // namespace
}  // namespace onhook
