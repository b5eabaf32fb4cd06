#include "clients/cli/event_format.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "clients/cli/printable.h"

namespace onhook::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr EventFormat kText;
constexpr EventFormat kJson{true, false};
constexpr EventFormat kJsonWithNumbers{true, true};
constexpr EventFormat kTextWithNumbers{false, true};

// The vendor's sample.
v1::ReleaseEvent Event() {
  v1::ReleaseEvent event;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        event_id: "v1-00112233445566778899aabbccddeeff-1197765398201387012"
        source: "default"
        call_serial_no: "1197765398201387012"
        called: "88880067"
        caller_present: "960003"
        call_data: "order 17"
        alerting_time { seconds: 1645524269 nanos: 4000000 }
        talking_time { seconds: 1645524270 nanos: 418000000 }
        release_time { seconds: 1645524276 nanos: 318000000 }
        talk_duration {}
        recordfile: "Y:/2/1.wav"
        release_reason: RELEASE_REASON_CALLED_HUNG_UP
        release_reason_code: "0"
        received_at { seconds: 1645524277 nanos: 1000 }
      )pb",
      &event));
  return event;
}

v1::Delivery Delivery() {
  v1::Delivery delivery;
  *delivery.mutable_event() = Event();
  delivery.set_delivery_id("d1");
  delivery.set_attempt(1);
  return delivery;
}

TEST(EventFormatTest, ADeliveryIsOneAlignedLine) {
  EXPECT_EQ(Format(Delivery(), kText),
            "2022-02-22T10:04:36.318Z  1197765398201387012   888***67      "
            "customer hung up         ring 1.4s   talk 5.9s     agent -        source default"
            "  attempt 1\n");
}

TEST(EventFormatTest, NumbersAreShownOnRequestOnly) {
  EXPECT_THAT(EventLine(Event(), kTextWithNumbers), HasSubstr("  88880067  "));
  EXPECT_THAT(EventLine(Event(), kText), Not(HasSubstr("88880067")));
}

TEST(EventFormatTest, WhatTheVendorLeftOutIsADash) {
  v1::ReleaseEvent event;
  event.set_call_serial_no("7");
  event.set_source("sales");
  event.mutable_received_at()->set_seconds(1645524277);
  EXPECT_EQ(EventLine(event, kText),
            "~2022-02-22T10:04:37.000Z  7                     -             "
            "no reason given          ring -      talk -        agent -        source sales");
}

TEST(EventFormatTest, TheVendorsOwnTalkDurationServesWhenATimeIsMissing) {
  v1::ReleaseEvent event = Event();
  event.clear_talking_time();
  event.mutable_talk_duration()->set_seconds(6);
  EXPECT_THAT(EventLine(event, kText), HasSubstr("ring -      talk ~6.0s "));
}

TEST(EventFormatTest, WhatTheVendorSentCannotStartALine) {
  v1::ReleaseEvent event = Event();
  event.set_service_no("1\n2\x1b[2J");
  EXPECT_THAT(EventLine(event, kText), HasSubstr("agent 1\\n2\\x1B[2J"));
}

TEST(EventFormatTest, JsonWithNumbersIsTheMessageAndNoMore) {
  const std::string line = Format(Delivery(), kJsonWithNumbers);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  v1::Delivery parsed;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(line, &parsed).ok());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(parsed, Delivery()));
}

TEST(EventFormatTest, MaskedJsonSaysSoAndDoesNotPassForTheMessage) {
  const std::string line = Format(Delivery(), kJson);
  EXPECT_THAT(line, StartsWith("{\"masked\":true,\"deliveryId\":\"d1\""));
  EXPECT_THAT(line, HasSubstr("888***67"));
  for (const char* secret : {"88880067", "960003", "order 17", "1.wav"}) {
    EXPECT_THAT(line, Not(HasSubstr(secret)));
  }
  v1::Delivery parsed;
  EXPECT_FALSE(google::protobuf::util::JsonStringToMessage(line, &parsed).ok());
}

TEST(EventFormatTest, AMaskedStoredEventHidesItsRawBody) {
  v1::StoredEvent stored;
  *stored.mutable_event() = Event();
  stored.set_raw_body("called=88880067");
  EXPECT_THAT(Format(stored, kJson), Not(HasSubstr("rawBody")));
  EXPECT_THAT(Format(stored, kJsonWithNumbers), HasSubstr("rawBody"));
}

TEST(EventFormatTest, AStoredEventTellsWhatBecameOfIt) {
  v1::StoredEvent stored;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"pb(
                                                              cursor: "c1"
                                                              stored_at { seconds: 1645524278 }
                                                              timelines {
                                                                subscription: "crm"
                                                                state: STATE_ACKED
                                                                entries {
                                                                  kind: KIND_DELIVERED
                                                                  time { seconds: 1645524278 }
                                                                  consumer_name: "pod"
                                                                  attempt: 1
                                                                }
                                                                entries {
                                                                  kind: KIND_NACKED
                                                                  time { seconds: 1645524279 }
                                                                  reason: "away"
                                                                }
                                                                entries {
                                                                  kind: KIND_DEADLINE_EXPIRED
                                                                  time { seconds: 1645524280 }
                                                                }
                                                              }
                                                            )pb",
                                                            &stored));
  *stored.mutable_event() = Event();
  EXPECT_EQ(Format(stored, kText),
            EventLine(Event(), kText) +
                "\n"
                "  event_id v1-00112233445566778899aabbccddeeff-1197765398201387012\n"
                "  received 2022-02-22T10:04:37.000Z  stored 2022-02-22T10:04:38.000Z  cursor c1\n"
                "  crm: acked\n"
                "    2022-02-22T10:04:38.000Z  delivered  by pod  attempt 1\n"
                "    2022-02-22T10:04:39.000Z  nacked  (away)\n"
                "    2022-02-22T10:04:40.000Z  deadline expired\n");
}

TEST(PrintableTest, OnlyWhatCannotMisleadPassesAsItIs) {
  const struct {
    const char* text;
    const char* printed;
    const char* why;
  } kCases[] = {
      {"plain 号码 é", "plain 号码 é", "letters of any script"},
      {"a\tb\x7F", "a\\x09b\\x7F", "ASCII control characters"},
      {"\xC2\x9B"
       "31m",
       "\\u{009B}31m", "C1: a terminal may obey it"},
      {"\xE2\x80\xAEgnp.exe", "\\u{202E}gnp.exe", "turns the direction"},
      {"\xE2\x80\xA8", "\\u{2028}", "line separator"},
      {"\xFF\xC3", "\\xFF\\xC3", "no UTF-8"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Printable(c.text), c.printed) << c.why;
}

}  // namespace
}  // namespace onhook::cli
