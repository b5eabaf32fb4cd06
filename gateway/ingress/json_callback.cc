#include "gateway/ingress/json_callback.h"

#include <simdjson.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gateway/ingress/field_collector.h"

namespace onhook {
namespace {

namespace ondemand = simdjson::ondemand;

// Bodies up to this size are read with what the thread has kept; the vendor's have 400 to 700
// bytes. What a larger one needs is given back at once.
constexpr size_t kKeptBodyBytes = 8 * 1024;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// White space as JSON has it. C's has more, which would make a malformed value a good one.
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

absl::string_view WithoutTrailingSpace(absl::string_view text) {
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

size_t SkipDigits(absl::string_view text, size_t at) {
  while (at < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

// RFC 8259's grammar of numbers. simdjson checks it only where it converts, and a conversion would
// refuse numbers that are merely large.
bool IsJsonNumber(absl::string_view text) {
  size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
  const size_t integer = at;
  at = SkipDigits(text, at);
  if (at == integer || (text[integer] == '0' && at > integer + 1)) return false;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = at + 1;
    at = SkipDigits(text, fraction);
    if (at == fraction) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t exponent = at;
    at = SkipDigits(text, exponent);
    if (at == exponent) return false;
  }
  return at == text.size();
}

absl::string_view Wording(simdjson::error_code code) {
  switch (code) {
    case simdjson::STRING_ERROR:
      return "malformed JSON: a wrong escape sequence or half a surrogate pair";
    case simdjson::UNESCAPED_CHARS:
      return "malformed JSON: a control character in a string is not escaped";
    case simdjson::UNCLOSED_STRING:
      return "malformed JSON: a string has no end";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "malformed JSON: an object or array has no end";
    default:
      return "malformed JSON";
  }
}

// Reads one body after the other, keeping parser and buffer: building them costs more than a
// callback's reading.
class JsonReader {
 public:
  absl::StatusOr<VendorFields> Read(absl::string_view body, size_t start,
                                    const Settings::CallbackLimits& limits);

 private:
  // simdjson reads past the end, so the text must lie in front of some padding.
  simdjson::padded_string_view Padded(absl::string_view text);
  absl::Status ReadFields(FieldCollector& fields);
  absl::Status ReadField(ondemand::field& field, FieldCollector& fields);
  // What a string says, or the text as it is, written to `room_`.
  simdjson::simdjson_result<std::string_view> Unescaped(ondemand::raw_json_string string) {
    return parser_.unescape(string, room_);
  }
  absl::string_view Copied(absl::string_view text);
  // Walks through a nested value to check it. `depth`: how many objects and arrays are around it.
  absl::Status Check(ondemand::value value, size_t depth);
  absl::Status CheckScalar(ondemand::value value);
  absl::Status CheckObject(ondemand::object object, size_t depth);
  absl::Status CheckArray(ondemand::array array, size_t depth);
  // What was sent of a value that begins at `begin` and has been walked through to its end.
  absl::StatusOr<absl::string_view> TextSince(const char* begin);
  absl::Status Malformed(simdjson::error_code code);

  ondemand::parser parser_;
  ondemand::document document_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  uint8_t* room_ = nullptr;  // where the next text of a field goes
  size_t start_ = 0;
  size_t max_nesting_ = 0;
};

absl::StatusOr<VendorFields> JsonReader::Read(absl::string_view body, size_t start,
                                              const Settings::CallbackLimits& limits) {
  start_ = start;
  max_nesting_ = limits.max_nesting;
  FieldCollector fields(limits.max_fields);
  // No text is longer than what it was read from, and simdjson writes past the end of each.
  room_ = reinterpret_cast<uint8_t*>(fields.MakeRoom(body.size() + simdjson::SIMDJSON_PADDING));
  if (const auto code = parser_.iterate(Padded(body.substr(start))).get(document_)) {
    return absl::InvalidArgumentError(Wording(code));
  }
  if (absl::Status status = ReadFields(fields); !status.ok()) return status;
  return fields.Take();
}

simdjson::padded_string_view JsonReader::Padded(absl::string_view text) {
  const size_t needed = text.size() + simdjson::SIMDJSON_PADDING;
  if (needed > capacity_) {
    buffer_ = std::make_unique<char[]>(needed);
    capacity_ = needed;
  }
  std::memcpy(buffer_.get(), text.data(), text.size());
  std::memset(buffer_.get() + text.size(), ' ', simdjson::SIMDJSON_PADDING);
  return simdjson::padded_string_view(buffer_.get(), text.size(), capacity_);
}

absl::Status JsonReader::ReadFields(FieldCollector& fields) {
  ondemand::object object;
  if (const auto code = document_.get_object().get(object)) return Malformed(code);
  for (auto result : object) {
    ondemand::field field;
    if (const auto code = std::move(result).get(field)) return Malformed(code);
    if (absl::Status status = ReadField(field, fields); !status.ok()) return status;
  }
  const bool at_end = document_.current_location().error() == simdjson::OUT_OF_BOUNDS;
  if (!at_end) return Malformed(simdjson::TRAILING_CONTENT);
  return absl::OkStatus();
}

absl::Status JsonReader::ReadField(ondemand::field& field, FieldCollector& fields) {
  std::string_view name;
  if (const auto code = Unescaped(field.key()).get(name)) return Malformed(code);
  ondemand::value& value = field.value();
  ondemand::json_type type;
  if (const auto code = value.type().get(type)) return Malformed(code);

  if (type == ondemand::json_type::string) {
    ondemand::raw_json_string string;
    if (const auto code = value.get_raw_json_string().get(string)) return Malformed(code);
    std::string_view text;
    if (const auto code = Unescaped(string).get(text)) return Malformed(code);
    return fields.Add(View(name), View(text));
  }
  const absl::string_view token = View(value.raw_json_token());
  if (type == ondemand::json_type::object || type == ondemand::json_type::array) {
    if (absl::Status status = Check(value, 1); !status.ok()) return status;
    const absl::StatusOr<absl::string_view> text = TextSince(token.data());
    return text.ok() ? fields.Add(View(name), Copied(*text)) : text.status();
  }
  if (absl::Status status = CheckScalar(value); !status.ok()) return status;
  if (type == ondemand::json_type::null) return fields.Add(View(name), absl::nullopt);
  return fields.Add(View(name), Copied(WithoutTrailingSpace(token)));
}

absl::string_view JsonReader::Copied(absl::string_view text) {
  char* const copy = reinterpret_cast<char*>(room_);
  std::memcpy(copy, text.data(), text.size());
  room_ += text.size();
  return absl::string_view(copy, text.size());
}

absl::Status JsonReader::Check(ondemand::value value, size_t depth) {
  ondemand::json_type type;
  if (const auto code = value.type().get(type)) return Malformed(code);
  switch (type) {
    case ondemand::json_type::object: {
      ondemand::object object;
      if (const auto code = value.get_object().get(object)) return Malformed(code);
      return CheckObject(object, depth + 1);
    }
    case ondemand::json_type::array: {
      ondemand::array array;
      if (const auto code = value.get_array().get(array)) return Malformed(code);
      return CheckArray(array, depth + 1);
    }
    case ondemand::json_type::string: {
      std::string_view text;
      if (const auto code = value.get_string().get(text)) return Malformed(code);
      return absl::OkStatus();
    }
    default:
      return CheckScalar(value);
  }
}

absl::Status JsonReader::CheckScalar(ondemand::value value) {
  const absl::string_view token = WithoutTrailingSpace(View(value.raw_json_token()));
  if (token == "null" || token == "true" || token == "false" || IsJsonNumber(token)) {
    return absl::OkStatus();
  }
  return Malformed(simdjson::INCORRECT_TYPE);
}

absl::Status JsonReader::CheckObject(ondemand::object object, size_t depth) {
  if (depth > max_nesting_) return Malformed(simdjson::DEPTH_ERROR);
  for (auto result : object) {
    ondemand::field field;
    if (const auto code = std::move(result).get(field)) return Malformed(code);
    std::string_view name;
    if (const auto code = field.unescaped_key().get(name)) return Malformed(code);
    if (absl::Status status = Check(field.value(), depth); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status JsonReader::CheckArray(ondemand::array array, size_t depth) {
  if (depth > max_nesting_) return Malformed(simdjson::DEPTH_ERROR);
  for (auto result : array) {
    ondemand::value value;
    // NOLINTNEXTLINE(performance-move-const-arg): get() takes only what is moved
    if (const auto code = std::move(result).get(value)) return Malformed(code);
    if (absl::Status status = Check(value, depth); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::string_view> JsonReader::TextSince(const char* begin) {
  const char* next_token = nullptr;
  if (const auto code = document_.current_location().get(next_token)) return Malformed(code);
  return WithoutTrailingSpace(absl::string_view(begin, static_cast<size_t>(next_token - begin)));
}

absl::Status JsonReader::Malformed(simdjson::error_code code) {
  std::string message = code == simdjson::DEPTH_ERROR
                            ? absl::StrCat("the JSON is nested more than ", max_nesting_, " deep")
                        : code == simdjson::TRAILING_CONTENT
                            ? "something stands behind the JSON object"
                            : std::string(Wording(code));
  const char* at = nullptr;
  if (document_.current_location().get(at) == simdjson::SUCCESS) {
    absl::StrAppend(&message, ", near byte ", start_ + static_cast<size_t>(at - buffer_.get()));
  }
  return absl::InvalidArgumentError(message);
}

}  // namespace

absl::StatusOr<VendorFields> ParseJsonCallback(absl::string_view body, size_t start,
                                               const Settings::CallbackLimits& limits) {
  if (body.size() > kKeptBodyBytes) return JsonReader().Read(body, start, limits);
  thread_local JsonReader reader;
  return reader.Read(body, start, limits);
}

}  // namespace onhook
