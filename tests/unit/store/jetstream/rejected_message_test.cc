#include "gateway/store/jetstream/rejected_message.h"

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

NewRejectedCallback MakeCallback(const std::string& body) {
  NewRejectedCallback callback;
  callback.source = "sales";
  callback.received_at = absl::FromUnixMicros(1645524276123456) + absl::Nanoseconds(700);
  callback.reason = v1::RejectedCallback::REASON_SIGNATURE;
  callback.detail = "no such key";
  callback.content_type = "text/plain";
  callback.raw_body = body;
  return callback;
}

TEST(RejectedMessage, ComesBackByteForByteToTheMicrosecond) {
  std::string body;
  for (int i = 0; i < 70'000; ++i) body.push_back(static_cast<char>(i * 37));
  const absl::StatusOr<NewRejectedCallback> decoded =
      DecodeRejected(EncodeRejected(MakeCallback(body)));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->source, "sales");
  EXPECT_EQ(decoded->received_at, absl::FromUnixMicros(1645524276123456));
  EXPECT_EQ(decoded->reason, v1::RejectedCallback::REASON_SIGNATURE);
  EXPECT_EQ(decoded->detail, "no such key");
  EXPECT_EQ(decoded->content_type, "text/plain");
  EXPECT_EQ(decoded->raw_body, body);
}

TEST(RejectedMessage, WordsThatAreNoTextKeepNothingFromBeingRead) {
  NewRejectedCallback callback = MakeCallback("body");
  callback.detail = "\xff\xfe";
  callback.content_type = "\xc3";
  const absl::StatusOr<NewRejectedCallback> decoded = DecodeRejected(EncodeRejected(callback));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->detail, "\xff\xfe");
  EXPECT_EQ(decoded->content_type, "\xc3");
  EXPECT_EQ(decoded->raw_body, "body");
}

TEST(RejectedMessage, EveryBitOfTheBodyIsChecked) {
  const std::string data = EncodeRejected(MakeCallback("body"));
  const size_t body = data.find("body");
  for (size_t bit = 0; bit < 4 * 8; ++bit) {
    std::string damaged = data;
    damaged[body + bit / 8] = static_cast<char>(damaged[body + bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(DecodeRejected(damaged).status().code(), absl::StatusCode::kDataLoss) << bit;
  }
  EXPECT_EQ(DecodeRejected("none of ours").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeRejected("").status().code(), absl::StatusCode::kDataLoss)
      << "even an empty body has a checksum";
}

TEST(RejectedMessage, TheHashTellsBodiesAndReasonsApart) {
  std::set<std::string> hashes = {RejectedHash(MakeCallback("")), RejectedHash(MakeCallback("1")),
                                  RejectedHash(MakeCallback("2"))};
  NewRejectedCallback another = MakeCallback("1");
  another.reason = v1::RejectedCallback::REASON_MALFORMED;
  hashes.insert(RejectedHash(another));
  EXPECT_EQ(hashes.size(), 4);
  for (const std::string& hash : hashes) EXPECT_EQ(hash.size(), 32) << hash;
  another = MakeCallback("1");
  another.detail = "another word for it";
  another.received_at += absl::Hours(1);
  EXPECT_EQ(RejectedHash(another), RejectedHash(MakeCallback("1")));
}

TEST(RejectedMessage, AListingTellsOfOneThatCannotBeRead) {
  StreamMessage message;
  message.sequence = 7;
  message.subject = "a.prefix.rejected.sales.0123";
  message.stored_at = absl::FromUnixSeconds(1645524276);
  message.data = EncodeRejected(MakeCallback("body"));
  RejectedCallback described = DescribeRejected(message);
  EXPECT_EQ(described.id, 7);
  EXPECT_EQ(described.body_bytes, 4);
  EXPECT_EQ(described.callback.detail, "no such key");
  EXPECT_EQ(described.callback.raw_body, "");
  message.data = "damaged";
  described = DescribeRejected(message);
  EXPECT_EQ(described.id, 7);
  EXPECT_EQ(described.callback.source, "sales");
  EXPECT_EQ(described.callback.received_at, message.stored_at);
  EXPECT_EQ(described.body_bytes, 7);
  message.subject = "odd";
  EXPECT_EQ(DescribeRejected(message).callback.source, "");
}

}  // namespace
}  // namespace onhook
