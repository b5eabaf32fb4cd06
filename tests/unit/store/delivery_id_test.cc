#include "gateway/store/delivery_id.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

TEST(DeliveryIdTest, TextHoldsEpochSequenceAndLease) {
  EXPECT_EQ((DeliveryId{0xAB, 7, 2}.ToText()), "00000000000000ab-7-2");
}

TEST(DeliveryIdTest, WhatIsWrittenIsReadBack) {
  constexpr unsigned kSeed = 20221104;
  SCOPED_TRACE(absl::StrCat("seed ", kSeed));
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 10'000; ++i) {
    const DeliveryId id{random(), static_cast<Sequence>((random() >> (1 + random() % 62)) | 1),
                        (random() >> (1 + random() % 62)) | 1};
    const std::optional<DeliveryId> again = DeliveryId::FromText(id.ToText());
    ASSERT_TRUE(again.has_value()) << id.ToText();
    ASSERT_EQ(again->epoch, id.epoch);
    ASSERT_EQ(again->sequence, id.sequence);
    ASSERT_EQ(again->lease, id.lease);
  }
}

TEST(DeliveryIdTest, TheLargestValuesAreReadBack) {
  const DeliveryId id{std::numeric_limits<uint64_t>::max(), std::numeric_limits<Sequence>::max(),
                      std::numeric_limits<int64_t>::max()};
  EXPECT_EQ(id.ToText(), "ffffffffffffffff-9223372036854775807-9223372036854775807");
  EXPECT_TRUE(DeliveryId::FromText(id.ToText()).has_value());
}

TEST(DeliveryIdTest, TextThatToTextNeverGivesIsRefused) {
  const struct {
    const char* text;
    const char* reason;
  } kRows[] = {
      {"", "nothing"},
      {"00000000000000ab", "epoch only"},
      {"00000000000000ab-", "no sequence"},
      {"00000000000000ab-7", "no lease"},
      {"00000000000000ab-7-", "empty lease"},
      {"00000000000000ab--1", "empty sequence"},
      {"0000000000000ab-7-1", "epoch of 15 digits"},
      {"000000000000000ab-7-1", "epoch of 17 digits"},
      {"00000000000000AB-7-1", "capital digits"},
      {"00000000000000ag-7-1", "not a digit"},
      {"00000000000000ab_7_1", "another separator"},
      {"00000000000000ab-0-1", "no event has sequence 0"},
      {"00000000000000ab-07-1", "leading zero"},
      {"00000000000000ab-7-0", "leases count from 1"},
      {"00000000000000ab-7-01", "leading zero"},
      {"00000000000000ab-+7-1", "a sign"},
      {"00000000000000ab- 7-1", "a space"},
      {"00000000000000ab-7-1 ", "something behind it"},
      {"00000000000000ab-7-1-1", "something behind it"},
      {"00000000000000ab-9223372036854775808-1", "sequence beyond 63 bits"},
      {"00000000000000ab-99999999999999999999-1", "sequence beyond 64 bits"},
      {"00000000000000ab-7-9223372036854775808", "lease beyond 63 bits"},
  };
  for (const auto& row : kRows) {
    EXPECT_FALSE(DeliveryId::FromText(row.text).has_value()) << row.text << ": " << row.reason;
  }
}

TEST(DeliveryIdTest, AZeroByteIsNoEnd) {
  EXPECT_FALSE(DeliveryId::FromText(absl::string_view("00000000000000ab-7-1\0", 21)).has_value());
}

}  // namespace
}  // namespace onhook
