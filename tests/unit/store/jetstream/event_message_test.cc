#include "gateway/store/jetstream/event_message.h"

#include <gtest/gtest.h>

#include <string>

namespace onhook {
namespace {

NewEvent Event() {
  NewEvent event;
  event.call_serial_no = std::string("c\0\xFF", 3);
  event.source = "default";
  event.digest = std::string("\0\xFE 16 bytes of it", 16);
  event.received_at = absl::FromUnixMicros(1645524276123456);
  event.event = std::string("bytes\0\xFF", 7);
  return event;
}

const absl::Time kStoredAt = absl::FromUnixMicros(1645524277000001);

TEST(EventMessageTest, WhatIsDecodedIsWhatWasEncoded) {
  const LogEventPtr event = DecodeEvent(EncodeEvent(Event()).SerializeAsString(), 7, kStoredAt);
  EXPECT_EQ(event->sequence, 7);
  EXPECT_EQ(event->event, Event().event);
  EXPECT_EQ(event->received_at, Event().received_at);
  EXPECT_EQ(event->stored_at, kStoredAt);
  EXPECT_FALSE(event->corrupt);
}

TEST(EventMessageTest, NoBitOfAnEventTurnsUnnoticed) {
  const jetstream::StoredEvent stored = EncodeEvent(Event());
  for (size_t bit = 0; bit < stored.event().size() * 8; ++bit) {
    jetstream::StoredEvent damaged = stored;
    (*damaged.mutable_event())[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    const LogEventPtr event = DecodeEvent(damaged, 7, kStoredAt);
    EXPECT_TRUE(event->corrupt);
    EXPECT_EQ(event->event, "");
  }
}

TEST(EventMessageTest, AMessageOfSomethingElseIsCorrupt) {
  for (const std::string& data : {std::string(), std::string("hello"), std::string("\xFF\xFF")}) {
    EXPECT_TRUE(DecodeEvent(data, 7, kStoredAt)->corrupt) << data;
  }
}

TEST(EventMessageTest, AnIdentityIsOfSourceCallAndDigest) {
  const std::string identity = IdentityOf(Event());
  EXPECT_EQ(identity.size(), 32);
  EXPECT_EQ(IdentityOf(EncodeEvent(Event())), identity);
  NewEvent other = Event();
  other.event = "another text";
  EXPECT_EQ(IdentityOf(other), identity);
  other.digest[3] ^= 1;
  EXPECT_NE(IdentityOf(other), identity);
  NewEvent shifted = Event();
  shifted.source += shifted.call_serial_no.substr(0, 1);
  shifted.call_serial_no.erase(0, 1);
  EXPECT_NE(IdentityOf(shifted), identity);
}

TEST(EventMessageTest, ARawBodyComesBackOrIsKnownToBeDamaged) {
  EXPECT_EQ(*RawBodyOf(EncodeEvent(Event())), std::nullopt);
  NewEvent event = Event();
  event.raw_body = std::string("{\0\xFF}", 4);
  jetstream::StoredEvent stored = EncodeEvent(event);
  EXPECT_EQ(*RawBodyOf(stored), event.raw_body);
  (*stored.mutable_raw_body())[1] = 'x';
  EXPECT_EQ(RawBodyOf(stored).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace onhook
