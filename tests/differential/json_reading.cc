#include "tests/differential/json_reading.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "gateway/base/text.h"
#include "gateway/ingress/callback_parser.h"
#include "gateway/ingress/json_callback.h"

namespace onhook {
namespace {

constexpr absl::string_view kNumberCharacters = "+-.0123456789eE";
constexpr absl::string_view kWhiteSpace = " \t\r\n";

JsonReading ReadingOf(const absl::StatusOr<VendorFields>& fields) {
  JsonReading reading;
  reading.accepted = reading.is_object = fields.ok();
  if (!fields.ok()) reading.error = std::string(fields.status().message());
  for (size_t i = 0; fields.ok() && i < fields->size(); ++i) {
    std::optional<std::string> value;
    if ((*fields)[i].value.has_value()) value = std::string(*(*fields)[i].value);
    reading.words.emplace_back(std::string((*fields)[i].name), value);
  }
  return reading;
}

}  // namespace

JsonReading ReadByUs(absl::string_view body) {
  const size_t start = absl::StartsWith(body, "\xEF\xBB\xBF") ? 3 : 0;
  const size_t brace = body.find_first_not_of(kWhiteSpace, start);
  const size_t first =
      brace == body.npos ? body.npos : body.find_first_not_of(kWhiteSpace, brace + 1);
  // What ParseCallback takes for a Java map goes to the other parser as well, which must refuse it.
  const bool is_java_map = first != body.npos && body[brace] == '{' && body[first] != '"' &&
                           body[first] != '}' && IsValidUtf8(body);
  return ReadingOf(is_java_map ? ParseJsonCallback(body, brace) : ParseCallback(body));
}

void ReadingBuilder::Name(absl::string_view name) {
  if (depth_ == 1) name_ = std::string(name);
}

void ReadingBuilder::String(absl::string_view decoded) { Value(std::string(decoded)); }

void ReadingBuilder::NumberBefore(size_t end) {
  size_t begin = end;
  while (begin > 0 && absl::StrContains(kNumberCharacters, text_[begin - 1])) --begin;
  Value(std::string(text_.substr(begin, end - begin)));
}

void ReadingBuilder::Literal(absl::string_view literal) { Value(std::string(literal)); }

void ReadingBuilder::Null() { Value(std::nullopt); }

void ReadingBuilder::Open(size_t at, bool is_object) {
  if (depth_ == 0) reading_.is_object = is_object;
  if (depth_ == 1) nested_begin_ = at;
  ++depth_;
  reading_.depth = std::max(reading_.depth, depth_);
}

void ReadingBuilder::Close(size_t end) {
  --depth_;
  if (depth_ == 1) Value(std::string(text_.substr(nested_begin_, end - nested_begin_)));
}

void ReadingBuilder::Value(std::optional<std::string> text) {
  if (depth_ == 1) reading_.words.emplace_back(name_, std::move(text));
}

JsonReading ReadingBuilder::Take(bool accepted, std::string error) {
  reading_.accepted = accepted;
  reading_.error = std::move(error);
  return std::move(reading_);
}

void MakeNumberSmall(size_t begin, size_t size, std::string& text) {
  text.replace(begin, size, std::string(size, '0'));
  // So that nothing that stands behind it could go on with it.
  text[begin + 1] = 'e';
}

}  // namespace onhook
