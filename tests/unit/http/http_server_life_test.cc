// The beginning, the end and the accidents of HttpServer's listener.
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gateway/net/listening_socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/no_descriptors.h"
#include "tests/unit/http/http_server_fixture.h"

namespace onhook {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(HttpServerTest, ATakenPortIsAClearErrorOfStart) {
  Start();
  HttpOptions same = options_;
  same.listen = absl::StrCat("127.0.0.1:", port());
  HttpServer second(same, callbacks_, &clock_, &log_);
  const absl::Status started = second.Start();
  EXPECT_TRUE(absl::IsAlreadyExists(started)) << started;
  EXPECT_THAT(std::string(started.message()), HasSubstr(absl::StrCat(port())));
  EXPECT_FALSE(second.alive());
}

TEST_F(HttpServerTest, AnAddressOfAnotherFormIsAnErrorOfStart) {
  for (const char* listen : {"localhost", "unix:/nowhere"}) {
    options_.listen = listen;
    HttpServer server(options_, callbacks_, &clock_, &log_);
    EXPECT_TRUE(absl::IsInvalidArgument(server.Start())) << listen;
  }
}

TEST_F(HttpServerTest, APortIsFreeAgainAfterStop) {
  Start();
  options_.listen = absl::StrCat("127.0.0.1:", port());
  EXPECT_EQ(RawHttpClient(port()).Send(Post("a")).ReadAnswer().status, 200);
  server_->Stop(absl::ZeroDuration());
  Start();
  EXPECT_EQ(RawHttpClient(port()).Send(Post("a")).ReadAnswer().status, 200);
}

TEST_F(HttpServerTest, StopClosesIdleConnectionsAtOnceAndAcceptsNoMore) {
  options_.idle_timeout = absl::Hours(1);
  Start();
  EXPECT_TRUE(server_->alive());
  RawHttpClient idle(port());
  EXPECT_EQ(idle.Send(Post("a")).ReadAnswer().status, 200);
  server_->Stop(absl::Hours(1));
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_FALSE(server_->alive());
  EXPECT_FALSE(RawHttpClient(port()).connected());
}

TEST_F(HttpServerTest, StopLetsRequestsInFlightBeAnswered) {
  absl::Notification entered;
  absl::Notification release;
  callbacks_.handler = [&](const HttpRequest&) {
    entered.Notify();
    release.WaitForNotification();
    return Text("done");
  };
  options_.idle_timeout = absl::Hours(1);
  Start();
  RawHttpClient idle(port());  // first, so that it has been accepted when the other one is served
  RawHttpClient busy(port());
  busy.Send(Post("a"));
  entered.WaitForNotification();
  std::thread stop([&] { server_->Stop(absl::Hours(1)); });
  EXPECT_TRUE(idle.IsClosed());  // so Stop() has begun
  release.Notify();
  const RawAnswer answer = busy.ReadAnswer();
  EXPECT_EQ(answer.body, "done");
  EXPECT_THAT(answer.head, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(busy.FinishSending().IsClosed());
  stop.join();
}

TEST_F(HttpServerTest, ItCanMakeEveryAnswerItsConnectionsLastBeforeItStops) {
  Start();
  RawHttpClient kept(port());
  EXPECT_THAT(kept.Send(Post("a")).ReadAnswer().head, Not(HasSubstr("Connection: close")));
  server_->CloseAfterAnswers();
  EXPECT_THAT(kept.Send(Post("b")).ReadAnswer().head, HasSubstr("\r\nConnection: close\r\n"));
  RawHttpClient newcomer(port());
  const RawAnswer answer = newcomer.Send(Post("c")).ReadAnswer();
  EXPECT_EQ(answer.body, "POST /x c");
  EXPECT_THAT(answer.head, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(newcomer.FinishSending().IsClosed());
}

// As it is when a request and the end of the gateway cross.
TEST_F(HttpServerTest, WhatComesOverAnIdleConnectionWhileItStopsIsAnswered) {
  options_.idle_timeout = absl::Hours(1);
  Start();
  RawHttpClient idle(port());
  EXPECT_EQ(idle.Send(Post("a")).ReadAnswer().status, 200);
  std::thread stop([&] { server_->Stop(absl::Hours(1), absl::Hours(1)); });
  while (server_->alive()) std::this_thread::yield();
  const RawAnswer answer = idle.Send(Post("b")).ReadAnswer();
  EXPECT_EQ(answer.body, "POST /x b");
  EXPECT_THAT(answer.head, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(idle.FinishSending().IsClosed());
  stop.join();
}

TEST_F(HttpServerTest, AnIdleConnectionThatStaysIdleEndsWithItsGrace) {
  options_.idle_timeout = absl::Hours(1);
  Start();
  RawHttpClient idle(port());
  EXPECT_EQ(idle.Send(Post("a")).ReadAnswer().status, 200);
  server_->Stop(absl::Hours(1), absl::Milliseconds(10));
  EXPECT_TRUE(idle.IsClosed());
}

TEST_F(HttpServerTest, StopCutsWhatIsLeftAfterItsGrace) {
  options_.head_timeout = options_.request_timeout = absl::Hours(1);
  Start();
  RawHttpClient stalled(port());
  stalled.Send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(stalled.ReadAnswer().status, 100);  // so the request has begun
  server_->Stop(absl::Milliseconds(10));
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, AServerThatNeverStartedStopsAtOnce) {
  HttpServer server(options_, callbacks_, &clock_, &log_);
  server.Stop(absl::Hours(1));
  EXPECT_FALSE(server.alive());
  EXPECT_EQ(server.port(), 0);
}

// Not under the sanitizers: their checks and their reports need descriptors of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(HttpServerTest, StopDoesNotNeedDescriptors) {
  Start();
  RawHttpClient waiting;
  {
    NoDescriptors meanwhile;
    waiting.Connect(port());
    server_->Stop(absl::Hours(1));
  }
  EXPECT_FALSE(server_->alive());
}
#endif

// The listening socket of `port` in this process.
int FindListener(int port) {
  for (int fd = 0; fd < 1024; ++fd) {
    if (IsListening(fd) && BoundPort(fd) == port) return fd;
  }
  return -1;
}

TEST_F(HttpServerTest, AListenerThatDiesIsReportedAndOpenedAgain) {
  absl::Notification reported;
  callbacks_.on_listener_failed = [&](const absl::Status& why) {
    EXPECT_TRUE(absl::IsUnavailable(why));
    reported.Notify();
  };
  Start();
  ASSERT_EQ(RawHttpClient(port()).Send(Post("a")).ReadAnswer().status, 200);
  ASSERT_EQ(shutdown(FindListener(port()), SHUT_RDWR), 0);
  reported.WaitForNotification();

  // Refused at once until the port is open again.
  const absl::Time begun = clock_.Now();
  while (!RawHttpClient(port()).connected() && clock_.Now() - begun < absl::Seconds(10)) {
  }
  EXPECT_EQ(RawHttpClient(port()).Send(Post("a")).ReadAnswer().status, 200);
}

// Not under the sanitizers: their checks and their reports need descriptors of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(HttpServerTest, WhenDescriptorsRunOutConnectionsWaitUntilThereAreSome) {
  Start();
  ASSERT_EQ(RawHttpClient(port()).Send(Post("a")).ReadAnswer().status, 200);
  RawHttpClient idle(port());
  ASSERT_EQ(idle.Send(Post("a")).ReadAnswer().status, 200);
  RawHttpClient waiting;
  {
    NoDescriptors meanwhile;
    waiting.Connect(port()).Send(Post("b"));
    EXPECT_TRUE(idle.IsClosed());  // so that its descriptor is free
  }
  EXPECT_EQ(waiting.ReadAnswer().body, "POST /x b");
}

TEST_F(HttpServerTest, AnIdleConnectionGivesItsDescriptorToANewcomer) {
  options_.idle_timeout = absl::Hours(1);
  Start();
  RawHttpClient idle(port());
  ASSERT_EQ(idle.Send(Post("a")).ReadAnswer().status, 200);
  RawHttpClient newcomer;
  std::vector<int> taken;
  for (int each = dup(0); each >= 0; each = dup(0)) taken.push_back(each);
  EXPECT_EQ(newcomer.Connect(port()).Send(Post("b")).ReadAnswer().body, "POST /x b");
  EXPECT_TRUE(idle.IsClosed());
  for (int each : taken) close(each);
}
#endif

class SelfDialTest : public HttpServerTest {
 protected:
  SelfDialTest() {
    options_.self_dial_interval = absl::Milliseconds(10);
    callbacks_.on_listener_failed = [this](const absl::Status& why) {
      EXPECT_TRUE(absl::IsUnavailable(why));
      if (!failed_.HasBeenNotified()) failed_.Notify();
    };
    callbacks_.on_listener_given_up = [this](const absl::Status&) { given_up_.Notify(); };
  }

  // Whether the server says so of itself, sooner or later.
  bool BecomesAlive() const {
    const absl::Time begun = clock_.Now();
    while (!server_->alive() && clock_.Now() - begun < absl::Seconds(10)) std::this_thread::yield();
    return server_->alive();
  }

  absl::Notification failed_;
  absl::Notification given_up_;
};

// Not under the sanitizers: their checks and their reports need descriptors of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(SelfDialTest, AListenerWithoutDescriptorsIsReportedAndComesBack) {
  options_.self_dials_until_given_up = 1'000'000;
  Start();
  EXPECT_TRUE(server_->alive());
  RawHttpClient waiting;
  {
    NoDescriptors meanwhile;
    failed_.WaitForNotification();
    EXPECT_FALSE(server_->alive());
    waiting.Connect(port()).Send(Post("a"));
  }
  EXPECT_EQ(waiting.ReadAnswer().status, 200);
  EXPECT_TRUE(BecomesAlive());
  EXPECT_FALSE(given_up_.HasBeenNotified());
}

TEST_F(SelfDialTest, AListenerThatDoesNotComeBackIsGivenUp) {
  Start();
  NoDescriptors meanwhile;
  given_up_.WaitForNotification();
  EXPECT_TRUE(failed_.HasBeenNotified());
}

// What shows that it is the dialling that notices.
TEST_F(SelfDialTest, AServerThatDoesNotDialItselfNoticesNothing) {
  const absl::Duration enough =
      10 * options_.self_dial_interval * options_.self_dials_until_given_up;
  options_.self_dial_interval = absl::ZeroDuration();
  Start();
  NoDescriptors meanwhile;
  EXPECT_FALSE(failed_.WaitForNotificationWithTimeout(enough));
  EXPECT_TRUE(server_->alive());
}
#endif

TEST_F(SelfDialTest, DialsAreNoRequestsAndCountForNoCap) {
  options_.max_connections = 1;
  options_.max_refusals = 0;
  options_.idle_timeout = absl::Hours(1);
  // However slow the machine is: a dial is taken in time, and it is not silence that matters here.
  options_.self_dial_interval = absl::Milliseconds(300);
  options_.self_dials_until_reopened = 1'000'000;
  options_.self_dials_until_given_up = 2'000'000;
  std::atomic<int> refused{0};
  callbacks_.on_refused = [&](absl::string_view) { ++refused; };
  callbacks_.handler = [&](const HttpRequest&) {
    EXPECT_FALSE(failed_.WaitForNotificationWithTimeout(3 * options_.self_dial_interval));
    return Text("a");
  };
  Start();
  EXPECT_EQ(RawHttpClient(port()).Send(Post("a")).ReadAnswer().status, 200);
  EXPECT_EQ(handled_, 1);
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace onhook
