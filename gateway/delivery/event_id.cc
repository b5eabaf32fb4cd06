#include "gateway/delivery/event_id.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/strip.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/event/event_identity.h"

namespace onhook {
namespace {

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isxdigit(c); });
}

std::string PercentDecoded(absl::string_view text) {
  std::string decoded;
  while (!text.empty()) {
    if (text[0] == '%' && text.size() >= 3 && IsHex(text.substr(1, 2))) {
      decoded.append(absl::HexStringToBytes(text.substr(1, 2)));
      text.remove_prefix(3);
    } else {
      decoded.push_back(text[0]);
      text.remove_prefix(1);
    }
  }
  return decoded;
}

}  // namespace

absl::StatusOr<EventIdParts> ParseEventId(absl::string_view event_id) {
  constexpr size_t kHexSize = 2 * kEventDigestSize;
  absl::string_view rest = event_id;
  if (absl::ConsumePrefix(&rest, "v1-") && rest.size() > kHexSize + 1 && rest[kHexSize] == '-' &&
      IsHex(rest.substr(0, kHexSize))) {
    EventIdParts parts{absl::HexStringToBytes(rest.substr(0, kHexSize)),
                       PercentDecoded(rest.substr(kHexSize + 1))};
    if (EventId(parts.digest, parts.call_serial_no) == event_id) return parts;
  }
  return InvalidField("event_id", "is not of the form v1-<32 hex digits>-<callSerialNo>");
}

}  // namespace onhook
