#include "gateway/event/vendor_time.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace onhook {
namespace {

// What a protobuf Timestamp and a protobuf Duration can hold, in seconds.
constexpr int64_t kEarliestSecond = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kLatestSecond = 253402300799;    // 9999-12-31T23:59:59Z
constexpr int64_t kLongestSeconds = 315576000000;

// Whether all but the digits of `0000/00/00,00:00:00:000` is in its place.
bool HasTimeForm(absl::string_view text) {
  return text.size() == 23 && text[4] == '/' && text[7] == '/' && text[10] == ',' &&
         text[13] == ':' && text[16] == ':' && text[19] == ':';
}

// The number whose digits are at these places. Clears `digits` if one of them is none.
template <size_t... kPlaces>
int Number(absl::string_view text, bool& digits) {
  int number = 0;
  ((digits &= text[kPlaces] >= '0' && text[kPlaces] <= '9',
    number = number * 10 + (text[kPlaces] - '0')),
   ...);
  return number;
}

// Whether there is such a day and such a second in it. A civil second would correct them:
// 2022/02/30 would become the 2nd of March.
bool Exists(int year, int month, int day, int hour, int minute, int second) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return false;
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

// Nothing, for a time that the zone leaves out.
absl::optional<int64_t> UnixSecond(absl::CivilSecond civil, absl::TimeZone zone) {
  // The default zone, and a callback has seven times: no search for changes that it does not have.
  if (zone == absl::UTCTimeZone()) return civil - absl::CivilSecond();
  const absl::TimeZone::TimeInfo info = zone.At(civil);
  if (info.kind == absl::TimeZone::TimeInfo::SKIPPED) return absl::nullopt;
  return absl::ToUnixSeconds(info.pre);
}

}  // namespace

absl::optional<absl::Time> ParseVendorTime(absl::string_view text, absl::TimeZone zone) {
  if (!HasTimeForm(text)) return absl::nullopt;
  bool digits = true;
  const int year = Number<0, 1, 2, 3>(text, digits);
  const int month = Number<5, 6>(text, digits);
  const int day = Number<8, 9>(text, digits);
  const int hour = Number<11, 12>(text, digits);
  const int minute = Number<14, 15>(text, digits);
  const int second = Number<17, 18>(text, digits);
  const int millisecond = Number<20, 21, 22>(text, digits);
  if (!digits) return absl::nullopt;
  if (!Exists(year, month, day, hour, minute, second)) return absl::nullopt;
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  const absl::optional<int64_t> unix_second = UnixSecond(civil, zone);
  if (!unix_second.has_value() || *unix_second < kEarliestSecond || *unix_second > kLatestSecond) {
    return absl::nullopt;
  }
  return absl::FromUnixSeconds(*unix_second) + absl::Milliseconds(millisecond);
}

std::string FormatVendorTime(absl::Time time, absl::TimeZone zone) {
  const std::string form = absl::FormatTime("%E4Y/%m/%d,%H:%M:%E3S", time, zone);
  // The vendor puts a colon before the milliseconds.
  return absl::StrCat(form.substr(0, form.size() - 4), ":", form.substr(form.size() - 3));
}

absl::optional<absl::Duration> ParseVendorDuration(absl::string_view text) {
  int64_t seconds = 0;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return absl::nullopt;
    seconds = seconds * 10 + (c - '0');
    if (seconds > kLongestSeconds) return absl::nullopt;
  }
  if (text.empty() || (text[0] == '0' && text.size() > 1)) return absl::nullopt;
  return absl::Seconds(seconds);
}

std::string FormatVendorDuration(absl::Duration duration) {
  return absl::StrCat(absl::ToInt64Seconds(duration));
}

}  // namespace onhook
