#include "gateway/delivery/cursor.h"

#include <gtest/gtest.h>

#include <limits>

namespace onhook {
namespace {

constexpr char kStore[] = "0123456789abcdef";

TEST(CursorTest, ItIsReadAsItWasWritten) {
  for (const Sequence sequence : {Sequence{0}, Sequence{1}, std::numeric_limits<Sequence>::max()}) {
    const std::string cursor = FormatCursor(kStore, sequence);
    EXPECT_LE(cursor.size(), 64u);
    EXPECT_EQ(*ParseCursor(cursor, kStore), sequence);
  }
}

TEST(CursorTest, OneOfAnotherStoreIsAFailedPrecondition) {
  EXPECT_TRUE(absl::IsFailedPrecondition(ParseCursor("c1-ffffffffffffffff-1", kStore).status()));
}

TEST(CursorTest, WhatIsNoCursorIsAnInvalidArgument) {
  for (const char* text : {
           "",                                         // empty
           "1",                                        // a bare sequence
           "c2-0123456789abcdef-1",                    // of another version
           "c1-0123456789ABCDEF-1",                    // not as written
           "c1-0123456789abcde-1",                     // a short store id
           "c1-0123456789abcdef-",                     // no sequence
           "c1-0123456789abcdef--1",                   // negative
           "c1-0123456789abcdef-+1",                   // signed
           "c1-0123456789abcdef-01",                   // not the shortest form
           "c1-0123456789abcdef-1 ",                   // trailing blank
           "c1-0123456789abcdef-9223372036854775808",  // above every sequence
       }) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseCursor(text, kStore).status())) << text;
  }
}

}  // namespace
}  // namespace onhook
