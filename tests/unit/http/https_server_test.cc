// What HttpServer promises, over TLS: the connection layer is to notice no difference.
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/http/https_server_fixture.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A limit that tests run into, and yet a slow machine's handshake does not.
constexpr absl::Duration kShort = absl::Milliseconds(500);

TEST_F(HttpsServerTest, ARequestIsAnsweredAndTheConnectionGoesOn) {
  Start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    RawTlsClient::Options options = Trusting();
    options.version = version;
    RawTlsClient client(port(), options);
    ASSERT_TRUE(client.secured()) << version;
    for (absl::string_view body : {"one", "two"}) {
      EXPECT_EQ(client.Send(Post(body)).ReadAnswer().body, absl::StrCat("POST /x ", body));
    }
  }
  EXPECT_THAT(Refused(), IsEmpty());
}

TEST_F(HttpsServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  RawTlsClient client(port());
  // In one record and in several: none of them may be left lying in TLS's own buffers.
  client.Send(Post("a") + Post("b"));
  client.Send(Post("c")).Send(Post("d"));
  for (const char* body : {"a", "b", "c", "d"}) {
    EXPECT_EQ(client.ReadAnswer().body, absl::StrCat("POST /x ", body));
  }
}

TEST_F(HttpsServerTest, EverythingMayComeByteByByte) {
  Start();
  RawTlsClient::Options options = Trusting();
  options.byte_by_byte = true;
  RawTlsClient client(port(), options);
  ASSERT_TRUE(client.secured());
  EXPECT_EQ(client.Send(Post("a")).ReadAnswer().body, "POST /x a");
  EXPECT_EQ(client.Send(Post("b")).ReadAnswer().body, "POST /x b");
}

TEST_F(HttpsServerTest, ABodyOfManyRecordsIsWholeBothWays) {
  Start();
  RawTlsClient client(port());
  const std::string body(options_.max_body_bytes, 'b');
  EXPECT_EQ(client.Send(Post(body)).ReadAnswer().body, "POST /x " + body);
  EXPECT_EQ(client.Send(Post("small")).ReadAnswer().body, "POST /x small");
}

TEST_F(HttpsServerTest, AnAnswerThatDoesNotFitIntoBuffersIsWhole) {
  const std::string much(16 << 20, 'a');
  callbacks_.handler = [&](const HttpRequest&) { return Text(much); };
  Start();
  RawTlsClient client(port());
  EXPECT_TRUE(client.Send(Post("a")).ReadAnswer().body == much);
}

TEST_F(HttpsServerTest, ARefusalReachesTheClientBeforeTheConnectionCloses) {
  Start();
  RawTlsClient client(port());
  client.Send("GET x HTTP/1.1\r\nHost: h\r\n\r\n" + Post("behind it"));
  EXPECT_EQ(client.ReadAnswer().status, 400);
  EXPECT_TRUE(client.FinishSending().IsClosed());
  EXPECT_EQ(handled_, 0);
  EXPECT_THAT(Refused(), ElementsAre("target"));
}

TEST_F(HttpsServerTest, AClientThatAsksToCloseIsAnsweredAndToldGoodbye) {
  Start();
  RawTlsClient client(port());
  EXPECT_EQ(client.Send(Post("a", "Connection: close\r\n")).ReadAnswer().status, 200);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpsServerTest, AnIdleConnectionIsClosedWithAGoodbye) {
  options_.idle_timeout = kShort;
  Start();
  RawTlsClient client(port());
  EXPECT_TRUE(client.IsClosed());
  RawTlsClient after_a_request(port());
  EXPECT_EQ(after_a_request.Send(Post("a")).ReadAnswer().status, 200);
  EXPECT_TRUE(after_a_request.IsClosed());
  EXPECT_THAT(Refused(), IsEmpty());
}

TEST_F(HttpsServerTest, ARequestThatIsCutShortIsNeverServed) {
  Start();
  const std::string request = Post("whole");
  RawTlsClient ended(port());
  ended.Send(request.substr(0, request.size() - 1)).FinishSending();
  EXPECT_EQ(ended.ReadAnswer().status, 400);
  RawTlsClient cut(port());
  cut.Send(request.substr(0, request.size() - 1));
  cut.Truncate();
  EXPECT_EQ(cut.ReadAnswer().status, 400) << "who only stopped sending still hears why";
  EXPECT_EQ(handled_, 0);
  EXPECT_THAT(Refused(), ElementsAre("ends_early", "ends_early"));
}

TEST_F(HttpsServerTest, AWholeRequestIsServedAlthoughItsSenderStopsSending) {
  Start();
  RawTlsClient client(port());
  client.Send(Post("a")).FinishSending();
  EXPECT_EQ(client.ReadAnswer().body, "POST /x a");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpsServerTest, ASlowRequestIsRefusedInTime) {
  options_.head_timeout = kShort;
  Start();
  RawTlsClient client(port());
  client.Send("POST /x HTTP/1.1\r\n");
  EXPECT_EQ(client.ReadAnswer().status, 408);
  EXPECT_TRUE(client.FinishSending().IsClosed());
}

// A record without content is nothing to wait for, and nothing to go on for.
TEST_F(HttpsServerTest, NewKeysAreTakenAndDoNotProlongARequest) {
  options_.head_timeout = kShort;
  Start();
  RawTlsClient::Options options;
  options.version = TLS1_3_VERSION;
  RawTlsClient client(port(), options);
  client.UpdateKeys(3);
  EXPECT_EQ(client.Send(Post("a")).ReadAnswer().body, "POST /x a");
  client.Send("POST /x");
  client.UpdateKeys(3);
  EXPECT_EQ(client.ReadAnswer().status, 408);
}

// Of a record nothing can be read before its last byte, so its first ones are no progress.
TEST_F(HttpsServerTest, ARecordThatDoesNotEndProlongsNothing) {
  const absl::string_view beginning("\x17\x03\x03\x40\x00half", 9);
  options_.idle_timeout = options_.head_timeout = kShort;
  Start();
  RawTlsClient in_a_request(port());
  in_a_request.Send("POST /x");
  in_a_request.RawHttpClient::Send(beginning);
  EXPECT_EQ(in_a_request.ReadAnswer().status, 408);
  RawTlsClient idle(port());
  idle.RawHttpClient::Send(beginning);
  EXPECT_EQ(idle.ReadAnswer().status, 0);
  EXPECT_THAT(Refused(), ElementsAre("too_slow"));
}

TEST_F(HttpsServerTest, WhatIsNoRecordEndsTheConnection) {
  Start();
  RawTlsClient client(port());
  EXPECT_EQ(client.Send(Post("a")).ReadAnswer().status, 200);
  client.RawHttpClient::Send(Post("in clear"));
  EXPECT_EQ(client.ReadAnswer().status, 0);
  EXPECT_EQ(handled_, 1);
}

TEST_F(HttpsServerTest, AClientThatDoesNotTakeItsAnswerKeepsNobodyOut) {
  options_.max_connections = 1;
  options_.write_timeout = absl::Hours(1);
  const std::string more_than_any_buffer(16 << 20, 'a');
  callbacks_.handler = [&](const HttpRequest& request) {
    return Text(request.body == "much" ? more_than_any_buffer : "");
  };
  Start();
  RawTlsClient stalled(port());
  stalled.Send(Post("much"));
  while (handled_ == 0) std::this_thread::yield();
  // Its answer may not have come to a stop when the newcomer comes.
  int status = 0;
  while (status != 200) status = RawTlsClient(port()).Send(Post("b")).ReadAnswer().status;
  EXPECT_EQ(stalled.ReadAnswer().status, 0) << "it was cut off";
}

TEST_F(HttpsServerTest, AnAnswerThatNobodyTakesEndsInTime) {
  options_.write_timeout = absl::Milliseconds(50);
  const std::string more_than_any_buffer(16 << 20, 'a');
  callbacks_.handler = [&](const HttpRequest&) { return Text(more_than_any_buffer); };
  Start();
  RawTlsClient stalled(port());
  stalled.Send(Post("a"));
  while (handled_ == 0) std::this_thread::yield();
  server_->Stop(absl::Hours(1));
  EXPECT_EQ(stalled.ReadAnswer().status, 0);
}

TEST_F(HttpsServerTest, StopAnswersWhatIsInFlightAndClosesWhatIsIdle) {
  absl::Notification entered;
  absl::Notification release;
  callbacks_.handler = [&](const HttpRequest&) {
    entered.Notify();
    release.WaitForNotification();
    return Text("done");
  };
  options_.idle_timeout = absl::Hours(1);
  Start();
  RawTlsClient idle(port());
  RawHttpClient silent(port());  // has not even begun its handshake
  RawTlsClient busy(port());
  busy.Send(Post("a"));
  entered.WaitForNotification();
  std::thread stop([this] { server_->Stop(absl::Hours(1)); });
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_TRUE(silent.IsClosed());
  release.Notify();
  EXPECT_EQ(busy.ReadAnswer().body, "done");
  EXPECT_TRUE(busy.IsClosed());
  stop.join();
}

TEST_F(HttpsServerTest, AnIdleConnectionEndsForANewcomer) {
  options_.idle_timeout = absl::Hours(1);
  options_.max_connections = 1;
  Start();
  RawTlsClient idle(port());
  ASSERT_TRUE(idle.secured());
  EXPECT_EQ(idle.Send(Post("a")).ReadAnswer().status, 200);
  // Its thread may not have begun to wait when the newcomer comes.
  int status = 0;
  for (int i = 0; i < 100 && status != 200; ++i) {
    status = RawTlsClient(port()).Send(Post("b")).ReadAnswer().status;
  }
  EXPECT_EQ(status, 200);
  EXPECT_TRUE(idle.IsClosed());
}

TEST_F(HttpsServerTest, AHandshakeThatIsSlowKeepsNobodyOut) {
  options_.idle_timeout = options_.head_timeout = absl::Hours(1);
  options_.max_connections = 1;
  Start();
  RawHttpClient slow(port());
  ASSERT_GT(slow.Send(RawTlsClient::ClientHello()).Sip(), 0u);
  EXPECT_EQ(RawTlsClient(port()).Send(Post("a")).ReadAnswer().status, 200);
  while (slow.Sip() > 0) {
  }
  EXPECT_TRUE(slow.IsClosed());
  EXPECT_THAT(AwaitRefusals(1), ElementsAre("too_many_connections"));
}

TEST_F(HttpsServerTest, WhoIsTurnedAwayHearsItOverTls) {
  absl::Notification entered;
  absl::Notification release;
  callbacks_.handler = [&](const HttpRequest&) {
    entered.Notify();
    release.WaitForNotification();
    return Text("done");
  };
  options_.max_connections = 1;
  Start();
  RawTlsClient busy(port());
  busy.Send(Post("a"));
  entered.WaitForNotification();
  RawTlsClient one_too_many(port());
  const RawAnswer answer = one_too_many.ReadAnswer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.head, HasSubstr("\r\nRetry-After: 1\r\n"));
  EXPECT_TRUE(one_too_many.FinishSending().IsClosed());
  release.Notify();
  EXPECT_EQ(busy.ReadAnswer().status, 200);
  EXPECT_THAT(Refused(), ElementsAre("too_many_connections"));
}

TEST_F(HttpsServerTest, TheServersOwnDialsAreKnownBeforeTls) {
  options_.max_connections = 1;
  options_.max_refusals = 0;
  // However slow the machine is: a dial is taken in time, and it is not silence that matters here.
  options_.self_dial_interval = absl::Milliseconds(300);
  options_.self_dials_until_reopened = 1'000'000;
  options_.self_dials_until_given_up = 2'000'000;
  absl::Notification failed;
  callbacks_.on_listener_failed = [&](const absl::Status&) { failed.Notify(); };
  callbacks_.handler = [&](const HttpRequest&) {
    EXPECT_FALSE(failed.WaitForNotificationWithTimeout(3 * options_.self_dial_interval));
    return Text("a");
  };
  Start();
  EXPECT_EQ(RawTlsClient(port()).Send(Post("a")).ReadAnswer().status, 200);
  EXPECT_EQ(handled_, 1);
  EXPECT_THAT(Refused(), IsEmpty());
}

}  // namespace
}  // namespace onhook
