#include "gateway/http/chunked_body.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

constexpr size_t kMaxBytes = 32;
constexpr size_t kMaxFraming = 100;
constexpr char kGood[] = "5\r\nhello\r\nA;name=\"v\"\r\n, world, a\r\n00\r\nDropped: yes\r\n\r\n";
constexpr char kJoined[] = "hello, world, a";

TEST(ChunkedBodyTest, ChunksAreJoinedWithoutExtensionsAndTrailers) {
  ChunkedBody body(kMaxBytes, kMaxFraming);
  size_t taken = 0;
  EXPECT_EQ(body.Feed(kGood, taken), ParseState::kDone);
  EXPECT_EQ(body.body(), kJoined);
  EXPECT_EQ(taken, sizeof(kGood) - 1);
}

TEST(ChunkedBodyTest, ABodyMayComeInAnyTwoPieces) {
  const std::string bytes = kGood;
  for (size_t split = 0; split < bytes.size(); ++split) {
    ChunkedBody body(kMaxBytes, kMaxFraming);
    size_t taken = 0;
    EXPECT_EQ(body.Feed(bytes.substr(0, split), taken), ParseState::kNeedMore) << split;
    EXPECT_EQ(taken, split);
    EXPECT_EQ(body.Feed(bytes.substr(split), taken), ParseState::kDone) << split;
    EXPECT_EQ(body.body(), kJoined) << split;
  }
}

TEST(ChunkedBodyTest, WhatFollowsTheBodyIsLeft) {
  ChunkedBody body(kMaxBytes, kMaxFraming);
  size_t taken = 0;
  EXPECT_EQ(body.Feed("1\r\na\r\n0\r\n\r\nGET / ", taken), ParseState::kDone);
  EXPECT_EQ(taken, 11u);
}

TEST(ChunkedBodyTest, ABodyOfExactlyTheLimitIsTaken) {
  ChunkedBody body(kMaxBytes, kMaxFraming);
  size_t taken = 0;
  const std::string bytes = "20\r\n" + std::string(kMaxBytes, 'a') + "\r\n0\r\n\r\n";
  EXPECT_EQ(body.Feed(bytes, taken), ParseState::kDone);
  EXPECT_EQ(body.body().size(), kMaxBytes);
}

TEST(ChunkedBodyTest, AfterAResetTheNextBodyIsJoined) {
  ChunkedBody body(kMaxBytes, kMaxFraming);
  size_t taken = 0;
  ASSERT_EQ(body.Feed(kGood, taken), ParseState::kDone);
  body.Reset();
  ASSERT_EQ(body.Feed("2\r\nhi\r\n0\r\n\r\n", taken), ParseState::kDone);
  EXPECT_EQ(body.body(), "hi");
}

TEST(ChunkedBodyTest, AMalformedOrBoundlessBodyIsRefusedHoweverItComes) {
  std::string one_byte_each;
  for (size_t i = 0; i < kMaxBytes; ++i) one_byte_each += "00000001\r\na\r\n";
  const struct {
    int status;
    const char* why;
    std::string bytes;
  } rows[] = {
      {400, "no size", "\r\n"},
      {400, "a size with 0x, which httplib takes", "0x2\r\nab\r\n"},
      {400, "a negative size", "-2\r\nab\r\n"},
      {400, "a signed size", "+2\r\nab\r\n"},
      {400, "a space before the size", " 2\r\nab\r\n"},
      {400, "a space behind the size", "2 \r\nab\r\n"},
      {400, "a size of no digits", "zz\r\n"},
      {400, "more digits than any size needs", "000000002\r\nab\r\n"},
      {413, "a size that would overflow", "FFFFFFFFFFFFFFFF2\r\n"},
      {413, "one byte too long", "21\r\n"},
      {413, "one byte too long in the second chunk", "1f\r\n" + std::string(31, 'a') + "\r\n2\r\n"},
      {400, "a lone LF behind the size", "2\nab\r\n"},
      {400, "a lone CR behind the size", "2\rab\r\n"},
      {400, "a chunk longer than its size", "2\r\nabc\r\n"},
      {400, "a lone LF behind a chunk", "2\r\nab\n0\r\n"},
      {400, "a control character in an extension", "2;a\nb\r\n"},
      {400, "a control character in a trailer", "0\r\nA: \x01\r\n"},
      {400, "a lone CR in a trailer", "0\r\nA: b\rc\r\n"},
      {400, "a lone CR at the end", "0\r\n\rx"},
      {431, "an endless extension", "2;" + std::string(5000, 'a')},
      {431, "endless trailers", "0\r\nA: " + std::string(5000, 'a')},
      {431, "more around the chunks than in them", one_byte_each},
  };
  for (const auto& row : rows) {
    ChunkedBody whole(kMaxBytes, kMaxFraming);
    size_t taken = 0;
    EXPECT_EQ(whole.Feed(row.bytes, taken), ParseState::kRefused) << row.why;
    EXPECT_EQ(whole.refusal().status, row.status) << row.why;

    ChunkedBody bytewise(kMaxBytes, kMaxFraming);
    ParseState state = ParseState::kNeedMore;
    for (size_t i = 0; i < row.bytes.size() && state == ParseState::kNeedMore; ++i) {
      state = bytewise.Feed(absl::string_view(row.bytes).substr(i, 1), taken);
    }
    EXPECT_EQ(state, ParseState::kRefused) << row.why;
    EXPECT_EQ(bytewise.refusal().status, row.status) << row.why;
  }
}

}  // namespace
}  // namespace onhook
