#include "gateway/ingress/java_map_callback.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/ingress/callback_words.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

TEST(JavaMapCallbackTest, PairsOfOneLineAreParted) {
  EXPECT_EQ(WordsOf("{callSerialNo=42, called=88880067, nonce=-1, timestamp=2, signature=a=}"),
            (Words{{"callSerialNo", "42"},
                   {"called", "88880067"},
                   {"nonce", "-1"},
                   {"timestamp", "2"},
                   {"signature", "a="}}));
}

TEST(JavaMapCallbackTest, PairsOfALineEachArePartedAsOnTheVendorsPage) {
  const Words words = {{"callSerialNo", "42"}, {"serviceNo", std::nullopt}, {"talkDuration", "0"}};
  EXPECT_EQ(WordsOf("{\n callSerialNo=42, \n serviceNo=null, \n talkDuration=0\n }\n"), words);
  EXPECT_EQ(WordsOf("{\r\n callSerialNo=42, \r\n serviceNo=null,\r\n\ttalkDuration=0\r\n}"), words);
  EXPECT_EQ(WordsOf("{\ncallSerialNo=42\nserviceNo=null\n\n\ntalkDuration=0\n}"), words);
}

TEST(JavaMapCallbackTest, AValueMayLookLikeAnything) {
  struct Row {
    const char* reason;
    std::string value;
  };
  const Row rows[] = {
      {"the vendor's time", "2022/02/22,10:04:28:823"},
      {"a path", "Y:/2/mobileAgent/20220222/1645524268-824.wav"},
      {"padding of Base64", "+lk3tO50=="},
      {"a list", "a, b, c"},
      {"an undocumented name", "order=42, vip=yes"},
      {"a documented name without its equals sign", "a, called"},
      {"a documented name without its space", "a,called=1"},
      {"a documented name in another case", "a, Called=1"},
      {"only the end of a documented name", "a, Xcalled=1"},
      {"JSON", R"({"a": [1, 2], "called": "x"})"},
      {"another map", "{a=1, b={c=2}}"},
      {"lines without a name", "a\nb\n\n c, \nd"},
      {"a line that begins with a digit", "a\n1=2"},
      {"inner and outer spaces", "  a  b  "},
      {"a comma at its end", "a,"},
      {"a tab", "a\tb\t"},
      {"other scripts", "\xC3\xBC \xE4\xBD\xA0 \xF0\x9F\x98\x80"},
      {"a control character", "a\x01\x7F"},
      {"nearly null", "null "},
      {"nothing", ""},
      {"equals signs", "==="},
      {"braces", "}}"},
  };
  for (const Row& row : rows) {
    const Words in_the_middle = {{"callData", row.value}, {"called", "1"}};
    EXPECT_EQ(WordsOf(absl::StrCat("{callData=", row.value, ", called=1}")), in_the_middle)
        << row.reason;
    EXPECT_EQ(WordsOf(absl::StrCat("{\n callData=", row.value, ", \n called=1\n}")), in_the_middle)
        << row.reason;
    EXPECT_EQ(WordsOf(absl::StrCat("{callData=", row.value, "}")), (Words{{"callData", row.value}}))
        << row.reason;
  }
}

TEST(JavaMapCallbackTest, TheWordNullIsNull) {
  EXPECT_EQ(WordsOf("{a=null}"), (Words{{"a", std::nullopt}}));
  EXPECT_EQ(WordsOf("{a=null\n}"), (Words{{"a", std::nullopt}}));
  EXPECT_EQ(WordsOf("{a=NULL}"), (Words{{"a", "NULL"}}));
}

TEST(JavaMapCallbackTest, EmptyValuesAreEmpty) {
  EXPECT_EQ(WordsOf("{serviceNo=, called=}"), (Words{{"serviceNo", ""}, {"called", ""}}));
  EXPECT_EQ(WordsOf("{\n serviceNo=, \n called=\n}"), (Words{{"serviceNo", ""}, {"called", ""}}));
}

TEST(JavaMapCallbackTest, AnUnknownNameBeginsAPairOnALineOfItsOwnOnly) {
  EXPECT_EQ(WordsOf("{\n callData=a, \n mood=good, temper=bad, \n called=1\n}"),
            (Words{{"callData", "a"}, {"mood", "good, temper=bad"}, {"called", "1"}}));
}

TEST(JavaMapCallbackTest, ACallDataThatImitatesAPairIsRefusedRatherThanMisread) {
  EXPECT_EQ(RefusalOf("{callData=x, called=2, called=1}"), "field \"called\" occurs twice");
}

TEST(JavaMapCallbackTest, WhatIsNoMapIsRefusedWithItsPlace) {
  EXPECT_THAT(RefusalOf("{"), HasSubstr("} expected at its end, byte 1"));
  EXPECT_THAT(RefusalOf("{called=1"), HasSubstr("} expected at its end, byte 9"));
  EXPECT_THAT(RefusalOf("{called=1} x"), HasSubstr("} expected"));
  EXPECT_THAT(RefusalOf("{=1}"), HasSubstr("name and = expected at byte 1"));
  EXPECT_THAT(RefusalOf("{ 1a=1}"), HasSubstr("name and = expected at byte 2"));
  EXPECT_THAT(RefusalOf("{called}"), HasSubstr("name and = expected at byte 1"));
  EXPECT_THAT(RefusalOf("{'called':'1'}"), HasSubstr("name and = expected at byte 1"));
  EXPECT_THAT(RefusalOf("{{}}"), HasSubstr("name and = expected at byte 1"));
}

// A reader that looked at the same white space again for each of its lines would take minutes.
TEST(JavaMapCallbackTest, ManyEmptyLinesAreReadInOnePass) {
  const std::string lines(4'000'000, '\n');
  EXPECT_EQ(WordsOf(absl::StrCat("{called=1", lines, "!}")),
            (Words{{"called", absl::StrCat("1", lines, "!")}}));
}

}  // namespace
}  // namespace onhook
