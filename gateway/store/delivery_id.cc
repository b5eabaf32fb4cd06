#include "gateway/store/delivery_id.h"

#include <limits>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

// Takes a decimal number from 1 to `max`, without leading zero, off the front of `text`.
bool TakeNumber(absl::string_view& text, uint64_t max, uint64_t& number) {
  if (text.empty() || text[0] < '1' || text[0] > '9') return false;
  number = 0;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    const uint64_t digit = static_cast<uint64_t>(text[0] - '0');
    if (number > (max - digit) / 10) return false;
    number = number * 10 + digit;
    text.remove_prefix(1);
  }
  return true;
}

bool TakeHex(absl::string_view& text, uint64_t& number) {
  if (text.size() < 16) return false;
  number = 0;
  for (const char c : text.substr(0, 16)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return false;
    number = number * 16 + static_cast<uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  text.remove_prefix(16);
  return true;
}

bool TakeDash(absl::string_view& text) {
  if (text.empty() || text[0] != '-') return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string DeliveryId::ToText() const {
  return absl::StrCat(absl::Hex(epoch, absl::kZeroPad16), "-", sequence, "-", lease);
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
