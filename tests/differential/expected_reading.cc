#include "tests/differential/expected_reading.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

constexpr size_t kMaxFields = 256;
constexpr size_t kMaxDepth = 16;

// The code unit of the escape sequence \uXXXX at `at`; 0 if none stands there.
unsigned CodeUnitAt(absl::string_view text, size_t at) {
  unsigned unit = 0;
  if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') return 0;
  for (const char digit : text.substr(at + 2, 4)) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(digit))) return 0;
    unit = unit * 16 + static_cast<unsigned>(absl::ascii_isdigit(static_cast<unsigned char>(digit))
                                                 ? digit - '0'
                                                 : absl::ascii_tolower(digit) - 'a' + 10);
  }
  return unit;
}

bool IsUpperHalf(unsigned unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool IsLowerHalf(unsigned unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

// Whether an escaped half of a surrogate pair stands without the other.
bool HasLoneSurrogate(absl::string_view text) {
  size_t at = 0;
  while ((at = text.find('\\', at)) != text.npos) {
    const unsigned unit = CodeUnitAt(text, at);
    if (IsLowerHalf(unit)) return true;
    if (IsUpperHalf(unit)) {
      if (!IsLowerHalf(CodeUnitAt(text, at + 6))) return true;
      at += 6;
    }
    at += unit != 0 ? 6 : 2;
  }
  return false;
}

// No reader of the two is right everywhere.
constexpr Departure kDepartures[] = {
    {"nlohmann/json 3.11 and RapidJSON 1.1", "take NUL for the end of the text, whatever follows",
     "RFC 8259, section 2: NUL is neither white space nor a token",
     absl::string_view("{\"a\":1}\0}", 9),
     [](absl::string_view text) { return absl::StrContains(text, '\0'); }},
    {"RapidJSON 1.1", "takes the lower half of a surrogate pair alone, and makes of it no UTF-8",
     "RFC 8259, section 8.2: such a string names no characters; json_callback.h refuses it",
     "{\"a\":\"\\udc00\"}", HasLoneSurrogate},
};

JsonReading Refused(std::string why) {
  JsonReading reading;
  reading.error = std::move(why);
  return reading;
}

// By RFC 8259 alone.
JsonReading StandardReading(absl::string_view text) {
  for (const Departure& departure : Departures()) {
    if (departure.applies(text)) {
      return Refused(std::string(departure.rule));
    }
  }
  JsonReading one = ReadByNlohmann(text);
  const JsonReading other = ReadByRapidJson(text);
  const std::string difference = Difference(one, other);
  if (difference.empty()) return one;
  return Refused(absl::StrCat("undecided: nlohmann/json and RapidJSON differ: ", difference,
                              "; errors: ", one.error, " / ", other.error));
}

}  // namespace

absl::Span<const Departure> Departures() { return kDepartures; }

JsonReading ExpectedReading(absl::string_view body) {
  // Rules of ours: one byte order mark is skipped; one object; its names differ; so many fields, so
  // deep. What is not UTF-8 both libraries refuse as we do.
  const absl::string_view text = absl::StartsWith(body, "\xEF\xBB\xBF") ? body.substr(3) : body;
  JsonReading reading = StandardReading(text);
  if (!reading.accepted) return reading;
  if (!reading.is_object) return Refused("not an object");
  if (reading.depth > kMaxDepth) return Refused("too deep");
  if (reading.words.size() > kMaxFields) return Refused("too many fields");
  std::set<std::string> names;
  for (const JsonReading::Word& word : reading.words) {
    if (!names.insert(word.first).second) return Refused("a name occurs twice");
  }
  return reading;
}

std::string Difference(const JsonReading& expected, const JsonReading& actual) {
  if (expected.accepted != actual.accepted) {
    return expected.accepted ? absl::StrCat("only the first accepts; the other: ", actual.error)
                             : absl::StrCat("only the second accepts; the other: ", expected.error);
  }
  if (!expected.accepted) return "";
  if (expected.is_object != actual.is_object) return "only one is an object";
  if (expected.words.size() != actual.words.size()) {
    return absl::StrCat(expected.words.size(), " members and ", actual.words.size());
  }
  const auto shown = [](const JsonReading::Word& word) {
    return absl::StrCat(absl::CEscape(word.first), "=",
                        word.second.has_value() ? absl::CEscape(*word.second) : "(null)");
  };
  for (size_t i = 0; i < expected.words.size(); ++i) {
    if (expected.words[i] == actual.words[i]) continue;
    return absl::StrCat("member ", i, ": ", shown(expected.words[i]), " and ",
                        shown(actual.words[i]));
  }
  return "";
}

}  // namespace onhook
