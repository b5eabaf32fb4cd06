#include "gateway/event/traceparent.h"

#include <algorithm>

namespace onhook {
namespace {

bool IsLowerHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsAllZeros(absl::string_view text) {
  return text.find_first_not_of('0') == absl::string_view::npos;
}

}  // namespace

bool IsValidTraceparent(absl::string_view header) {
  constexpr size_t kSize = 55;
  if (header.size() != kSize || header.substr(0, 3) != "00-") return false;
  if (header[35] != '-' || header[52] != '-') return false;
  const absl::string_view trace = header.substr(3, 32);
  const absl::string_view parent = header.substr(36, 16);
  const absl::string_view flags = header.substr(53, 2);
  return IsLowerHex(trace) && IsLowerHex(parent) && IsLowerHex(flags) && !IsAllZeros(trace) &&
         !IsAllZeros(parent);
}

}  // namespace onhook
