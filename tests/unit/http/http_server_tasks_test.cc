// What is particular to answers that come later: who sends them, and what their clients do
// meanwhile.

#include <atomic>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/raw_http_client.h"
#include "tests/unit/http/http_server_fixture.h"

namespace onhook {
namespace {

using HttpServerTasksTest = HttpServerTest;

TEST_F(HttpServerTasksTest, AnAnswerGivenBeforeTheTaskReturnsIsSent) {
  answers_at_once_ = true;
  Start();
  RawHttpClient client(port());
  for (const std::string body : {"a", "b", "c"}) {
    EXPECT_EQ(client.Send(Post(body)).ReadAnswer().body, absl::StrCat("POST /x ", body));
  }
}

TEST_F(HttpServerTasksTest, ARequestThatComesByteByByteIsOneRequest) {
  answers_at_once_ = true;
  Start();
  RawHttpClient client(port());
  for (const char byte : Post("body")) client.Send(std::string(1, byte));
  EXPECT_EQ(client.ReadAnswer().body, "POST /x body");
  EXPECT_EQ(client.Send(Post("next")).ReadAnswer().body, "POST /x next");
  EXPECT_EQ(handled_, 2);
}

TEST_F(HttpServerTasksTest, WhatComesBeforeTheAnswerIsAnsweredBehindIt) {
  absl::Notification entered;
  absl::Notification release;
  callbacks_.handler = [&](const HttpRequest& request) {
    if (request.body == "first") {
      entered.Notify();
      release.WaitForNotification();
    }
    return Text(std::string(request.body));
  };
  Start();
  RawHttpClient client(port());
  client.Send(Post("first"));
  entered.WaitForNotification();
  client.Send(Post("second") + Post("third"));
  EXPECT_EQ(handled_, 1) << "one after the other";
  release.Notify();
  EXPECT_EQ(client.ReadAnswer().body, "first");
  EXPECT_EQ(client.ReadAnswer().body, "second");
  EXPECT_EQ(client.ReadAnswer().body, "third");
}

TEST_F(HttpServerTasksTest, AnAnswerThatItsClientDoesNotTakeAtOnceIsSentWhenItDoes) {
  const std::string large(32 << 20, 'x');
  callbacks_.handler = [&](const HttpRequest& request) {
    return Text(request.body == "large" ? large : "small");
  };
  Start();
  RawHttpClient slow(port());
  slow.Send(Post("large"));
  RawHttpClient other(port());
  EXPECT_EQ(other.Send(Post("small")).ReadAnswer().body, "small")
      << "nobody waits for the slow one";
  EXPECT_EQ(slow.ReadAnswer().body, large);
  EXPECT_EQ(slow.Send(Post("small")).ReadAnswer().body, "small");
}

TEST_F(HttpServerTasksTest, AnAnswerFoundWhileAnotherIsBeingFoundGoesToItsOwnClient) {
  absl::Notification waits;
  HttpDone answer_first;
  callbacks_.task = [&](const HttpRequest& request, HttpDone done) {
    if (request.body == "first") {
      answer_first = std::move(done);
      return waits.Notify();
    }
    answer_first(Text("first"));
    done(Text("second"));
  };
  Start();
  RawHttpClient first(port());
  first.Send(Post("first"));
  waits.WaitForNotification();
  RawHttpClient second(port());
  // Takes a thread, which waits for the answer.
  second.Send(
      "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\n");
  EXPECT_EQ(second.ReadAnswer().body, "second");
  EXPECT_EQ(first.ReadAnswer().body, "first");
}

TEST_F(HttpServerTasksTest, AClientThatLeavesBeforeItsAnswerHarmsNobody) {
  absl::Notification entered;
  absl::Notification release;
  callbacks_.handler = [&](const HttpRequest& request) {
    if (request.body == "left") {
      entered.Notify();
      release.WaitForNotification();
    }
    return Text(std::string(request.body));
  };
  Start();
  {
    RawHttpClient leaves(port());
    leaves.Send(Post("left"));
    entered.WaitForNotification();
  }
  release.Notify();
  RawHttpClient client(port());
  EXPECT_EQ(client.Send(Post("next")).ReadAnswer().body, "next");
  // Waits for the handler that nobody waits for, before what it uses goes.
  server_.reset();
}

TEST_F(HttpServerTasksTest, WhatComesAtOneMomentIsTakenTogether) {
  static thread_local bool is_together = false;
  std::atomic<int> taken_together{0};
  callbacks_.together = [](absl::FunctionRef<void()> work) {
    is_together = true;
    work();
    is_together = false;
  };
  callbacks_.handler = [&](const HttpRequest& request) {
    taken_together += is_together ? 1 : 0;
    return Text(std::string(request.body));
  };
  answers_at_once_ = true;
  Start();
  RawHttpClient client(port());
  EXPECT_EQ(client.Send(Post("a")).ReadAnswer().body, "a");
  EXPECT_EQ(client.Send(Post("b")).ReadAnswer().body, "b");
  EXPECT_EQ(taken_together, 2);
}

}  // namespace
}  // namespace onhook
