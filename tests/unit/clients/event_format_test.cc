#include "clients/cli/event_format.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
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

// The event, stored, with one timeline.
v1::StoredEvent Stored(const std::string& timeline) {
  v1::StoredEvent stored;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(timeline, stored.add_timelines()));
  stored.mutable_timelines(0)->set_subscription("crm");
  *stored.mutable_event() = Event();
  stored.set_cursor("c1");
  stored.mutable_stored_at()->set_seconds(1645524278);
  return stored;
}

TEST(EventFormatTest, AStoredEventTellsWhatBecameOfIt) {
  const v1::StoredEvent stored = Stored(R"pb(
    state: STATE_ACKED
    entries {
      kind: KIND_DELIVERED
      time { seconds: 1645524278 }
      consumer_name: "pod-1"
      attempt: 1
    }
    entries {
      kind: KIND_NACKED
      time { seconds: 1645524279 }
      consumer_name: "pod-1"
      attempt: 1
      reason: "away"
    }
    entries {
      kind: KIND_DEADLINE_EXPIRED
      time { seconds: 1645524280 }
      consumer_name: "pod-2"
    }
    entries {
      kind: KIND_ACKED
      time { seconds: 1645524281 }
      consumer_name: "pod-3"
      attempt: 2
    })pb");
  EXPECT_EQ(Format(stored, kText),
            EventLine(Event(), kText) +
                "\n"
                "  event_id v1-00112233445566778899aabbccddeeff-1197765398201387012\n"
                "  received 2022-02-22T10:04:37.000Z  stored 2022-02-22T10:04:38.000Z  cursor c1\n"
                "  crm: acked by pod-3 at 2022-02-22T10:04:41.000Z (attempt 2)\n"
                "    2022-02-22T10:04:38.000Z  delivered to pod-1  attempt 1\n"
                "    2022-02-22T10:04:39.000Z  nacked by pod-1  attempt 1  (away)\n"
                "    2022-02-22T10:04:40.000Z  deadline expired with pod-2\n"
                "    2022-02-22T10:04:41.000Z  acked by pod-3  attempt 2\n");
}

TEST(EventFormatTest, AStoredEventTellsItsTraceIfItHasOne) {
  v1::StoredEvent stored = Stored("");
  EXPECT_THAT(Format(stored, kText), Not(HasSubstr("traceparent")));
  stored.mutable_event()->set_traceparent("00-4bf9-00f0-01");
  EXPECT_THAT(Format(stored, kText), HasSubstr("\n  traceparent 00-4bf9-00f0-01\n"));
}

TEST(EventFormatTest, WhereAnEventStandsIsToldAtAGlance) {
  const struct {
    const char* timeline;
    const char* standing;
  } kCases[] = {
      {"state: STATE_PENDING", "pending: owed, not yet delivered"},
      {"state: STATE_PENDING entries { kind: KIND_NACKED time { seconds: 1 } consumer_name: 'a' "
       "attempt: 3 reason: 'full' }",
       "pending: owed, to be delivered again; last nacked by a at 1970-01-01T00:00:01.000Z "
       "(attempt 3): full"},
      {"state: STATE_DELIVERED entries { kind: KIND_DELIVERED time { seconds: 1 } "
       "consumer_name: 'a' attempt: 1 }",
       "not yet settled, delivered to a at 1970-01-01T00:00:01.000Z (attempt 1)"},
      {"state: STATE_ACKED", "acked"},
      {"state: STATE_SKIPPED entries { kind: KIND_SKIPPED time { seconds: 1 } reason: 'old' }",
       "skipped, not processed at 1970-01-01T00:00:01.000Z: old"},
      {"state: STATE_PARKED entries { kind: KIND_PARKED time { seconds: 1 } reason: 'bad' }",
       "parked among the dead letters at 1970-01-01T00:00:01.000Z: bad"},
      {"state: STATE_DISCARDED entries { kind: KIND_PARKED } "
       "entries { kind: KIND_DISCARDED time { seconds: 1 } }",
       "given up: its dead letter was discarded at 1970-01-01T00:00:01.000Z"},
      {"state: STATE_FILTERED", "not wanted: excluded by its filter"},
      {"state: STATE_DROPPED_BY_LIMIT", "given up by its backlog limit, not processed"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(Format(Stored(c.timeline), kText),
                HasSubstr(absl::StrCat("  crm: ", c.standing, "\n")));
  }
}

TEST(EventFormatTest, AnEventThatNobodyOwesSaysSo) {
  v1::StoredEvent stored;
  *stored.mutable_event() = Event();
  EXPECT_THAT(Format(stored, kText), HasSubstr("  no subscription is known to owe it"));
}

v1::DeadLetter Letter() {
  v1::DeadLetter letter;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        dead_letter_id: "l1"
        cursor: "c1"
        reason: REASON_REQUESTED
        detail: "exit status 65"
        attempts: 2
        parked_at { seconds: 1645524290 }
        consumer_name: "pod-1"
      )pb",
      &letter));
  *letter.mutable_event() = Event();
  return letter;
}

TEST(EventFormatTest, ADeadLetterTellsWhyItIsOne) {
  EXPECT_EQ(Format(Letter(), kText),
            absl::StrCat("l1  ", EventLine(Event(), kText),
                         "\n    parked 2022-02-22T10:04:50.000Z after 2 attempt(s): its consumer "
                         "asked for it; last with pod-1: exit status 65\n"));
}

TEST(EventFormatTest, ADeadLetterIsShownWithItsWholeEventMasked) {
  const std::string text = DeadLetterText(Letter(), kText);
  for (const char* told :
       {"dead letter l1\n", "exit status 65\n", "attempts   2\n", "pod-1\n",
        "2022-02-22T10:04:50.000Z\n", "c1\n", "\"callSerialNo\": \"1197765398201387012\""}) {
    EXPECT_THAT(text, HasSubstr(told));
  }
  EXPECT_THAT(text, Not(HasSubstr("88880067")));
  EXPECT_THAT(DeadLetterText(Letter(), kTextWithNumbers), HasSubstr("\"called\": \"88880067\""));
}

TEST(EventFormatTest, ACorruptDeadLetterHoldsNoEventInAnyForm) {
  v1::DeadLetter letter = Letter();
  letter.clear_event();
  letter.set_reason(v1::DeadLetter::REASON_CORRUPT);
  EXPECT_THAT(Format(letter, kText), StartsWith("l1  (no event: corrupt)\n"));
  EXPECT_THAT(Format(letter, kJson), Not(HasSubstr("\"event\"")));
  EXPECT_THAT(DeadLetterText(letter, kText), HasSubstr("it holds no event\n"));
}

TEST(EventFormatTest, ADeadLetterAsJsonIsTheMessage) {
  v1::DeadLetter parsed;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(Format(Letter(), kJsonWithNumbers), &parsed)
          .ok());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(parsed, Letter()));
  EXPECT_THAT(Format(Letter(), kJson), Not(HasSubstr("88880067")));
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
