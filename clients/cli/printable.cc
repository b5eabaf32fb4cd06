#include "clients/cli/printable.h"

#include <cstdint>

#include "absl/strings/str_format.h"
#include "gateway/base/text.h"

namespace onhook::cli {
namespace {

bool IsControl(uint32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

bool TurnsDirection(uint32_t c) {
  return c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

// Line and paragraph separator.
bool BreaksLine(uint32_t c) { return c == 0x2028 || c == 0x2029; }

size_t LengthByLead(uint8_t lead) {
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

uint32_t Decode(absl::string_view sequence) {
  const uint8_t lead = static_cast<uint8_t>(sequence[0]);
  if (sequence.size() == 1) return lead;
  uint32_t c = lead & (0x7F >> sequence.size());
  for (const char next : sequence.substr(1)) c = c << 6 | (static_cast<uint8_t>(next) & 0x3F);
  return c;
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string result;
  while (!text.empty()) {
    const uint8_t lead = static_cast<uint8_t>(text[0]);
    const absl::string_view sequence = text.substr(0, LengthByLead(lead));
    if (!IsValidUtf8(sequence)) {
      absl::StrAppendFormat(&result, "\\x%02X", lead);
      text.remove_prefix(1);
      continue;
    }
    const uint32_t c = Decode(sequence);
    if (c == '\n') {
      result.append("\\n");
    } else if (IsControl(c) && c < 0x80) {
      absl::StrAppendFormat(&result, "\\x%02X", c);
    } else if (IsControl(c) || TurnsDirection(c) || BreaksLine(c)) {
      absl::StrAppendFormat(&result, "\\u{%04X}", c);
    } else {
      result.append(sequence.data(), sequence.size());
    }
    text.remove_prefix(sequence.size());
  }
  return result;
}

}  // namespace onhook::cli
