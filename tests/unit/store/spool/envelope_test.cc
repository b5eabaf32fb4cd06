#include "gateway/store/spool/envelope.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace onhook {
namespace {

NewEvent FullEvent() {
  NewEvent event;
  event.call_serial_no = "call \xe4\xb8\xad";
  event.source = "default";
  event.digest = std::string("\0\x01\xff and thirteen", 16);
  event.received_at = absl::FromUnixMicros(1'645'524'280'123'456);
  event.event = std::string("e\0vent", 6);
  event.nonce = NewEvent::Nonce{"-81", -5, false};
  event.raw_body = "{\"callSerialNo\":1}";
  return event;
}

std::optional<NewEvent> OutOf(const std::string& bytes, bool corrupt = false) {
  LogEvent stored;
  stored.event = bytes;
  stored.corrupt = corrupt;
  return FromEnvelope(stored);
}

TEST(EnvelopeTest, AnEventComesOutAsItWentIn) {
  const NewEvent event = FullEvent();
  const std::optional<NewEvent> out = OutOf(ToEnvelope(event).event);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->call_serial_no, event.call_serial_no);
  EXPECT_EQ(out->source, event.source);
  EXPECT_EQ(out->digest, event.digest);
  EXPECT_EQ(out->received_at, event.received_at);
  EXPECT_EQ(out->event, event.event);
  EXPECT_EQ(out->raw_body, event.raw_body);
  ASSERT_TRUE(out->nonce.has_value());
  EXPECT_EQ(out->nonce->nonce, "-81");
  EXPECT_EQ(out->nonce->timestamp_ms, -5);
  EXPECT_FALSE(out->nonce->refuse_forgotten);
  EXPECT_FALSE(out->only_if_known);
}

TEST(EnvelopeTest, WithoutNonceThereIsNone) {
  NewEvent event = FullEvent();
  event.nonce.reset();
  const std::optional<NewEvent> out = OutOf(ToEnvelope(event).event);
  ASSERT_TRUE(out.has_value());
  EXPECT_FALSE(out->nonce.has_value());
}

TEST(EnvelopeTest, TheSpoolKnowsTheEventByItsOwnIdentityAndNonce) {
  const NewEvent event = FullEvent();
  for (const NewEvent& handed : {ToEnvelope(event), ToQuestion(event)}) {
    EXPECT_EQ(handed.call_serial_no, event.call_serial_no);
    EXPECT_EQ(handed.source, event.source);
    EXPECT_EQ(handed.digest, event.digest);
    EXPECT_EQ(handed.received_at, event.received_at);
    EXPECT_EQ(handed.nonce->nonce, event.nonce->nonce);
    EXPECT_EQ(handed.raw_body, "");
  }
  EXPECT_TRUE(ToQuestion(event).only_if_known);
  EXPECT_FALSE(ToEnvelope(event).only_if_known);
}

TEST(EnvelopeTest, WhatIsNoEnvelopeIsNone) {
  EXPECT_FALSE(OutOf(ToEnvelope(FullEvent()).event, /*corrupt=*/true).has_value());
  EXPECT_FALSE(OutOf("no message at all").has_value());
  EXPECT_FALSE(OutOf("").has_value());
}

}  // namespace
}  // namespace onhook
