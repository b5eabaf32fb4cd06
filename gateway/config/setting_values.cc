#include "gateway/config/setting_values.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gateway/base/text.h"

namespace onhook {
namespace {

constexpr size_t kMaxHostLength = 253;  // of a name in the DNS
constexpr size_t kMaxDigits = 9;

struct Unit {
  absl::string_view name;
  int64_t size;
};

// From the largest to the smallest: a value is written in the first that leaves no rest.
constexpr Unit kDurationUnits[] = {  // in milliseconds
    {"d", 86'400'000},
    {"h", 3'600'000},
    {"m", 60'000},
    {"s", 1'000},
    {"ms", 1}};
constexpr Unit kByteUnits[] = {
    {"TiB", 1LL << 40}, {"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10}, {"B", 1}};

bool IsNumber(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxDigits &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// A number and one of `units`, as a multiple of the units' base; -1 if it is anything else.
template <size_t kCount>
int64_t ParseWithUnit(absl::string_view text, const Unit (&units)[kCount]) {
  const auto* first_letter = std::find_if_not(text.begin(), text.end(), absl::ascii_isdigit);
  const absl::string_view digits = text.substr(0, first_letter - text.begin());
  const absl::string_view name = text.substr(digits.size());
  const auto* unit = std::find_if(std::begin(units), std::end(units),
                                  [&](const Unit& candidate) { return candidate.name == name; });
  int64_t number = 0;
  if (!IsNumber(digits) || unit == std::end(units) || !absl::SimpleAtoi(digits, &number)) return -1;
  if (number > std::numeric_limits<int64_t>::max() / unit->size) return -1;
  return number * unit->size;
}

template <size_t kCount>
std::string FormatWithUnit(int64_t value, const Unit (&units)[kCount], absl::string_view zero) {
  if (value == 0) return std::string(zero);
  const auto* unit = std::find_if(std::begin(units), std::end(units), [&](const Unit& candidate) {
    return value % candidate.size == 0;
  });
  return absl::StrCat(value / unit->size, unit->name);
}

bool IsAddress(int family, const std::string& host) {
  in6_addr address;
  return inet_pton(family, host.c_str(), &address) == 1;
}

// An IPv4 address, or a name that could not be taken for one.
bool IsHost(const std::string& host) {
  const auto is_name_char = [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '.'; };
  const auto is_number_char = [](char c) { return absl::ascii_isdigit(c) || c == '.'; };
  if (host.empty() || host.size() > kMaxHostLength) return false;
  if (std::all_of(host.begin(), host.end(), is_number_char)) return IsAddress(AF_INET, host);
  return std::all_of(host.begin(), host.end(), is_name_char) && absl::ascii_isalnum(host.front()) &&
         absl::ascii_isalnum(host.back());
}

}  // namespace

std::string QuotedValue(absl::string_view value) {
  constexpr size_t kLongest = 80;
  const bool is_cut = value.size() > kLongest;
  std::string quoted;
  AppendJsonString(value.substr(0, kLongest), quoted);
  return is_cut ? absl::StrCat(quoted, "...") : quoted;
}

absl::StatusOr<HostPort> ParseHostPort(absl::string_view text) {
  const absl::Status wrong = absl::InvalidArgumentError(
      "must be HOST:PORT, or [HOST]:PORT for IPv6, with a port from 0 to 65535, for instance "
      "127.0.0.1:8080");
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return wrong;
  absl::string_view host = text.substr(0, colon);
  const absl::string_view digits = text.substr(colon + 1);
  const bool bracketed = absl::ConsumePrefix(&host, "[");
  if (bracketed && !absl::ConsumeSuffix(&host, "]")) return wrong;

  HostPort address{std::string(host), 0};
  if (!(bracketed ? IsAddress(AF_INET6, address.host) : IsHost(address.host))) return wrong;
  if (!IsNumber(digits) || !absl::SimpleAtoi(digits, &address.port)) return wrong;
  if (address.port > std::numeric_limits<uint16_t>::max()) return wrong;
  return address;
}

std::string FormatHostPort(const HostPort& address) {
  const bool is_ipv6 = absl::StrContains(address.host, ':');
  return is_ipv6 ? absl::StrCat("[", address.host, "]:", address.port)
                 : absl::StrCat(address.host, ":", address.port);
}

bool IsLoopback(const HostPort& address) {
  if (absl::EqualsIgnoreCase(address.host, "localhost")) return true;
  in_addr four;
  if (inet_pton(AF_INET, address.host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  in6_addr six;
  return inet_pton(AF_INET6, address.host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

absl::StatusOr<absl::Duration> ParseDurationValue(absl::string_view text) {
  const int64_t milliseconds = ParseWithUnit(text, kDurationUnits);
  if (milliseconds < 0) {
    return absl::InvalidArgumentError(
        "must be a whole number with its unit, ms, s, m, h or d, for instance 500ms");
  }
  return absl::Milliseconds(milliseconds);
}

std::string FormatDurationValue(absl::Duration duration) {
  return FormatWithUnit(absl::ToInt64Milliseconds(duration), kDurationUnits, "0s");
}

absl::StatusOr<size_t> ParseByteCount(absl::string_view text) {
  const int64_t bytes = ParseWithUnit(text, kByteUnits);
  if (bytes <= 0) {
    return absl::InvalidArgumentError(
        "must be a whole number from 1 with its unit, B, KiB, MiB, GiB or TiB, for instance 64KiB");
  }
  return static_cast<size_t>(bytes);
}

std::string FormatByteCount(size_t bytes) {
  return FormatWithUnit(static_cast<int64_t>(bytes), kByteUnits, "0B");
}

absl::StatusOr<int64_t> ParseWholeNumber(absl::string_view text) {
  int64_t number = 0;
  if (!IsNumber(text) || !absl::SimpleAtoi(text, &number)) {
    return absl::InvalidArgumentError("must be a whole number");
  }
  return number;
}

absl::StatusOr<bool> ParseBoolean(absl::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return absl::InvalidArgumentError("must be true or false");
}

std::string FormatBoolean(bool value) { return value ? "true" : "false"; }

absl::StatusOr<std::string> ParsePath(absl::string_view text) {
  if (text.empty() || absl::StrContains(text, '\0')) {
    return absl::InvalidArgumentError("must be a path");
  }
  return std::string(text);
}

}  // namespace onhook
