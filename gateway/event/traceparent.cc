#include "gateway/event/traceparent.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

constexpr size_t kSize = 55;  // of version 00; later ones may go on

bool IsLowerHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsAllZeros(absl::string_view text) {
  return text.find_first_not_of('0') == absl::string_view::npos;
}

// The lowest bit of a hexadecimal digit.
bool IsOdd(char digit) {
  return absl::string_view("13579bdf").find(digit) != absl::string_view::npos;
}

}  // namespace

std::string ReadTraceparent(absl::string_view header) {
  if (header.size() < kSize) return "";
  const absl::string_view version = header.substr(0, 2);
  const absl::string_view trace = header.substr(3, 32);
  const absl::string_view parent = header.substr(36, 16);
  const absl::string_view flags = header.substr(53, 2);
  if (header[2] != '-' || header[35] != '-' || header[52] != '-') return "";
  if (!IsLowerHex(version) || !IsLowerHex(trace) || !IsLowerHex(parent) || !IsLowerHex(flags) ||
      IsAllZeros(trace) || IsAllZeros(parent)) {
    return "";
  }
  if (version == "00") return header.size() == kSize ? std::string(header) : "";
  if (version == "ff" || (header.size() > kSize && header[kSize] != '-')) return "";
  return absl::StrCat("00-", trace, "-", parent, IsOdd(flags[1]) ? "-01" : "-00");
}

}  // namespace onhook
