// The limits of HttpServer: P2 bounded, P5 answered.
#include <sys/resource.h>

#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/http/http_server_fixture.h"

namespace onhook {
namespace {

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

// In KiB, of the process so far.
int64_t MostMemory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST_F(HttpServerTest, ABodyThatIsOnlyAnnouncedTakesNoMemory) {
  options_.max_body_bytes = 512 << 20;
  Start();
  const int64_t before = MostMemory();
  RawHttpClient client(port());
  client.Send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 536870912\r\n\r\nab").FinishSending();
  EXPECT_EQ(client.ReadAnswer().status, 400);
  EXPECT_LT(MostMemory() - before, 64 << 10);
}

TEST_F(HttpServerTest, ARefusalReachesAClientThatIsStillSending) {
  Start();
  RawHttpClient client(port());
  client.Send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n");
  const RawAnswer answer = client.Send(std::string(900'000, 'b')).ReadAnswer();
  EXPECT_EQ(answer.status, 413);
  EXPECT_TRUE(client.IsClosed());
}

// Sends `piece` again and again for far longer than any limit of these tests, or until the server
// has enough.
void Trickle(RawHttpClient& client, const Clock& clock, absl::string_view piece) {
  const absl::Time begun = clock.Now();
  while (clock.Now() - begun < 4 * kShort) client.Send(piece);
}

TEST_F(HttpServerTest, ATrickleProlongsNoTimeLimitWhereverItIs) {
  const std::string chunked = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n";
  const struct {
    const char* where;
    std::string begin;
    const char* piece;
  } rows[] = {
      {"the request line", "POST /", "x"},
      {"a header", "POST /x HTTP/1.1\r\nX: ", "x"},
      {"headers", "POST /x HTTP/1.1\r\n", "X: x\r\n"},
      {"chunks", chunked + "\r\n", "1\r\na\r\n"},
      {"a chunk", chunked + "\r\nfffffff\r\n", "a"},
      {"a chunk's extension", chunked + "\r\n1;", "a"},
      {"a trailer", chunked + "\r\n0\r\nX: ", "a"},
      {"a body that was waited for",
       "POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n",
       "a"},
      {"a request that another one precedes", Post("a") + "POST /", "x"},
  };
  options_.head_timeout = options_.request_timeout = kShort;
  // So that no limit of size ends it first.
  options_.max_request_line_bytes = options_.max_header_bytes = options_.max_headers =
      options_.max_head_bytes = options_.max_body_bytes = options_.max_chunk_framing_bytes =
          size_t{1} << 30;
  Start();
  for (const auto& row : rows) {
    RawHttpClient client(port());
    client.Send(row.begin);
    Trickle(client, clock_, row.piece);
    RawAnswer answer = client.ReadAnswer();
    while (answer.status == 100 || answer.status == 200) answer = client.ReadAnswer();
    EXPECT_EQ(answer.status, 408) << row.where;
  }
  EXPECT_EQ(handled_, 1);  // the request that precedes another
}

TEST_F(HttpServerTest, AClientThatSipsItsAnswerIsGivenUp) {
  constexpr size_t kAnswerBytes = 64 << 20;
  options_.write_timeout = kShort;
  options_.linger_timeout = kShort;
  callbacks_.handler = [](const HttpRequest&) { return Text(std::string(kAnswerBytes, 'a')); };
  Start();
  RawHttpClient client(port());
  client.Send(Post("a"));
  size_t sipped = 0;
  while (const size_t sip = client.Sip()) sipped += sip;
  EXPECT_LT(sipped, kAnswerBytes);
}

TEST_F(HttpServerTest, ARequestOfTheLargestPartsThatAreAllowedIsServed) {
  options_.max_header_bytes = options_.max_head_bytes;
  Start();
  RawHttpClient client(port());
  std::string head = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nX: ";
  head.append(options_.max_head_bytes - head.size() - 4, 'x').append("\r\n\r\n");
  const std::string body(options_.max_body_bytes, 'b');
  std::string chunk = "10000;";
  const std::string end = "\r\n0\r\n\r\n";
  chunk.append(options_.max_chunk_framing_bytes - chunk.size() - 2 - end.size(), 'x')
      .append("\r\n");
  EXPECT_EQ(client.Send(head + chunk + body + end).ReadAnswer().body, "POST /x " + body);
  EXPECT_EQ(client.Send(head + "1" + chunk + body + end).ReadAnswer().status, 413);
}

TEST_F(HttpServerTest, ALimitThatIsNotPositiveIsRefusedAtStart) {
  options_.max_body_bytes = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(HttpServer(options_, callbacks_, &clock_, &log_).Start()));
}

}  // namespace
}  // namespace onhook
