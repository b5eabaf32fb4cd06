#include "gateway/event/masking.h"

#include "gtest/gtest.h"

namespace onhook {
namespace {

TEST(MaskNumberTest, FirstThreeAndLastTwoCharactersAreShown) {
  EXPECT_EQ(MaskNumber("88880067"), "888***67");
  EXPECT_EQ(MaskNumber("+4915112345678"), "+49***78");
}

TEST(MaskNumberTest, AShortNumberIsHiddenWhole) {
  EXPECT_EQ(MaskNumber("8888006"), "***");
  EXPECT_EQ(MaskNumber("1"), "***");
}

TEST(MaskNumberTest, WhatIsNoPlainTextIsHiddenWholeAndNeverCutApart) {
  EXPECT_EQ(MaskNumber("\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC"), "***");
  EXPECT_EQ(MaskNumber("888\n800\n67"), "***");
}

TEST(MaskNumberTest, AnEmptyNumberHidesNothing) { EXPECT_EQ(MaskNumber(""), ""); }

TEST(MaskedCopyTest, NothingPersonalIsLeft) {
  v1::ReleaseEvent event;
  event.set_called("88880067");
  event.set_caller("96000300");
  event.set_caller_present("96000311");
  event.set_call_data("Jane Doe");
  event.set_recordfile("Y:/2/a.wav");
  (*event.mutable_extra())["mood"] = "angry";

  const v1::ReleaseEvent masked = MaskedCopy(event);

  EXPECT_EQ(masked.called(), "888***67");
  EXPECT_EQ(masked.caller(), "960***00");
  EXPECT_EQ(masked.caller_present(), "960***11");
  EXPECT_EQ(masked.call_data(), "***");
  EXPECT_EQ(masked.recordfile(), "***");
  EXPECT_EQ(masked.extra().at("mood"), "***");
}

TEST(MaskedCopyTest, WhatIdentifiesEventCallAndAgentStays) {
  v1::ReleaseEvent event;
  event.set_event_id("v1-00-42");
  event.set_call_serial_no("42");
  event.set_service_no("1001");
  event.set_location_id("0");
  event.mutable_release_time()->set_seconds(1645524276);

  EXPECT_EQ(MaskedCopy(event).SerializeAsString(), event.SerializeAsString());
}

TEST(MaskedCopyTest, AnUnsetFieldStaysUnset) {
  const v1::ReleaseEvent masked = MaskedCopy(v1::ReleaseEvent());
  EXPECT_FALSE(masked.has_called());
  EXPECT_FALSE(masked.has_caller());
  EXPECT_FALSE(masked.has_caller_present());
  EXPECT_FALSE(masked.has_call_data());
  EXPECT_FALSE(masked.has_recordfile());
}

}  // namespace
}  // namespace onhook
