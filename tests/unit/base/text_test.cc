#include "gateway/base/text.h"

#include <gtest/gtest.h>

#include <string>

namespace onhook {
namespace {

using ::std::string_literals::operator""s;

// U+FFFD, which stands for every byte that is no part of valid UTF-8.
constexpr char kReplacement[] = "\xEF\xBF\xBD";

std::string Repeated(int times, const std::string& text) {
  std::string whole;
  for (int i = 0; i < times; ++i) whole += text;
  return whole;
}

struct Utf8Case {
  const char* why;
  std::string text;
  bool valid;
};

const Utf8Case kUtf8Cases[] = {
    {"empty", "", true},
    {"ASCII", "caller", true},
    {"the zero byte is a code point", "\0"s, true},
    {"first and last of two bytes", "\xC2\x80\xDF\xBF", true},
    {"first and last of three bytes", "\xE0\xA0\x80\xEF\xBF\xBF", true},
    {"the neighbours of the surrogates", "\xED\x9F\xBF\xEE\x80\x80", true},
    {"first and last of four bytes", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", true},
    {"a continuation without its lead", "\x80", false},
    {"two bytes, the second missing", "\xC3", false},
    {"three bytes, the third missing", "\xE2\x82", false},
    {"four bytes, the fourth missing", "\xF0\x9F\x98", false},
    {"a lead followed by ASCII", "\xC3(", false},
    {"'/' in two bytes is overlong", "\xC0\xAF", false},
    {"U+007F in two bytes is overlong", "\xC1\xBF", false},
    {"U+07FF in three bytes is overlong", "\xE0\x9F\xBF", false},
    {"U+FFFF in four bytes is overlong", "\xF0\x8F\xBF\xBF", false},
    {"the first surrogate", "\xED\xA0\x80", false},
    {"the last surrogate", "\xED\xBF\xBF", false},
    {"above U+10FFFF", "\xF4\x90\x80\x80", false},
    {"a lead that UTF-8 never uses", "\xF5\x80\x80\x80", false},
    {"five bytes", "\xF8\x88\x80\x80\x80", false},
    {"the byte FF", "\xFF", false},
    {"valid before and after do not help", "a\xFFz", false},
};

TEST(TextTest, ValidUtf8IsToldFromInvalid) {
  for (const Utf8Case& row : kUtf8Cases) {
    EXPECT_EQ(IsValidUtf8(row.text), row.valid) << row.why;
  }
}

TEST(TextTest, CodePointsAreCountedNotBytes) {
  EXPECT_EQ(CountCodePoints(""), 0u);
  EXPECT_EQ(CountCodePoints("abc"), 3u);
  EXPECT_EQ(CountCodePoints("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"), 3u);
}

std::string Json(const std::string& text) {
  std::string out;
  AppendJsonString(text, out);
  return out;
}

struct JsonCase {
  const char* why;
  std::string text;
  std::string json;
};

const JsonCase kJsonCases[] = {
    {"nothing but quotes", "", R"("")"},
    {"quote and backslash", R"(a"b\c)", R"("a\"b\\c")"},
    {"control characters", "\n\t\r\x01"s, R"("\u000a\u0009\u000d\u0001")"},
    {"the zero byte", "a\0b"s, R"("a\u0000b")"},
    {"DEL, which terminals obey", "\x7F", R"("\u007f")"},
    {"valid UTF-8 stays as it is", "\xE4\xB8\xAD\xF0\x9F\x98\x80",
     "\"\xE4\xB8\xAD\xF0\x9F\x98\x80\""},
    {"a lone byte becomes one replacement", "a\xFFz", std::string("\"a") + kReplacement + "z\""},
    {"a surrogate becomes three", "\xED\xA0\x80", "\"" + Repeated(3, kReplacement) + "\""},
    {"what follows a broken lead is kept", "\xC3(", std::string("\"") + kReplacement + "(\""},
};

TEST(TextTest, JsonStringsAreAlwaysValidJson) {
  for (const JsonCase& row : kJsonCases) EXPECT_EQ(Json(row.text), row.json) << row.why;
}

TEST(TextTest, EveryByteGivesValidUtf8WithoutControlCharacters) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string json = Json(std::string(1, static_cast<char>(byte)));
    EXPECT_TRUE(IsValidUtf8(json)) << byte;
    for (const char c : json) EXPECT_TRUE((c & 0x80) != 0 || (c >= 0x20 && c != 0x7F)) << byte;
  }
}

TEST(TextTest, AJsonStringIsAppendedToWhatIsThere) {
  std::string out = "[";
  AppendJsonString("a", out);
  EXPECT_EQ(out, R"(["a")");
}

TEST(TextTest, TheFirstCodePointsAreNeverCutInTwo) {
  EXPECT_EQ(FirstCodePoints("abc", 2), "ab");
  EXPECT_EQ(FirstCodePoints("abc", 3), "abc");
  EXPECT_EQ(FirstCodePoints("\u00e4\u4e2d\U0001F600x", 3), "\u00e4\u4e2d\U0001F600");
  EXPECT_EQ(FirstCodePoints("", 3), "");
  EXPECT_EQ(FirstCodePoints("x", 0), "");
}

}  // namespace
}  // namespace onhook
