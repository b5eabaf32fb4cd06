#include "gateway/ingress/callback_parser.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/ingress/callback_words.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(CallbackParserTest, TheBytesDecideWhichFormABodyHas) {
  const Words one = {{"called", "1"}};
  EXPECT_EQ(WordsOf(R"({"called":"1"})"), one);
  EXPECT_EQ(WordsOf("{called=1}"), one);
  EXPECT_EQ(WordsOf(" \r\n\t{ \n \"called\":\"1\"}\n"), one);
  EXPECT_EQ(WordsOf(" \r\n\t{ \n called=1}\n"), one);
  EXPECT_EQ(WordsOf("{}"), Words());
  EXPECT_EQ(WordsOf("{ \n}"), Words());
}

TEST(CallbackParserTest, AByteOrderMarkIsSkippedInBothForms) {
  const Words one = {{"called", "1"}};
  EXPECT_EQ(WordsOf("\xEF\xBB\xBF{\"called\":\"1\"}"), one);
  EXPECT_EQ(WordsOf("\xEF\xBB\xBF{called=1}"), one);
  EXPECT_THAT(RefusalOf("\xEF\xBB\xBF\xEF\xBB\xBF{called=1}"), HasSubstr("at byte 3"));
}

TEST(CallbackParserTest, WhatIsNoObjectIsRefused) {
  EXPECT_EQ(RefusalOf(""), "the body is empty");
  EXPECT_EQ(RefusalOf(" \n"), "the body is empty");
  for (const char* body : {"[]", "\"a\"", "null", "1", "callSerialNo=1&called=2", "<a/>"}) {
    EXPECT_THAT(RefusalOf(body), HasSubstr("{ expected at byte 0")) << body;
  }
  EXPECT_THAT(RefusalOf("  [{\"called\":\"1\"}]"), HasSubstr("byte 2"));
}

TEST(CallbackParserTest, InvalidUtf8IsRefusedInBothFormsWithItsPlace) {
  EXPECT_THAT(RefusalOf("{\"called\":\"1\xFF\"}"), HasSubstr("UTF-8 at byte 12"));
  EXPECT_THAT(RefusalOf("{called=\xC3\xBC\xFF}"), HasSubstr("UTF-8 at byte 10"));
  EXPECT_THAT(RefusalOf("{called=\xC3"), HasSubstr("UTF-8 at byte 8"));
  EXPECT_THAT(RefusalOf("{called=\xED\xA0\x80}"), HasSubstr("UTF-8 at byte 8")) << "surrogate";
}

TEST(CallbackParserTest, ANameThatOccursTwiceIsRefusedByName) {
  EXPECT_EQ(RefusalOf(R"({"called":"1","called":"1"})"), "field \"called\" occurs twice");
  EXPECT_EQ(RefusalOf("{called=1, called=2}"), "field \"called\" occurs twice");
  EXPECT_EQ(RefusalOf(R"({"called":null,"c\u0061lled":"1"})"), "field \"called\" occurs twice")
      << "names are compared decoded";
}

TEST(CallbackParserTest, ANameThatTheVendorDoesNotDocumentIsInNoMessage) {
  EXPECT_EQ(RefusalOf(R"({"called":"1","88880067":1,"88880067":2})"),
            "the name of field 3 occurs twice");
  EXPECT_EQ(RefusalOf("{called=1,\nx88880067=2,\nx88880067=3\n}"),
            "the name of field 3 occurs twice");
  EXPECT_EQ(RefusalOf(R"({"nonce":1,"nonce":2})"), "field \"nonce\" occurs twice");
}

TEST(CallbackParserTest, LimitsAreThoseItIsGiven) {
  Settings::CallbackLimits limits;
  limits.max_fields = 2;
  limits.max_nesting = 2;
  EXPECT_TRUE(ParseCallback(R"({"a":1,"b":[2]})", limits).ok());
  EXPECT_EQ(ParseCallback(R"({"a":1,"b":2,"c":3})", limits).status().message(),
            "there are more than 2 fields");
  EXPECT_EQ(ParseCallback("{a=1,\nb=2,\nc=3\n}", limits).status().message(),
            "there are more than 2 fields");
  EXPECT_FALSE(ParseCallback(R"({"a":[[[]]]})", limits).ok());
}

TEST(CallbackParserTest, TwoHundredAndFiftySixFieldsAreTakenAndOneMoreIsNot) {
  std::string json = "{";
  std::string map = "{";
  for (int i = 0; i < 256; ++i) {
    absl::StrAppend(&json, i == 0 ? "" : ",", "\"f", i, "\":", i);
    absl::StrAppend(&map, "\nf", i, "=", i, ",");
  }
  EXPECT_EQ(WordsOf(json + "}").size(), 256u);
  EXPECT_EQ(WordsOf(map + "\n}").size(), 256u);
  EXPECT_EQ(RefusalOf(json + ",\"one\":1}"), "there are more than 256 fields");
  EXPECT_EQ(RefusalOf(map + "\none=1}"), "there are more than 256 fields");
}

TEST(CallbackParserTest, NoMessageRepeatsAValue) {
  for (const char* body :
       {R"({"called":"88880067","called":"88880067"})", R"({"called":88880067x})",
        R"({"called":"88880067)", R"({"called":"88880067"]})", R"({"called":"88880067"} 88880067)",
        "{88880067", "{88880067}", "{called=88880067", "88880067", R"({"called":["88880067",]})",
        "{\"called\":\"88880067\xFF\"}", R"({"called":"88880067\ud800"})"}) {
    EXPECT_THAT(RefusalOf(body), Not(HasSubstr("88880067"))) << body;
    EXPECT_NE(RefusalOf(body), "accepted") << body;
  }
}

TEST(CallbackParserTest, ARefusedBodyLeavesNothingBehindForTheNext) {
  EXPECT_NE(RefusalOf(R"({"called":"1","x":[1,})"), "accepted");
  EXPECT_NE(RefusalOf(R"({"called":"1)"), "accepted");
  EXPECT_EQ(WordsOf(R"({"called":"2"})"), (Words{{"called", "2"}}));
}

}  // namespace
}  // namespace onhook
