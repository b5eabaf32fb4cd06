#include "clients/cli/time_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "gateway/config/setting_values.h"

namespace onhook::cli {

std::string TimeText(const google::protobuf::Timestamp& time) {
  const absl::Time moment = absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", moment, absl::UTCTimeZone());
}

std::string AgeText(const google::protobuf::Duration& age) {
  const int64_t seconds = age.seconds();
  const int64_t minutes = seconds / 60;
  const int64_t hours = minutes / 60;
  if (minutes == 0) return absl::StrCat(seconds, "s");
  if (hours == 0) return absl::StrFormat("%dm%02ds", minutes, seconds % 60);
  if (hours < 24) return absl::StrFormat("%dh%02dm", hours, minutes % 60);
  return absl::StrFormat("%dd%02dh", hours / 24, hours % 24);
}

std::string DurationText(const google::protobuf::Duration& duration) {
  return FormatDurationValue(absl::Seconds(duration.seconds()) +
                             absl::Nanoseconds(duration.nanos()));
}

}  // namespace onhook::cli
