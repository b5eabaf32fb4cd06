#include "gateway/http/request_head.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

constexpr RequestHeadLimits kLimits{
    .line_bytes = 256, .header_bytes = 128, .headers = 10, .head_bytes = 1024, .body_bytes = 1000};

constexpr char kGood[] =
    "POST /release-events/a%20b?x=1 HTTP/1.1\r\n"
    "Host: gateway.example:8080\r\n"
    "content-length:  42 \r\n"
    "X-Odd: a%0d%0ab \t\r\n"
    "\r\n";

struct Parsed {
  ParseState state;
  RequestHeadParser parser{kLimits};
};

Parsed Parse(absl::string_view bytes) {
  Parsed parsed;
  parsed.state = parsed.parser.Parse(bytes);
  return parsed;
}

std::string WithHeaders(absl::string_view headers) {
  return absl::StrCat("POST / HTTP/1.1\r\nHost: h\r\n", headers, "\r\n");
}

TEST(RequestHeadTest, AGoodHeadIsUnderstoodAndLeftAsSent) {
  const Parsed parsed = Parse(kGood);
  ASSERT_EQ(parsed.state, ParseState::kDone);
  const RequestHead& head = parsed.parser.head();
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.path, "/release-events/a%20b");
  EXPECT_EQ(head.query, "x=1");
  EXPECT_EQ(head.content_length, 42u);
  EXPECT_FALSE(head.chunked);
  EXPECT_TRUE(head.keep_alive);
  ASSERT_EQ(head.headers.size(), 3u);
  EXPECT_EQ(head.headers[2].name, "X-Odd");
  EXPECT_EQ(head.headers[2].value, "a%0d%0ab");
  EXPECT_EQ(parsed.parser.size(), sizeof(kGood) - 1);
}

TEST(RequestHeadTest, AHeadMayComeInAnyTwoPieces) {
  const std::string bytes = kGood;
  for (size_t split = 0; split < bytes.size(); ++split) {
    RequestHeadParser parser(kLimits);
    EXPECT_EQ(parser.Parse(bytes.substr(0, split)), ParseState::kNeedMore) << split;
    EXPECT_EQ(parser.Parse(bytes), ParseState::kDone) << split;
    EXPECT_EQ(parser.head().headers.size(), 3u) << split;
  }
}

TEST(RequestHeadTest, AHeadMayComeByteByByte) {
  const std::string bytes = kGood;
  RequestHeadParser parser(kLimits);
  for (size_t size = 1; size < bytes.size(); ++size) {
    ASSERT_EQ(parser.Parse(bytes.substr(0, size)), ParseState::kNeedMore) << size;
  }
  EXPECT_EQ(parser.Parse(bytes), ParseState::kDone);
}

TEST(RequestHeadTest, WhatFollowsTheHeadIsNotLookedAt) {
  const Parsed parsed = Parse(absl::StrCat(kGood, "\n\n\x01"));
  ASSERT_EQ(parsed.state, ParseState::kDone);
  EXPECT_EQ(parsed.parser.size(), sizeof(kGood) - 1);
}

TEST(RequestHeadTest, AfterAResetTheNextRequestIsParsed) {
  RequestHeadParser parser(kLimits);
  ASSERT_EQ(parser.Parse(kGood), ParseState::kDone);
  parser.Reset();
  ASSERT_EQ(parser.Parse("GET /livez HTTP/1.0\r\n\r\n"), ParseState::kDone);
  EXPECT_EQ(parser.head().path, "/livez");
  EXPECT_THAT(parser.head().headers, testing::IsEmpty());
  EXPECT_EQ(parser.head().content_length, 0u);
}

struct AcceptedRow {
  const char* why;
  const char* bytes;
};

TEST(RequestHeadTest, WhatTheRfcObligesUsToTakeIsTaken) {
  const AcceptedRow rows[] = {
      {"one stray CRLF after a body", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"HTTP/1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n"},
      {"the absolute form", "GET http://h:80/x HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"OPTIONS of the server itself", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {"an IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"},
      {"an empty header value", "GET / HTTP/1.1\r\nHost: h\r\nX:\r\n\r\n"},
      {"bytes above ASCII in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: \xe4\xbd\xa0\r\n\r\n"},
      {"chunked in any case", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"},
      {"a Range, which nothing here obeys", "GET / HTTP/1.1\r\nHost: h\r\nRange: x\r\n\r\n"},
      {"an Expect of HTTP/1.0 is ignored", "GET / HTTP/1.0\r\nExpect: y\r\n\r\n"},
      {"the longest body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n"},
  };
  for (const AcceptedRow& row : rows) {
    const Parsed parsed = Parse(row.bytes);
    EXPECT_EQ(parsed.state, ParseState::kDone) << row.why << ": " << parsed.parser.refusal().reason;
  }
}

struct RefusedRow {
  int status;
  const char* why;
  std::string bytes;
};

std::vector<RefusedRow> RefusedRequestLines() {
  const std::string rest = "\r\nHost: h\r\n\r\n";
  return {
      {400, "no target", "GET HTTP/1.1" + rest},
      {400, "no version", "GET /" + rest},
      {400, "two spaces", "GET  / HTTP/1.1" + rest},
      {400, "a space in the target", "GET /a b HTTP/1.1" + rest},
      {400, "a tab for a space", "GET\t/ HTTP/1.1" + rest},
      {400, "a space in front", " GET / HTTP/1.1" + rest},
      {400, "no method", "/ HTTP/1.1" + rest},
      {400, "a method that is no token", "G@T / HTTP/1.1" + rest},
      {400, "TLS on a plain port", "\x16\x03\x01\x02\n"},
      {501, "a method that nobody knows", "BREW / HTTP/1.1" + rest},
      {501, "methods are case sensitive", "post / HTTP/1.1" + rest},
      {501, "a tunnel", "CONNECT h:80 HTTP/1.1" + rest},
      {505, "HTTP/2 by mistake", "PRI * HTTP/2.0" + rest},
      {505, "a later version", "GET / HTTP/1.2" + rest},
      {400, "a version in lower case", "GET / http/1.1" + rest},
      {400, "a version with more digits", "GET / HTTP/1.10" + rest},
      {400, "a relative target", "GET x HTTP/1.1" + rest},
      {400, "an asterisk without OPTIONS", "GET * HTTP/1.1" + rest},
      {400, "a fragment", "GET /a#b HTTP/1.1" + rest},
      {400, "a backslash", "GET /a\\b HTTP/1.1" + rest},
      {400, "a byte above ASCII", "GET /\xc3\xa4 HTTP/1.1" + rest},
      {400, "a NUL", std::string("GET /\0 HTTP/1.1", 15) + rest},
      {400, "half a percent encoding", "GET /%2 HTTP/1.1" + rest},
      {400, "a percent encoding of no digits", "GET /%zz HTTP/1.1" + rest},
      {400, "another scheme", "GET ftp://h/ HTTP/1.1" + rest},
      {400, "an absolute form of no path", "GET http://h HTTP/1.1" + rest},
      {400, "user information", "GET http://a@h/ HTTP/1.1" + rest},
      {414, "an endless target", "GET /" + std::string(300, 'a')},
      {400, "two empty lines in front", "\r\n\r\nGET / HTTP/1.1" + rest},
      {400, "TLS that has no line end yet", std::string("\x16\x03\x01\x02\0\x01", 6)},
      {400, "HTTP/0.9, which sends one line and waits", "GET /\r\n"},
      {400, "the same in two words", "GET / \r\n"},
      {505, "HTTP/2, which waits for settings", "PRI * HTTP/2.0\r\n"},
      {501, "a trace", "TRACE / HTTP/1.1" + rest},
  };
}

std::vector<RefusedRow> RefusedHeaders() {
  std::string eleven;
  for (int i = 0; i < 10; ++i) absl::StrAppend(&eleven, "X: y\r\n");
  std::string long_head;
  for (int i = 0; i < 9; ++i) absl::StrAppend(&long_head, "X: ", std::string(120, 'a'), "\r\n");
  return {
      {400, "a space before the colon", WithHeaders("X : y\r\n")},
      {400, "a folded header", WithHeaders("X: y\r\n z\r\n")},
      {400, "a folded header by tab", WithHeaders("X: y\r\n\tz\r\n")},
      {400, "no colon", WithHeaders("X y\r\n")},
      {400, "no name", WithHeaders(": y\r\n")},
      {400, "a name that is no token", WithHeaders("X(: y\r\n")},
      {400, "a control character", WithHeaders("X: a\x01\r\n")},
      {400, "a DEL", WithHeaders("X: a\x7f\r\n")},
      {400, "a NUL", WithHeaders(std::string("X: a\0b\r\n", 8))},
      {400, "a lone LF", WithHeaders("X: y\nZ: z\r\n")},
      {400, "a lone CR", WithHeaders("X: y\rZ: z\r\n")},
      {400, "a blank line of LF alone", "GET / HTTP/1.1\r\nHost: h\r\n\n"},
      {431, "one header too many", WithHeaders(eleven)},
      {431, "an endless header", WithHeaders("X: " + std::string(200, 'a'))},
      {431, "too much of them together", WithHeaders(long_head)},
      {400, "no Host", "GET / HTTP/1.1\r\n\r\n"},
      {400, "two Hosts", WithHeaders("Host: h\r\n")},
      {400, "a Host with a path", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n"},
      {400, "a list of Hosts", "GET / HTTP/1.1\r\nHost: h, i\r\n\r\n"},
      {415, "a compressed body", WithHeaders("Content-Encoding: gzip\r\nContent-Length: 1\r\n")},
      {415, "an encoding that does nothing", WithHeaders("content-encoding: identity\r\n")},
      {415, "a multipart body", WithHeaders("Content-Type: multipart/form-data; boundary=x\r\n")},
      {415, "a multipart body in capitals", WithHeaders("CONTENT-TYPE:  Multipart/Mixed\r\n")},
      {400, "a Range of a body that is sent",
       WithHeaders("Range: bytes=0-1\r\nContent-Length: 1\r\n")},
      {417, "an unknown expectation", WithHeaders("Expect: 200-ok\r\nContent-Length: 1\r\n")},
  };
}

std::vector<RefusedRow> RefusedLengths() {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  return {
      {411, "a POST without a length", WithHeaders("")},
      {400, "a signed length", WithHeaders("Content-Length: +5\r\n")},
      {400, "a negative length", WithHeaders("Content-Length: -5\r\n")},
      {400, "a length with a space", WithHeaders("Content-Length: 5 5\r\n")},
      {400, "a hexadecimal length", WithHeaders("Content-Length: 0x5\r\n")},
      {400, "a list of lengths", WithHeaders("Content-Length: 5, 5\r\n")},
      {400, "an empty length", WithHeaders("Content-Length:\r\n")},
      {400, "two equal lengths", WithHeaders("Content-Length: 5\r\nContent-Length: 5\r\n")},
      {413, "one byte too long", WithHeaders("Content-Length: 1001\r\n")},
      {413, "2^64 + 5", WithHeaders("Content-Length: 18446744073709551621\r\n")},
      {400, "chunked and a length", WithHeaders(chunked + "Content-Length: 5\r\n")},
      {400, "a length and chunked", WithHeaders("Content-Length: 5\r\n" + chunked)},
      {400, "chunked twice", WithHeaders(chunked + chunked)},
      {501, "chunked in a list", WithHeaders("Transfer-Encoding: chunked, chunked\r\n")},
      {501, "another coding first", WithHeaders("Transfer-Encoding: gzip, chunked\r\n")},
      {501, "identity", WithHeaders("Transfer-Encoding: identity\r\n")},
      {501, "nearly chunked", WithHeaders("Transfer-Encoding: xchunked\r\n")},
      {501, "chunked in quotes", WithHeaders("Transfer-Encoding: \"chunked\"\r\n")},
      {400, "chunked in HTTP/1.0", "POST / HTTP/1.0\r\n" + chunked + "\r\n"},
      {411, "HTTP/1.0 until the end of the connection", "POST / HTTP/1.0\r\n\r\n"},
  };
}

class RefusedTest : public testing::TestWithParam<std::vector<RefusedRow>> {};

TEST_P(RefusedTest, AnAmbiguousOrBoundlessHeadIsRefusedHoweverItComes) {
  for (const RefusedRow& row : GetParam()) {
    const Parsed whole = Parse(row.bytes);
    EXPECT_EQ(whole.state, ParseState::kRefused) << row.why;
    EXPECT_EQ(whole.parser.refusal().status, row.status) << row.why;
    EXPECT_THAT(whole.parser.refusal().reason, testing::Not(testing::IsEmpty())) << row.why;

    RequestHeadParser bytewise(kLimits);
    ParseState state = ParseState::kNeedMore;
    for (size_t size = 1; size <= row.bytes.size() && state == ParseState::kNeedMore; ++size) {
      state = bytewise.Parse(absl::string_view(row.bytes).substr(0, size));
    }
    EXPECT_EQ(state, ParseState::kRefused) << row.why;
    EXPECT_EQ(bytewise.refusal().status, row.status) << row.why;
  }
}

INSTANTIATE_TEST_SUITE_P(RequestLines, RefusedTest, testing::Values(RefusedRequestLines()));
INSTANTIATE_TEST_SUITE_P(Headers, RefusedTest, testing::Values(RefusedHeaders()));
INSTANTIATE_TEST_SUITE_P(Lengths, RefusedTest, testing::Values(RefusedLengths()));

TEST(RequestHeadTest, WhetherTheConnectionGoesOnIsTheSendersWish) {
  const struct {
    const char* why;
    const char* version;
    const char* connection;
    bool keep_alive;
  } rows[] = {
      {"HTTP/1.1 goes on", "HTTP/1.1", "", true},
      {"unless told to close", "HTTP/1.1", "Connection: close\r\n", false},
      {"in any case and place", "HTTP/1.1", "Connection: te, CLOSE\r\n", false},
      {"in the second of two", "HTTP/1.1", "Connection: te\r\nConnection: close\r\n", false},
      {"HTTP/1.0 ends", "HTTP/1.0", "", false},
      {"unless asked to go on", "HTTP/1.0", "Connection: Keep-Alive\r\n", true},
      {"close wins", "HTTP/1.0", "Connection: keep-alive, close\r\n", false},
  };
  for (const auto& row : rows) {
    const std::string bytes =
        absl::StrCat("GET / ", row.version, "\r\nHost: h\r\n", row.connection, "\r\n");
    RequestHeadParser parser(kLimits);
    ASSERT_EQ(parser.Parse(bytes), ParseState::kDone) << row.why;
    EXPECT_EQ(parser.head().keep_alive, row.keep_alive) << row.why;
  }
}

}  // namespace
}  // namespace onhook
