#include "gateway/ingress/json_callback.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/ingress/callback_words.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

// What {"x":<json>} says of x.
std::optional<std::string> ValueOf(absl::string_view json) {
  const Words words = WordsOf(absl::StrCat("{\"x\":", json, ",\"y\":\"behind\"}"));
  EXPECT_EQ(words.size(), 2u) << json;
  EXPECT_EQ(words.empty() ? "nothing" : words.back().second, "behind") << json;
  return words.empty() ? "refused" : words[0].second;
}

TEST(JsonCallbackTest, AStringIsItsDecodedText) {
  EXPECT_EQ(ValueOf(R"("")"), "");
  EXPECT_EQ(ValueOf(R"("a, called=1 \"}")"), "a, called=1 \"}");
  EXPECT_EQ(ValueOf(R"("\u00fc\ud83d\ude00\/\n\u0000")"),
            std::string("\xC3\xBC\xF0\x9F\x98\x80/\n\0", 9));
  EXPECT_EQ(ValueOf(R"("null")"), "null");
}

TEST(JsonCallbackTest, ANumberIsItsSourceTextWhateverItsSize) {
  for (const char* number : {"1197765398201387012", "0", "-0", "1.50", "1e5", "1E+05", "-1.25e-300",
                             "123456789012345678901234567890", "1e999999"}) {
    EXPECT_EQ(ValueOf(number), number);
    EXPECT_EQ(ValueOf(absl::StrCat(" ", number, " \n")), number);
  }
}

TEST(JsonCallbackTest, TrueAndFalseAreTheirWordsAndNullIsNothing) {
  EXPECT_EQ(ValueOf("true"), "true");
  EXPECT_EQ(ValueOf("false "), "false");
  EXPECT_EQ(ValueOf("null"), std::nullopt);
  EXPECT_EQ(ValueOf("\nnull\t"), std::nullopt);
}

TEST(JsonCallbackTest, ANestedValueIsItsTextAsSent) {
  for (const char* nested :
       {"{}", "[]", R"({ "a" : [1, 2.50,"\u00fc"] })", R"([{"a":{}},[ ],null, true])",
        R"({"a":1,"a":2})", "[ ]", "{\n}", "[\"]}\"]"}) {
    EXPECT_EQ(ValueOf(nested), nested);
    EXPECT_EQ(ValueOf(absl::StrCat("\n ", nested, " \n")), nested);
  }
}

TEST(JsonCallbackTest, NestingIsTakenUpToSixteen) {
  const std::string open(15, '[');
  const std::string close(15, ']');
  EXPECT_EQ(ValueOf(open + close), open + close);
  EXPECT_THAT(RefusalOf(absl::StrCat("{\"x\":[", open, close, "]}")),
              HasSubstr("nested more than 16 deep"));
  std::string objects = "1";
  for (int i = 0; i < 16; ++i) objects = absl::StrCat("{\"a\":", objects, "}");
  EXPECT_THAT(RefusalOf(absl::StrCat("{\"x\":", objects, "}")), HasSubstr("16 deep"));
  EXPECT_THAT(RefusalOf(absl::StrCat("{\"x\":", std::string(30000, '['))), HasSubstr("JSON"));
}

// What no JSON value may look like, at the top and inside others, where nobody reads it.
TEST(JsonCallbackTest, AMalformedValueIsRefusedWhereverItStands) {
  for (const char* bad : {"",
                          "01",
                          "-",
                          "+1",
                          "1.",
                          ".5",
                          "1.e5",
                          "1e",
                          "1e+",
                          "0x10",
                          "1a",
                          "--1",
                          "1 2",
                          "1\v",
                          "1\f",
                          "null\v",
                          "true\f\v",
                          "[1]\v",
                          "NaN",
                          "Infinity",
                          "nul",
                          "nullx",
                          "True",
                          "tru",
                          "falsey",
                          "undefined",
                          "'a'",
                          "a",
                          R"("\x41")",
                          R"("\ud800")",
                          R"("\udc00")",
                          R"("\ud800\u0041")",
                          R"("\u12")",
                          "\"\n\"",
                          "\"\t\"",
                          "\"\x01\"",
                          R"("a" "b")",
                          R"("a"b)",
                          R"("a)",
                          "[1,]",
                          "[,1]",
                          "[1 2]",
                          "[1",
                          "[1}",
                          "]",
                          "}",
                          "{,}",
                          R"({"a"})",
                          R"({"a":})",
                          R"({"a":1,})",
                          R"({"a" 1})",
                          R"({a:1})",
                          R"({1:2})",
                          R"({"a":1 "b":2})",
                          R"({"a":1)",
                          R"({"a":1])",
                          R"({"a"::1})",
                          R"({"a\x":1})",
                          ":",
                          ",",
                          "/*a*/1",
                          "1//a"}) {
    for (const auto& [before, after] : {std::pair("", ""), std::pair("[", "]"),
                                        std::pair(R"([0,{"a":)", "}]"), std::pair("[[],", ",1]")}) {
      const std::string body = absl::StrCat("{\"x\":", before, bad, after, "}");
      // A `[` with nothing in it is an empty array, and well.
      if (*bad == '\0' && absl::string_view(before) == "[") continue;
      EXPECT_NE(RefusalOf(body), "accepted") << body;
    }
  }
}

TEST(JsonCallbackTest, AMalformedObjectIsRefused) {
  for (const char* body : {R"({"x":1)",
                           R"({"x")",
                           R"({"x)",
                           R"({"x":)",
                           R"({"x":1,)",
                           R"({"x":1,})",
                           R"({"x":1}})",
                           R"({"x":1}{})",
                           R"({"x":1} x)",
                           R"({"x":1},)",
                           R"({"x":1]})",
                           R"({"x" "y"})",
                           R"({"x":1 "y":2})",
                           R"({"x":1,,"y":2})",
                           R"({"x":1;"y":2})",
                           R"({"x":1,y:2})",
                           R"({"x":1, 2:3})",
                           R"({"\ud800":1})",
                           "{\"x\":1}\xEF\xBB\xBF",
                           "{\"x\":1\f}",
                           "{\"x\":1}\v",
                           "{\"x\":\xC2\xA0 1}"}) {
    EXPECT_NE(RefusalOf(body), "accepted") << body;
  }
  EXPECT_NE(RefusalOf(std::string("{\"x\":1}\0", 8)), "accepted");
  EXPECT_NE(RefusalOf(std::string("{\"x\":\0 1}", 9)), "accepted");
}

TEST(JsonCallbackTest, TheMessageSaysWhatIsWrongAndAboutWhere) {
  EXPECT_THAT(RefusalOf(R"({"x":"\ud800"})"), HasSubstr("surrogate"));
  EXPECT_THAT(RefusalOf("{\"x\":\"\n\"}"), HasSubstr("control character"));
  EXPECT_THAT(RefusalOf(R"({"x":1} y})"), HasSubstr("behind the JSON object"));
  EXPECT_THAT(RefusalOf(R"({"x":1,"y":01,"z":2})"), HasSubstr("near byte 11"));
  EXPECT_THAT(RefusalOf("\xEF\xBB\xBF {\"x\":1,\"y\":01,\"z\":2}"), HasSubstr("near byte 15"));
}

TEST(JsonCallbackTest, ALargeBodyIsReadLikeASmallOne) {
  const std::string text(60'000, 'x');
  EXPECT_EQ(ValueOf(absl::StrCat("\"", text, "\"")), text);
  EXPECT_EQ(ValueOf("\"small\""), "small");
}

}  // namespace
}  // namespace onhook
