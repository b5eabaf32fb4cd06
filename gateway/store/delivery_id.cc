#include "gateway/store/delivery_id.h"

#include <charconv>
#include <limits>

namespace onhook {
namespace {

constexpr size_t kHexDigits = 16;
constexpr size_t kMostDigits = 20;  // of a number of 64 bits

// Takes a decimal number from 1 to `max`, of 63 bits at most, without leading zero, off the front
// of `text`.
bool TakeNumber(absl::string_view& text, uint64_t max, uint64_t& number) {
  if (text.empty() || text[0] < '1' || text[0] > '9') return false;
  number = 0;
  size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    if (digits == kMostDigits - 1) return false;  // larger than any `max`
    number = number * 10 + static_cast<uint64_t>(text[digits] - '0');
  }
  text.remove_prefix(digits);
  return number <= max;
}

bool TakeHex(absl::string_view& text, uint64_t& number) {
  if (text.size() < kHexDigits) return false;
  number = 0;
  for (const char c : text.substr(0, kHexDigits)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return false;
    number = number * 16 + static_cast<uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  text.remove_prefix(kHexDigits);
  return true;
}

bool TakeDash(absl::string_view& text) {
  if (text.empty() || text[0] != '-') return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string DeliveryId::ToText() const {
  // Every delivery to every subscriber makes one: in one piece, so that it takes memory once.
  char text[kHexDigits + 2 * (1 + kMostDigits)];
  for (size_t i = 0; i < kHexDigits; ++i) {
    text[i] = "0123456789abcdef"[epoch >> (4 * (kHexDigits - 1 - i)) & 0xF];
  }
  char* end = text + kHexDigits;
  *end++ = '-';
  end = std::to_chars(end, end + kMostDigits, sequence).ptr;
  *end++ = '-';
  end = std::to_chars(end, end + kMostDigits, lease).ptr;
  return {text, end};
}

std::optional<DeliveryId> DeliveryId::FromText(absl::string_view text) {
  DeliveryId id;
  uint64_t sequence = 0;
  const bool valid =
      TakeHex(text, id.epoch) && TakeDash(text) &&
      TakeNumber(text, std::numeric_limits<int64_t>::max(), sequence) && TakeDash(text) &&
      TakeNumber(text, std::numeric_limits<int64_t>::max(), id.lease) && text.empty();
  if (!valid) return std::nullopt;
  id.sequence = static_cast<Sequence>(sequence);
  return id;
}

}  // namespace onhook
