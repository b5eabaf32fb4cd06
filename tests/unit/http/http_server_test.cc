// What a client may say to HttpServer and what it hears: P1 whole, P3 strict, P4 in order, P6.
#include <stdexcept>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/http/http_server_fixture.h"

namespace onhook {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(HttpServerTest, ARequestIsAnsweredAndTheConnectionGoesOn) {
  Start();
  RawHttpClient client(port());
  for (absl::string_view body : {"one", "two"}) {
    const RawAnswer answer = client.Send(Post(body)).ReadAnswer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, absl::StrCat("POST /x ", body));
    EXPECT_THAT(answer.head, HasSubstr("\r\nContent-Type: text/plain;charset=UTF-8\r\n"));
    EXPECT_THAT(answer.head, HasSubstr("\r\nDate: "));
    EXPECT_THAT(answer.head, Not(HasSubstr("Connection:")));
  }
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  RawHttpClient client(port());
  const std::string chunked =
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n";
  client.Send(absl::StrCat(Post("a"), chunked, "GET /last HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(client.ReadAnswer().body, "POST /x a");
  EXPECT_EQ(client.ReadAnswer().body, "POST /c b");
  EXPECT_EQ(client.ReadAnswer().body, "GET /last ");
}

TEST_F(HttpServerTest, ARequestMayComeByteByByte) {
  Start();
  RawHttpClient client(port());
  const std::string requests = absl::StrCat(
      Post("sized"),
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n"
      "0\r\n\r\n");
  for (char byte : requests) client.Send(absl::string_view(&byte, 1));
  EXPECT_EQ(client.ReadAnswer().body, "POST /x sized");
  EXPECT_EQ(client.ReadAnswer().body, "POST /c abc");
}

TEST_F(HttpServerTest, ABodyLargerThanTheFirstReadIsWhole) {
  Start();
  RawHttpClient client(port());
  const std::string body(options_.max_body_bytes, 'b');
  EXPECT_EQ(client.Send(Post(body)).ReadAnswer().body, "POST /x " + body);
  EXPECT_EQ(client.Send(Post("small")).ReadAnswer().body, "POST /x small");
}

TEST_F(HttpServerTest, AClientThatAsksToCloseIsAnsweredAndClosed) {
  Start();
  for (const std::string& request :
       {Post("a", "Connection: close\r\n"), std::string("GET / HTTP/1.0\r\n\r\n")}) {
    RawHttpClient client(port());
    const RawAnswer answer = client.Send(request).ReadAnswer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.head, HasSubstr("\r\nConnection: close\r\n"));
    EXPECT_TRUE(client.IsClosed());
  }
}

TEST_F(HttpServerTest, AnOldClientThatAsksToGoOnIsToldSo) {
  Start();
  RawHttpClient client(port());
  for (int i = 0; i < 2; ++i) {
    client.Send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(client.ReadAnswer().head, HasSubstr("\r\nConnection: keep-alive\r\n"));
  }
}

TEST_F(HttpServerTest, AHandlerMayCloseTheConnection) {
  callbacks_.handler = [](const HttpRequest&) {
    HttpResponse response;
    response.status = 503;
    response.close = true;
    return response;
  };
  Start();
  RawHttpClient client(port());
  EXPECT_EQ(client.Send(Post("a")).ReadAnswer().status, 503);
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, AnErrorOfTheHandlerDoesNotCloseTheConnection) {
  callbacks_.handler = [](const HttpRequest&) {
    HttpResponse response;
    response.status = 503;
    return response;
  };
  Start();
  RawHttpClient client(port());
  EXPECT_EQ(client.Send(Post("a")).ReadAnswer().status, 503);
  EXPECT_EQ(client.Send(Post("a")).ReadAnswer().status, 503);
}

TEST_F(HttpServerTest, AnExceptionOfALibraryIsAnswered500) {
  callbacks_.handler = [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("x"); };
  answers_at_once_ = true;
  Start();
  RawHttpClient client(port());
  const RawAnswer answer = client.Send(Post("a")).ReadAnswer();
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, "refused 500: the request could not be processed");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpServerTest, AHeadRequestIsAnsweredWithoutABody) {
  Start();
  RawHttpClient client(port());
  client.Send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n" + Post("next"));
  EXPECT_THAT(client.ReadAnswer(/*with_body=*/false).head, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_EQ(client.ReadAnswer().body, "POST /x next");
}

TEST_F(HttpServerTest, AClientThatWaitsFor100ContinueIsToldToGoOn) {
  Start();
  RawHttpClient client(port());
  client.Send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.ReadAnswer().status, 100);
  EXPECT_EQ(client.Send("abc").ReadAnswer().body, "POST /x abc");
}

TEST_F(HttpServerTest, AClientThatDidNotWaitIsNotToldToGoOn) {
  Start();
  RawHttpClient client(port());
  EXPECT_EQ(client.Send(Post("abc", "Expect: 100-continue\r\n")).ReadAnswer().status, 200);
}

TEST_F(HttpServerTest, WhatHttplibWouldMakeOfHeadersDoesNotHappen) {
  callbacks_.handler = [](const HttpRequest& request) {
    return Text(absl::StrCat(request.peer, "|", request.Header("x-odd"), "|", request.path));
  };
  Start();
  RawHttpClient client(port());
  const RawAnswer answer =
      client
          .Send(
              "POST /a%2Fb HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nX-Odd: a%0D%0Ab\r\n"
              "X-Forwarded-For: 192.0.2.1\r\nREMOTE_ADDR: 192.0.2.2\r\nAccept: ;;\r\n"
              "Upgrade: h2c, websocket\r\nHTTP2-Settings: AAMAAABk\r\n"
              "Connection: upgrade, http2-settings\r\n\r\nab")
          .ReadAnswer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "127.0.0.1|a%0D%0Ab|/a%2Fb");
}

TEST_F(HttpServerTest, AResponseHeaderCannotBeSplit) {
  callbacks_.handler = [](const HttpRequest&) {
    HttpResponse response;
    response.headers = {{"X-Good", "1"}, {"X-Bad", "1\r\nX-Evil: 1"}};
    return response;
  };
  Start();
  RawHttpClient client(port());
  const std::string head = client.Send(Post("")).ReadAnswer().head;
  EXPECT_THAT(head, HasSubstr("\r\nX-Good: 1\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Evil")));
}

TEST_F(HttpServerTest, AMalformedRequestIsRefusedAndClosedAndNeverHandled) {
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const struct {
    int status;
    const char* why;
    std::string bytes;
  } rows[] = {
      {400, "no HTTP", "hello\r\n\r\n"},
      {400, "TLS on a plain port", "\x16\x03\x01\x02\n"},
      {505, "HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {501, "unknown method", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {414, "endless target", "GET /" + std::string(100'000, 'a')},
      {431, "endless header", "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'a')},
      {400, "no Host", "GET / HTTP/1.1\r\n\r\n"},
      {411, "no length", "POST / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {413, "too long a body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n"},
      {413, "too long a body, and no 100 Continue",
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\nExpect: 100-continue\r\n\r\n"},
      {400, "length and chunked", Post("0\r\n\r\n", "Transfer-Encoding: chunked\r\n")},
      {415, "compressed body", Post("a", "Content-Encoding: gzip\r\n")},
      {417, "another expectation", Post("a", "Expect: more\r\n")},
      {501, "another coding", Post("", "Transfer-Encoding: gzip\r\n")},
      {400, "chunk size with 0x", chunked + "0x2\r\nab\r\n0\r\n\r\n"},
      {400, "negative chunk size", chunked + "-2\r\nab\r\n0\r\n\r\n"},
      {413, "endless chunk", chunked + "FFFFFFF\r\n" + std::string(100'000, 'a')},
      {400, "a smuggled second request is not one",
       chunked + "0 \r\n\r\nPOST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
  };
  Start();
  for (const auto& row : rows) {
    RawHttpClient client(port());
    const RawAnswer answer = client.Send(row.bytes).ReadAnswer();
    EXPECT_EQ(answer.status, row.status) << row.why;
    EXPECT_THAT(answer.body, HasSubstr(absl::StrCat("refused ", row.status, ": "))) << row.why;
    EXPECT_THAT(answer.head, HasSubstr("\r\nConnection: close\r\n")) << row.why;
    EXPECT_TRUE(client.IsClosed()) << row.why;
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, ARequestThatEndsEarlyIsNotHandled) {
  Start();
  for (absl::string_view begun : {"POST /x HTT",
                                  "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: "
                                  "5\r\n\r\nabc"}) {
    RawHttpClient client(port());
    EXPECT_EQ(client.Send(begun).FinishSending().ReadAnswer().status, 400);
    EXPECT_TRUE(client.IsClosed());
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, WhatCameBeforeAMalformedRequestIsAnswered) {
  Start();
  RawHttpClient client(port());
  client.Send(Post("good") + "bad\r\n\r\n");
  EXPECT_EQ(client.ReadAnswer().body, "POST /x good");
  EXPECT_EQ(client.ReadAnswer().status, 400);
  EXPECT_TRUE(client.IsClosed());
}

}  // namespace
}  // namespace onhook
