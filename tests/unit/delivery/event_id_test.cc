#include "gateway/delivery/event_id.h"

#include <gtest/gtest.h>

#include "gateway/event/event_identity.h"

namespace onhook {
namespace {

TEST(EventIdTest, ItIsReadAsItWasMade) {
  const std::string digest = "0123456789\x01\xff\x80zzz";
  for (const char* call : {"1234", "a b/c%", "\xE9\x80\x9A", "-"}) {
    const auto parts = ParseEventId(EventId(digest, call));
    ASSERT_TRUE(parts.ok()) << call;
    EXPECT_EQ(parts->digest, digest);
    EXPECT_EQ(parts->call_serial_no, call);
  }
}

TEST(EventIdTest, OnlyTheExactFormIsTaken) {
  const std::string hex = "00112233445566778899aabbccddeeff";
  for (const std::string& text : {
           std::string(),
           "v2-" + hex + "-1",                                    // another version
           "v1-" + hex,                                           // no call
           "v1-" + hex + "-",                                     // an empty one
           "v1-" + hex.substr(1) + "-1",                          // a short digest
           std::string("v1-00112233445566778899AABBCCDDEEFF-1"),  // upper case
           "v1-" + hex + "-a b",                                  // not encoded
           "v1-" + hex + "-%61",                                  // encoded for no reason
           "v1-" + hex + "-%2f",                                  // in lower case
       }) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseEventId(text).status())) << text;
  }
}

}  // namespace
}  // namespace onhook
