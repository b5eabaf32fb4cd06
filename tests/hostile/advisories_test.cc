// One test for every published advisory of cpp-httplib since 0.11, named after it: whatever version
// is built in, none of them can be reached from outside.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "tests/hostile/hostile_fixture.h"

namespace onhook {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class AdvisoryTest : public HostileTest {
 protected:
  // A request of `headers` and `body`, with the marker ~a~.
  static std::string With(absl::string_view headers, absl::string_view body) {
    return absl::StrCat("POST /x HTTP/1.1\r\nHost: h\r\nMarker: ~a~\r\n", headers, "\r\n", body);
  }

  RawAnswer Answer(absl::string_view bytes) const {
    return RawHttpClient(port()).Send(bytes).ReadAnswer();
  }

  // Sends `begin`, then `piece` until the server has enough. What it answered.
  RawAnswer AnswerToEndless(absl::string_view begin, absl::string_view piece) const {
    RawHttpClient client(port());
    client.Send(begin);
    for (int i = 0; i < 64; ++i) client.Send(piece);
    return client.ReadAnswer();
  }

  void ExpectNothingTaken() {
    EXPECT_EQ(record_.TimesTaken("~a~"), 0);
    EXPECT_THAT(record_.TakeFaults(), IsEmpty());
  }

  // What the handler's answer of `response` looks like on the wire.
  std::string HeadOf(HttpResponse response) {
    callbacks_.handler = [response](const HttpRequest&) { return response; };
    Start();
    return Answer(With("Content-Length: 0\r\n", "")).head;
  }
};

// Of the answers: a value with CR LF splits them.

TEST_F(AdvisoryTest, CVE_2023_26130_LineEndInAContentType) {
  HttpResponse response;
  response.content_type = "text/plain\r\nX-Evil: 1";
  EXPECT_THAT(HeadOf(response), Not(HasSubstr("Evil")));
}

TEST_F(AdvisoryTest, CVE_2025_0825_NulAndLineEndInAHeader) {
  HttpResponse response;
  response.headers = {{"X-Good", "1"}, {"X-Bad", std::string("a\0\r\nX-Evil: 1", 13)}};
  const std::string head = HeadOf(response);
  EXPECT_THAT(head, HasSubstr("X-Good"));
  EXPECT_THAT(head, Not(HasSubstr("Evil")));
}

TEST_F(AdvisoryTest, CVE_2026_21428_LineEndInAHeaderOrItsName) {
  HttpResponse response;
  response.headers = {
      {"X-Bad", "a\r\nX-Evil: 1"}, {"X-Evil: 1\r\nX", "a"}, {"X-Lf", "a\nX-Evil: 1"}};
  EXPECT_THAT(HeadOf(response), Not(HasSubstr("Evil")));
}

TEST_F(AdvisoryTest, CVE_2026_77341_LineEndInATrailer) {
  HttpResponse response;
  response.body = "a";
  EXPECT_THAT(HeadOf(response), Not(HasSubstr("chunked")));  // so no answer has trailers
}

TEST_F(AdvisoryTest, CVE_2026_28434_WhatAnExceptionSays) {
  callbacks_.handler = [](const HttpRequest&) -> HttpResponse {
    throw std::runtime_error("secret");
  };
  Start();
  const RawAnswer answer = Answer(With("Content-Length: 0\r\n", ""));
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.head + answer.body, Not(HasSubstr("secret")));
  EXPECT_THAT(answer.head, Not(HasSubstr("EXCEPTION")));
}

// Of requests without bounds.

TEST_F(AdvisoryTest, CVE_2025_46728_ChunksWithoutEnd) {
  Start();
  const std::string chunk = "1000\r\n" + std::string(4096, 'a') + "\r\n";
  EXPECT_EQ(AnswerToEndless(With("Transfer-Encoding: chunked\r\n", ""), chunk).status, 413);
  ExpectNothingTaken();
}

TEST_F(AdvisoryTest, CVE_2025_53629_AChunkOfAnySize) {
  Start();
  const std::string begin = With("Transfer-Encoding: chunked\r\n", "7FFFFFFF\r\n");
  EXPECT_EQ(AnswerToEndless(begin, std::string(4096, 'a')).status, 413);
  ExpectNothingTaken();
}

TEST_F(AdvisoryTest, CVE_2025_52887_HeadersWithoutNumber) {
  Start();
  std::string headers;
  for (int i = 0; i < 100; ++i) headers += "X: y\r\n";
  EXPECT_EQ(AnswerToEndless("POST /x HTTP/1.1\r\nHost: h\r\nMarker: ~a~\r\n", headers).status, 431);
  ExpectNothingTaken();
}

TEST_F(AdvisoryTest, CVE_2025_53628_ALineWithoutEnd) {
  Start();
  const std::string piece(4096, 'a');
  EXPECT_EQ(AnswerToEndless("POST /", piece).status, 414);
  EXPECT_EQ(AnswerToEndless("POST /x HTTP/1.1\r\nMarker: ~a~\r\nX: ", piece).status, 431);
  EXPECT_EQ(AnswerToEndless(With("Transfer-Encoding: chunked\r\n", "1;"), piece).status, 431);
  ExpectNothingTaken();
}

TEST_F(AdvisoryTest, CVE_2026_22776_ABombInABody) {
  Start();
  for (const char* encoding : {"gzip", "deflate", "br", "zstd", "x-gzip", "identity"}) {
    const std::string header = absl::StrCat("Content-Encoding: ", encoding, "\r\n");
    EXPECT_EQ(Answer(With(header + "Content-Length: 2\r\n", "\x1f\x8b")).status, 415) << encoding;
  }
  ExpectNothingTaken();
}

TEST_F(AdvisoryTest, CVE_2026_28435_ABombThatIsReadInPieces) {
  Start();
  const std::string headers = "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n";
  EXPECT_EQ(Answer(With(headers, "2\r\n\x1f\x8b\r\n0\r\n\r\n")).status, 415);
  ExpectNothingTaken();
}

TEST_F(AdvisoryTest, CVE_2026_29076_ALongFileNameOfAMultipartForm) {
  Start();
  const std::string body = "--b\r\nContent-Disposition: form-data; name=\"a\"; filename*=UTF-8''" +
                           std::string(50'000, 'a') + "\r\n\r\n--b--\r\n";
  const std::string length = absl::StrCat("Content-Length: ", body.size(), "\r\n");
  EXPECT_EQ(Answer(With("Content-Type: multipart/form-data; boundary=b\r\n" + length, body)).status,
            415);
  ExpectNothingTaken();
  // Under another type it is a body like any other.
  EXPECT_EQ(Answer(With(length, body)).status, 200);
}

// Of requests that are understood in another way than they were meant.

TEST_F(AdvisoryTest, CVE_2026_34441_ABodyThatIsTakenForTheNextRequest) {
  Start();
  for (const char* method : {"GET", "HEAD", "DELETE", "OPTIONS"}) {
    const std::string marker = record_.NewMarker();
    const std::string inner = RequestRecord::RequestOf(record_.NewMarker());
    RawHttpClient client(port());
    client.Send(absl::StrCat(method, " /x HTTP/1.1\r\nHost: h\r\nMarker: ", marker,
                             "\r\nContent-Length: ", inner.size(), "\r\n\r\n", inner));
    EXPECT_EQ(client.ReadAnswer(absl::string_view(method) != "HEAD").status, 200) << method;
    EXPECT_EQ(client.FinishSending().ReadAnswer().status, 0) << method;  // nothing but that one
  }
  // The whole of each inner request was seen as a body, and as nothing else.
  EXPECT_EQ(record_.TakeFaults().size(), 4u * 2);
}

TEST_F(AdvisoryTest, CVE_2026_45352_ANegativeChunkSize) {
  Start();
  for (const char* size : {"-1", "-2", "-7FFFFFFF", "-0"}) {
    const std::string chunk = absl::StrCat(size, "\r\n", std::string(8192, 'a'));
    EXPECT_EQ(Answer(With("Transfer-Encoding: chunked\r\n", chunk)).status, 400) << size;
  }
  ExpectNothingTaken();
}

TEST_F(AdvisoryTest, CVE_2026_45372_ALineEndInPercentEncoding) {
  std::string seen;
  callbacks_.handler = [&](const HttpRequest& request) {
    seen = std::string(request.Header("X-Odd"));
    return HttpResponse();
  };
  Start();
  EXPECT_EQ(Answer(With("X-Odd: a%0D%0AX-Evil: 1\r\nContent-Length: 0\r\n", "")).status, 200);
  EXPECT_EQ(seen, "a%0D%0AX-Evil: 1");
}

TEST_F(AdvisoryTest, CVE_2025_66570_HeadersThatPoseAsThePeersAddress) {
  std::string seen;
  callbacks_.handler = [&](const HttpRequest& request) {
    seen = std::string(request.peer);
    return HttpResponse();
  };
  Start();
  EXPECT_EQ(Answer(With("REMOTE_ADDR: 192.0.2.1\r\nREMOTE_PORT: 1\r\nLOCAL_ADDR: 192.0.2.2\r\n"
                        "LOCAL_PORT: 2\r\nContent-Length: 0\r\n",
                        ""))
                .status,
            200);
  EXPECT_EQ(seen, "127.0.0.1");
}

TEST_F(AdvisoryTest, CVE_2025_66577_ForwardedAddressesInTheLog) {
  std::string logged;
  absl::Mutex mutex;
  Log log(&clock_, LogLevel::kDebug, Log::Format::kText, [&](absl::string_view line) {
    absl::MutexLock lock(&mutex);
    absl::StrAppend(&logged, line, "\n");
  });
  {
    HttpServer server(options_, callbacks_, &clock_, &log);
    ASSERT_TRUE(server.Start().ok());
    const std::string forwarded = "X-Forwarded-For: 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\n";
    RawHttpClient good(server.port());
    EXPECT_EQ(good.Send(With(forwarded + "Content-Length: 0\r\n", "")).ReadAnswer().status, 200);
    RawHttpClient bad(server.port());
    EXPECT_EQ(bad.Send(With(forwarded + "Content-Length: x\r\n", "")).ReadAnswer().status, 400);
  }
  EXPECT_THAT(logged, Not(HasSubstr("192.0.2.1")));
}

TEST_F(AdvisoryTest, CVE_2026_46527_ForwardedAddressesThatAreNone) {
  options_.uncapped_peers = {IpNetwork::Parse("127.0.0.0/8").value()};
  options_.cap_loopback = true;
  Start();
  for (const char* value : {"", ",", " , ,", ",,,,", "\t"}) {
    const std::string marker = record_.NewMarker();
    const std::string request = absl::StrCat("GET /x HTTP/1.1\r\nHost: h\r\nMarker: ", marker,
                                             "\r\nX-Forwarded-For: ", value, "\r\n\r\n");
    EXPECT_EQ(Answer(request).body, RequestRecord::AnswerTo(marker)) << value;
  }
}

// Of the client and of TLS, which lie in the same header: what is flawed is not called.

std::string SourcesThatUseTheLibrary() {
  std::string sources;
  for (const char* folder : {"gateway", "clients"}) {
    const auto root = std::filesystem::path(ONHOOK_SOURCE_DIRECTORY) / folder;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".cc" && extension != ".h") continue;
      std::ifstream file(entry.path());
      std::stringstream text;
      text << file.rdbuf();
      if (absl::StrContains(text.str(), "#include <httplib.h>")) sources += text.str();
    }
  }
  EXPECT_THAT(sources, HasSubstr("httplib::Server"));  // so the right ones were found
  return sources;
}

TEST(AdvisoryOfTheClientTest, CVE_2026_31870_ALengthThatAStreamingClientCannotRead) {
  const std::string sources = SourcesThatUseTheLibrary();
  EXPECT_THAT(sources, Not(HasSubstr("httplib::stream")));
  EXPECT_THAT(sources, Not(HasSubstr("open_stream")));
}

TEST(AdvisoryOfTheClientTest, CVE_2026_32627_CertificatesBehindAProxyAndARedirect) {
  const std::string sources = SourcesThatUseTheLibrary();
  EXPECT_THAT(sources, Not(HasSubstr("set_proxy")));
  EXPECT_THAT(sources, Not(HasSubstr("SSLClient")));
}

TEST(AdvisoryOfTheClientTest, CVE_2026_33745_CredentialsThatFollowARedirect) {
  EXPECT_THAT(SourcesThatUseTheLibrary(), Not(HasSubstr("set_follow_location")));
}

TEST(AdvisoryOfTheClientTest, CVE_2026_54919_TlsByMbedTlsOrWolfSsl) {
  const std::string sources = SourcesThatUseTheLibrary();
  EXPECT_THAT(sources, Not(HasSubstr("MBEDTLS_SUPPORT")));
  EXPECT_THAT(sources, Not(HasSubstr("WOLFSSL_SUPPORT")));
}

TEST(AdvisoryOfTheClientTest, CVE_2026_77358_TheEndOfAWebSocketClient) {
  EXPECT_THAT(SourcesThatUseTheLibrary(), Not(HasSubstr("WebSocketClient")));
}

}  // namespace
}  // namespace onhook
