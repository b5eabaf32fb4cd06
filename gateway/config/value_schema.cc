#include "gateway/config/value_schema.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "gateway/config/number_pattern.h"
#include "gateway/config/setting_values.h"

namespace onhook {
namespace {

constexpr int64_t kMostNumber = 999999999;  // of a value with a unit: nine digits

// An unquoted scalar is a text to the reader, whatever YAML makes of it.
constexpr absl::string_view kAnyScalar = R"(["string", "number", "boolean"])";

struct Bounds {
  int64_t least = 0;
  int64_t most = std::numeric_limits<int64_t>::max();
};

// How many of a unit's base one of it is; the base is that of `bounds`.
using Units = std::vector<std::pair<absl::string_view, int64_t>>;

Units DurationUnits() {
  return {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
}

Units ByteUnits() {
  return {{"B", 1},
          {"KiB", int64_t{1} << 10},
          {"MiB", int64_t{1} << 20},
          {"GiB", int64_t{1} << 30},
          {"TiB", int64_t{1} << 40}};
}

// Of text that this program's own tables hold: 0 for what is none.
int64_t NumberOf(absl::string_view text) {
  const absl::StatusOr<absl::Duration> duration = ParseDurationValue(text);
  if (duration.ok()) return absl::ToInt64Milliseconds(*duration);
  const absl::StatusOr<size_t> bytes = ParseByteCount(text);
  if (bytes.ok()) return static_cast<int64_t>(*bytes);
  int64_t number = 0;
  for (const char c : text) {
    if (absl::ascii_isdigit(c)) number = number * 10 + (c - '0');
  }
  return number;
}

Bounds ParseBounds(absl::string_view text, int64_t least) {
  Bounds bounds;
  bounds.least = least;
  if (text.empty()) return bounds;
  const std::pair<absl::string_view, absl::string_view> ends = absl::StrSplit(text, " to ");
  bounds.least = NumberOf(ends.first);
  bounds.most = NumberOf(ends.second);
  return bounds;
}

std::string PatternWithUnits(const Bounds& bounds, const Units& units) {
  std::vector<std::string> parts;
  for (const auto& [name, size] : units) {
    const int64_t least = bounds.least / size + (bounds.least % size == 0 ? 0 : 1);
    const int64_t most = std::min(bounds.most / size, kMostNumber);
    if (least > most) continue;
    const bool is_any = least == 0 && most == kMostNumber;
    parts.push_back(absl::StrCat(is_any ? "[0-9]{1,9}" : NumberPattern(least, most), name));
  }
  return absl::StrCat("^(?:", absl::StrJoin(parts, "|"), ")$");
}

JsonObject TextOf(absl::string_view pattern) {
  return JsonObject().AddText("type", "string").AddText("pattern", pattern);
}

JsonObject Scalar() { return JsonObject().Add("type", std::string(kAnyScalar)); }

JsonObject ScalarOf(absl::string_view pattern) { return Scalar().AddText("pattern", pattern); }

JsonObject NumberWithin(const Bounds& bounds) {
  return JsonObject()
      .AddText("type", "integer")
      .AddNumber("minimum", bounds.least)
      .AddNumber("maximum", bounds.most);
}

// Unquoted it is a number, and which one depends on the version of YAML.
JsonObject OctalNumber() {
  return JsonObject()
      .Add("type", R"(["string", "integer"])")
      .AddText("pattern", "^0[0-7]{3}$")
      .AddNumber("minimum", 0)
      .AddNumber("maximum", 777);
}

JsonObject SchemaOfKind(absl::string_view kind, absl::string_view bounds, MayBeEmpty empty) {
  if (kind == "DURATION") return TextOf(PatternWithUnits(ParseBounds(bounds, 0), DurationUnits()));
  if (kind == "BYTES") return TextOf(PatternWithUnits(ParseBounds(bounds, 1), ByteUnits()));
  if (kind == "NUMBER") return NumberWithin(ParseBounds(bounds, 0));
  if (kind == "OCTAL") return OctalNumber();
  if (kind == "HOST:PORT") {
    return TextOf(absl::StrCat("^(?:\\[[0-9A-Fa-f:.]+\\]|[0-9A-Za-z.-]{1,253}):",
                               NumberPattern(0, std::numeric_limits<uint16_t>::max()), "$"));
  }
  if (kind == "TEXT") return Scalar();
  if (kind == "FILE" || kind == "DIRECTORY") {
    return Scalar().AddNumber("minLength", empty == MayBeEmpty::kYes ? 0 : 1);
  }
  if (kind == "ABSOLUTE-PATH") {
    return TextOf(empty == MayBeEmpty::kYes ? "^(?:/|$)" : "^/").AddNumber("maxLength", 107);
  }
  if (kind == "NAME") return ScalarOf("^[a-z0-9][a-z0-9._-]{0,62}$");
  if (kind == "PATTERN") return ScalarOf("^[a-z0-9*][a-z0-9._*-]{0,78}$");
  if (kind == "PATH") return TextOf("^(?:/[a-zA-Z0-9:._-]+)+$").AddNumber("maxLength", 512);
  if (kind == "ZONE") return TextOf("^[A-Za-z0-9_+-][A-Za-z0-9_+/-]{0,63}$");
  if (kind == "ADDRESS/BITS") return TextOf("^[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?$");
  if (kind == "URI") return TextOf("^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$");
  if (kind == "NATS-URL") return TextOf("^(?:nats|tls)://[0-9A-Za-z.:\\[\\]-]+:[0-9]{1,5}$");
  if (kind == "LINE") return ScalarOf(R"(^[^\u0000-\u001f\u007f]*$)").AddNumber("maxLength", 256);
  if (kind == "STREAM") return ScalarOf("^[A-Za-z0-9_-]{1,64}$");
  if (kind == "SUBJECT") {
    return ScalarOf("^[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*$").AddNumber("maxLength", 64);
  }
  if (kind == "DNS-NAME") return TextOf("^[A-Za-z0-9_.-]{1,253}$");
  return JsonObject();
}

// What stands between bars, of which none is a kind but those in capitals.
JsonObject SchemaOfChoice(absl::string_view form, absl::string_view bounds, MayBeEmpty empty) {
  if (form == "true|false") return JsonObject().AddText("type", "boolean");
  std::vector<std::string> words;
  std::vector<JsonObject> choices;
  for (const absl::string_view part : absl::StrSplit(form, '|')) {
    if (absl::ascii_isupper(part[0])) {
      choices.push_back(SchemaOfKind(part, bounds, empty));
    } else if (part == "0s") {
      choices.push_back(SchemaOfKind("DURATION", "0s to 0s", empty));
    } else {
      const bool is_number = std::all_of(part.begin(), part.end(), absl::ascii_isdigit);
      words.push_back(is_number ? std::string(part) : JsonText(part));
    }
  }
  if (!words.empty()) choices.push_back(JsonObject().Add("enum", JsonArray(words)));
  if (choices.size() == 1) return choices[0];
  std::vector<std::string> any;
  any.reserve(choices.size());
  for (const JsonObject& choice : choices) any.push_back(choice.Text());
  return JsonObject().Add("anyOf", JsonArray(any));
}

// The same as one text.
absl::string_view WithCommas(absl::string_view kind) {
  if (kind == "NAME") return "^[a-z0-9._,-]*$";
  if (kind == "NATS-URL") return "^(?:nats|tls)://[0-9A-Za-z.:/,\\[\\]-]+$";
  return "^[0-9A-Fa-f:./,]*$";
}

JsonObject SequenceOf(absl::string_view kind, MayBeEmpty empty, bool is_endless, int most) {
  JsonObject sequence;
  sequence.AddText("type", "array");
  if (empty == MayBeEmpty::kNo) sequence.AddNumber("minItems", 1);
  if (!is_endless) sequence.AddNumber("maxItems", most);
  return sequence.Add("items", SchemaOfKind(kind, "", MayBeEmpty::kNo).Text());
}

}  // namespace

JsonObject SchemaOfForm(absl::string_view form, absl::string_view bounds, MayBeEmpty empty) {
  if (absl::ConsumeSuffix(&form, ",...")) {
    return JsonObject().Add("anyOf", JsonArray({SequenceOf(form, empty, true, 0).Text(),
                                                ScalarOf(WithCommas(form)).Text()}));
  }
  if (!absl::ConsumePrefix(&form, "[")) return SchemaOfChoice(form, bounds, empty);
  absl::ConsumeSuffix(&form, "]");
  std::vector<absl::string_view> parts = absl::StrSplit(form, ", ");
  const bool is_endless = parts.back() == "...";
  if (is_endless) parts.pop_back();
  return SequenceOf(parts.back(), empty, is_endless, static_cast<int>(parts.size()));
}

}  // namespace onhook
