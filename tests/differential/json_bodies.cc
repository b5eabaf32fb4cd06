#include "tests/differential/json_bodies.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "gateway/event/documented_fields.h"

namespace onhook {
namespace {

constexpr size_t kMaxBytes = 64 * 1024;
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

// What stands in strings: every kind of escape, and UTF-8 of every length, at its borders.
constexpr absl::string_view kPieces[] = {"a",
                                         "order 42",
                                         " ",
                                         ",",
                                         "=",
                                         "{\\\"k\\\":[1]}",
                                         "\\\"",
                                         "\\\\",
                                         "\\/",
                                         "/",
                                         "\\b\\f\\n",
                                         "\\r\\t",
                                         "\\u0000",
                                         "\\u001f",
                                         "\\u0041",
                                         "\\u00fC",
                                         "\\uFFFF",
                                         "\\ud800\\udc00",
                                         "\\uDBFF\\uDFFF",
                                         "\\ud83d\\ude00",
                                         "\x7F",
                                         "\xC2\x80",
                                         "\xDF\xBF",
                                         "\xE0\xA0\x80",
                                         "\xED\x9F\xBF",
                                         "\xEE\x80\x80",
                                         "\xEF\xBF\xBF",
                                         "\xF0\x90\x80\x80",
                                         "\xF4\x8F\xBF\xBF",
                                         "\xE2\x80\xA8",
                                         "null",
                                         "1e5"};

// What makes a body wrong, or nearly.
constexpr absl::string_view kTokens[] = {"\"",
                                         "\\",
                                         "{",
                                         "}",
                                         "[",
                                         "]",
                                         ",",
                                         ":",
                                         " ",
                                         "\n",
                                         "\r",
                                         "\t",
                                         "\v",
                                         "\f",
                                         "\b",
                                         absl::string_view("\0", 1),
                                         "\x01",
                                         "\x1F",
                                         "\x7F",
                                         "\xA0",
                                         "\xC2\xA0",
                                         "\xC0\x80",
                                         "\xC1\xBF",
                                         "\xE0\x80\x80",
                                         "\xED\xA0\x80",
                                         "\xED\xBF\xBF",
                                         "\xF0\x80\x80\x80",
                                         "\xF4\x90\x80\x80",
                                         "\xF8\x88\x80\x80\x80",
                                         "\xFF",
                                         "\xEF\xBB\xBF",
                                         "\xE2\x80\xA8",
                                         "\\u",
                                         "\\u12",
                                         "\\uD800",
                                         "\\uDC00",
                                         "\\ud800\\u0041",
                                         "\\ud800\\ud800",
                                         "\\udc00\\ud800",
                                         "\\x41",
                                         "\\'",
                                         "\\0",
                                         "\\U0041",
                                         "null",
                                         "nul",
                                         "true",
                                         "True",
                                         "false",
                                         "NaN",
                                         "-NaN",
                                         "Infinity",
                                         "-Infinity",
                                         "undefined",
                                         "0",
                                         "00",
                                         "01",
                                         "-",
                                         "-0",
                                         "-01",
                                         "+1",
                                         ".5",
                                         "1.",
                                         "1.e1",
                                         "1e",
                                         "1e+",
                                         "1E-",
                                         "0x1F",
                                         "1_0",
                                         "1e400",
                                         "-1e400",
                                         "1e-400",
                                         "0e999999999999",
                                         "1e999999999999",
                                         "18446744073709551616",
                                         "--1",
                                         "//",
                                         "/**/",
                                         "#",
                                         "'",
                                         "'a'",
                                         "\"a\"",
                                         "\"a\":1",
                                         "{}",
                                         "[]",
                                         "[,]",
                                         ",,",
                                         "{\"a\":1,}",
                                         "[1,]",
                                         "[[[[[[[[[[[[[[",
                                         "]]]]]]]]]]]]]]",
                                         "{\"a\":{\"a\":{\"a\":{\"a\":",
                                         "}}}}"};

}  // namespace

std::string JsonBodies::Next() {
  std::string body = OneIn(4) ? given_[Below(given_.size())] : std::string();
  const bool is_given = !body.empty();
  if (!is_given) {
    const size_t members = OneIn(500) ? 250 + Below(12) : Below(OneIn(3) ? 24 : 5);
    body = absl::StrCat(Space(), Object(members, 1), Space());
    if (OneIn(50)) body = absl::StrCat(kByteOrderMark, body);
    if (OneIn(100)) body = Value(1);
  }
  if (is_given || OneIn(2)) {
    for (uint64_t i = 1 + Below(3); i > 0; --i) Mutate(body);
  }
  return body.substr(0, kMaxBytes);
}

std::string JsonBodies::Object(size_t members, int depth) {
  std::string object = "{";
  for (size_t i = 0; i < members; ++i) {
    absl::StrAppend(&object, i > 0 ? "," : "", Space(), "\"", Name(i), "\"", Space(), ":", Space(),
                    Value(depth), Space());
  }
  if (members == 0) object += Space();
  return object + "}";
}

std::string JsonBodies::Array(int depth) {
  std::string array = "[" + Space();
  const uint64_t size = Below(4);
  for (uint64_t i = 0; i < size; ++i) {
    absl::StrAppend(&array, i > 0 ? "," : "", Space(), Value(depth), Space());
  }
  return array + "]";
}

std::string JsonBodies::Value(int depth) {
  // A chain that ends near the limit of nesting, which is 16.
  if (OneIn(200)) {
    const size_t levels = 10 + Below(10);
    const bool arrays = OneIn(2);
    std::string chain = arrays ? "" : "1";
    for (size_t i = 0; i < levels; ++i) {
      chain = arrays ? absl::StrCat("[", chain, "]") : absl::StrCat("{\"a\":", chain, "}");
    }
    return chain;
  }
  switch (Below(depth < 6 ? 12 : 10)) {
    case 0:
      return "null";
    case 1:
      return OneIn(2) ? "true" : "false";
    case 2:
    case 3:
    case 4:
      return Number();
    case 10:
      return Array(depth + 1);
    case 11:
      return Object(Below(4), depth + 1);
    default:
      return absl::StrCat("\"", String(), "\"");
  }
}

// Mostly names that differ, so that most bodies are accepted.
std::string JsonBodies::Name(size_t index) {
  if (OneIn(60)) return "called";
  if (OneIn(60)) return "\\u0063alled";
  const absl::Span<const DocumentedField> fields = DocumentedFields();
  if (index < fields.size() && !OneIn(4)) return std::string(fields[index].name);
  return absl::StrCat(String(), index);
}

std::string JsonBodies::String() {
  std::string text;
  for (uint64_t i = Below(6); i > 0; --i) {
    const absl::string_view piece = kPieces[Below(std::size(kPieces))];
    const size_t times = OneIn(3000) ? Below(4000) : 1;
    for (size_t j = 0; j < times; ++j) absl::StrAppend(&text, piece);
  }
  return text;
}

std::string JsonBodies::Number() {
  if (OneIn(4)) return absl::StrCat(random_());
  std::string number = OneIn(3) ? "-" : "";
  // No zero may lead.
  number += OneIn(4) ? "0" : absl::StrCat(1 + Below(9), Digits(OneIn(50) ? 400 : 20));
  if (OneIn(3)) absl::StrAppend(&number, ".", Below(10), Digits(20));
  if (OneIn(3)) {
    static constexpr absl::string_view kExponents[] = {"e", "E", "e+", "E-", "e-"};
    absl::StrAppend(&number, kExponents[Below(std::size(kExponents))], Below(10),
                    Digits(OneIn(20) ? 12 : 3));
  }
  return number;
}

std::string JsonBodies::Digits(size_t most) {
  std::string digits;
  for (uint64_t i = Below(most); i > 0; --i) absl::StrAppend(&digits, Below(10));
  return digits;
}

std::string JsonBodies::Space() {
  if (!OneIn(6)) return "";
  std::string space;
  for (uint64_t i = 1 + Below(3); i > 0; --i) space.push_back(" \t\r\n"[Below(4)]);
  return space;
}

void JsonBodies::Mutate(std::string& body) {
  const size_t at = Below(body.size() + 1);
  const size_t size = std::min<size_t>(1 + Below(OneIn(4) ? 40 : 3), body.size() - at);
  const absl::string_view token = kTokens[Below(std::size(kTokens))];
  switch (Below(8)) {
    case 0:
      if (at < body.size()) body[at] = static_cast<char>(body[at] ^ (1 << Below(8)));
      break;
    case 1:
      if (at < body.size()) body[at] = static_cast<char>(Below(256));
      break;
    case 2:
      body.erase(at, size);
      break;
    case 3:
      body.insert(at, body.substr(at, size));
      break;
    case 4:
      body.replace(at, size, token.data(), token.size());
      break;
    case 5:
      if (OneIn(4)) body.resize(at);
      break;
    case 6: {
      const std::string& other = given_[Below(given_.size())];
      const size_t from = Below(other.size() + 1);
      body.insert(at, other.substr(from, Below(60)));
      break;
    }
    default:
      body.insert(at, token.data(), token.size());
  }
}

}  // namespace onhook
