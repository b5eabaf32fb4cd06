#include "gateway/delivery/numbered_id.h"

#include <gtest/gtest.h>

#include <limits>

namespace onhook {
namespace {

constexpr char kStore[] = "0123456789abcdef";

TEST(NumberedIdTest, ItIsReadAsItWasWritten) {
  for (const int64_t id : {int64_t{1}, std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(
        ParseNumberedId(FormatNumberedId(kDeadLetterKind, kStore, id), kDeadLetterKind, kStore),
        id);
  }
}

TEST(NumberedIdTest, WhatWasNeverGivenMeansNothing) {
  for (const char* text : {
           "",                                         // empty
           "7",                                        // a bare number
           "c1-0123456789abcdef-7",                    // a cursor
           "r1-0123456789abcdef-7",                    // of another kind
           "d1-ffffffffffffffff-7",                    // of another store
           "d1-0123456789abcdef-",                     // no number
           "d1-0123456789abcdef-0",                    // before the first
           "d1-0123456789abcdef--7",                   // negative
           "d1-0123456789abcdef-07",                   // not the shortest form
           "d1-0123456789abcdef-7 ",                   // trailing blank
           "d1-0123456789abcdef-9223372036854775808",  // above every number
       }) {
    EXPECT_FALSE(ParseNumberedId(text, kDeadLetterKind, kStore).has_value()) << text;
  }
}

}  // namespace
}  // namespace onhook
