#include "gateway/base/text.h"

#include <cstdint>

#include "absl/strings/str_format.h"

namespace onhook {
namespace {

// Length of the valid UTF-8 sequence at the start of `text` (not empty), 0 if there is none.
size_t SequenceLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) > 0x9F;
  const bool too_large = lead == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || too_large ? 0 : length;
}

// A control character of two bytes, or a line's end of three; 0: `text` begins with neither.
uint32_t LongControl(absl::string_view text, size_t length) {
  const auto byte = [&](size_t at) {
    return static_cast<uint32_t>(static_cast<uint8_t>(text[at]));
  };
  if (length == 2 && byte(0) == 0xC2 && byte(1) < 0xA0) return byte(1);
  if (length == 3 && byte(0) == 0xE2 && byte(1) == 0x80 && (byte(2) & 0xFE) == 0xA8) {
    return 0x2000 | (byte(2) & 0x3F);
  }
  return 0;
}

void AppendEscaped(absl::string_view text, absl::string_view also_escaped, std::string& out) {
  while (!text.empty()) {
    const unsigned char c = static_cast<unsigned char>(text[0]);
    const size_t length = SequenceLength(text);
    if (length == 0) {
      out.append("\xEF\xBF\xBD");
    } else if (also_escaped.find(text[0]) != absl::string_view::npos) {
      out.push_back('\\');
      out.push_back(text[0]);
    } else if (c < 0x20 || c == 0x7F) {
      absl::StrAppendFormat(&out, "\\u%04x", c);
    } else if (const uint32_t control = LongControl(text, length); control != 0) {
      absl::StrAppendFormat(&out, "\\u%04x", control);
    } else {
      out.append(text.data(), length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

}  // namespace

void AppendJsonString(absl::string_view text, std::string& out) {
  out.push_back('"');
  AppendEscaped(text, "\"\\", out);
  out.push_back('"');
}

void AppendPrintable(absl::string_view text, std::string& out) { AppendEscaped(text, "", out); }

bool IsValidUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

size_t CountCodePoints(absl::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<uint8_t>(c) & 0xC0) != 0x80;
  return count;
}

absl::string_view FirstCodePoints(absl::string_view text, size_t most) {
  size_t seen = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const bool begins_one = (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
    if (begins_one && ++seen > most) return text.substr(0, at);
  }
  return text;
}

}  // namespace onhook
