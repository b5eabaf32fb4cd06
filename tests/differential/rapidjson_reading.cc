#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <string>

#include "tests/differential/json_reading.h"

namespace onhook {
namespace {

// Full precision counts for nothing as long as numbers stay texts; it stands here so that the
// reader is as strict as it can be.
constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseFullPrecisionFlag |
                            rapidjson::kParseNumbersAsStringsFlag |
                            rapidjson::kParseValidateEncodingFlag;

class Handler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
 public:
  // The bracket of an event, opening or closing, has not been taken yet.
  Handler(absl::string_view text, const rapidjson::MemoryStream* stream)
      : builder_(text), stream_(stream) {}

  bool Null() {
    builder_.Null();
    return true;
  }
  bool Bool(bool value) {
    builder_.Literal(value ? "true" : "false");
    return true;
  }
  // Not from its own copy, so that a number it shortens would be seen.
  bool RawNumber(const char*, rapidjson::SizeType, bool) {
    builder_.NumberBefore(stream_->Tell());
    return true;
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    builder_.String(absl::string_view(text, size));
    return true;
  }
  bool StartObject() {
    builder_.Open(stream_->Tell(), true);
    return true;
  }
  bool Key(const char* name, rapidjson::SizeType size, bool) {
    builder_.Name(absl::string_view(name, size));
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    builder_.Close(stream_->Tell() + 1);
    return true;
  }
  bool StartArray() {
    builder_.Open(stream_->Tell(), false);
    return true;
  }
  bool EndArray(rapidjson::SizeType) {
    builder_.Close(stream_->Tell() + 1);
    return true;
  }

  JsonReading Take(const rapidjson::ParseResult& result) {
    const bool accepted = !result.IsError();
    return builder_.Take(accepted, accepted ? "" : rapidjson::GetParseError_En(result.Code()));
  }

 private:
  ReadingBuilder builder_;
  const rapidjson::MemoryStream* const stream_;
};

size_t DigitsAt(absl::string_view text, size_t at) {
  at = std::min(at, text.size());
  const size_t end = text.find_first_not_of("0123456789", at);
  return (end == text.npos ? text.size() : end) - at;
}

// Of the number at `begin`, by RFC 8259, section 6: the longest there is.
size_t NumberSize(absl::string_view text, size_t begin) {
  size_t end = begin + (text[begin] == '-' ? 1 : 0);
  end += DigitsAt(text, end);
  if (end < text.size() && text[end] == '.') {
    const size_t digits = DigitsAt(text, end + 1);
    end += digits > 0 ? 1 + digits : 0;
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    const bool is_signed = end + 1 < text.size() && (text[end + 1] == '+' || text[end + 1] == '-');
    const size_t prefix = is_signed ? 2 : 1;
    const size_t digits = DigitsAt(text, end + prefix);
    end += digits > 0 ? prefix + digits : 0;
  }
  return end - begin;
}

}  // namespace

JsonReading ReadByRapidJson(absl::string_view text) {
  std::string bearable(text);
  while (true) {
    rapidjson::MemoryStream stream(bearable.data(), bearable.size());
    Handler handler(text, &stream);
    rapidjson::Reader reader;
    const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, handler);
    if (result.Code() != rapidjson::kParseErrorNumberTooBig) return handler.Take(result);
    MakeNumberSmall(result.Offset(), NumberSize(bearable, result.Offset()), bearable);
  }
}

}  // namespace onhook
