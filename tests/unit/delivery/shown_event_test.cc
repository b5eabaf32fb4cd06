#include "gateway/delivery/shown_event.h"

#include <gmock/gmock.h>

#include "onhook/v1/release_event_service.pb.h"
#include "onhook/v1/subscription_service.pb.h"

namespace onhook {
namespace {

v1::ReleaseEvent EventWithNumbers() {
  v1::ReleaseEvent event;
  event.set_call_serial_no("1197765398201387012");
  event.set_called("88880067");
  event.set_call_data("customer 42");
  return event;
}

TEST(ShownEventTest, AMaskedEventSaysThatItIs) {
  v1::ReleaseEvent event = EventWithNumbers();
  HideNumbers(event);
  EXPECT_TRUE(event.masked());
  EXPECT_EQ(event.called(), "888***67");
  EXPECT_EQ(event.call_data(), "***");
  EXPECT_EQ(event.call_serial_no(), "1197765398201387012");
}

TEST(ShownEventTest, StoredBytesAreMaskedTheSame) {
  v1::ReleaseEvent event = EventWithNumbers();
  const std::string stored = event.SerializeAsString();
  HideNumbers(event);
  EXPECT_EQ(BytesWithoutNumbers(stored), event.SerializeAsString());
}

TEST(ShownEventTest, WhatIsNoEventIsLeftOut) { EXPECT_EQ(BytesWithoutNumbers("\xff\xff"), ""); }

// A store that a newer gateway wrote may hold numbers in fields that this one does not know.
TEST(ShownEventTest, UnknownFieldsAreLeftOut) {
  v1::ReleaseEvent event = EventWithNumbers();
  event.GetReflection()->MutableUnknownFields(&event)->AddLengthDelimited(500, "88880067");
  EXPECT_THAT(event.SerializeAsString(), testing::HasSubstr("\x08"
                                                            "88880067"));
  EXPECT_THAT(BytesWithoutNumbers(event.SerializeAsString()),
              testing::Not(testing::HasSubstr("88880067")));
}

TEST(ShownEventTest, EveryEventOfAnAnswerIsMaskedAndNoBodyIsLeft) {
  v1::ListEventsResponse answer;
  for (int i = 0; i < 2; ++i) {
    v1::StoredEvent* const stored = answer.add_stored_events();
    *stored->mutable_event() = EventWithNumbers();
    stored->set_raw_body("called=88880067");
    stored->set_cursor("c1-0123456789abcdef-1");
  }
  HideNumbersIn(answer);
  for (const v1::StoredEvent& stored : answer.stored_events()) {
    EXPECT_TRUE(stored.event().masked());
    EXPECT_FALSE(stored.has_raw_body());
    EXPECT_EQ(stored.cursor(), "c1-0123456789abcdef-1");
  }
  EXPECT_THAT(answer.SerializeAsString(), testing::Not(testing::HasSubstr("88880067")));
}

TEST(ShownEventTest, ADeadLettersEventIsMaskedAndAMissingOneStaysMissing) {
  v1::ListDeadLettersResponse answer;
  *answer.add_dead_letters()->mutable_event() = EventWithNumbers();
  answer.add_dead_letters()->set_reason(v1::DeadLetter::REASON_CORRUPT);
  HideNumbersIn(answer);
  EXPECT_TRUE(answer.dead_letters(0).event().masked());
  EXPECT_FALSE(answer.dead_letters(1).has_event());
}

}  // namespace
}  // namespace onhook
