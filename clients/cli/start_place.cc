#include "clients/cli/start_place.h"

#include <string>

#include "gateway/config/setting_values.h"

namespace onhook::cli {

absl::StatusOr<google::protobuf::Timestamp> ParseMoment(absl::string_view text, absl::Time now) {
  absl::Time time;
  std::string error;
  if (const absl::StatusOr<absl::Duration> ago = ParseDurationValue(text); ago.ok()) {
    time = now - *ago;
  } else if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return absl::InvalidArgumentError(
        "must be a time like 2022-02-22T10:00:00Z, or an age like 10m or 7d");
  }
  // Protobuf's range.
  const absl::Time first = absl::FromUnixSeconds(-62135596800);
  const absl::Time last = absl::FromUnixSeconds(253402300799);
  if (time < first || time > last) {
    return absl::InvalidArgumentError("must lie in the years 1 to 9999");
  }
  const absl::Duration since_epoch = time - absl::UnixEpoch();
  const int64_t seconds = absl::ToInt64Seconds(absl::Floor(since_epoch, absl::Seconds(1)));
  google::protobuf::Timestamp moment;
  moment.set_seconds(seconds);
  moment.set_nanos(
      static_cast<int32_t>((since_epoch - absl::Seconds(seconds)) / absl::Nanoseconds(1)));
  return moment;
}

absl::Status SetStart(absl::string_view from, absl::Time now, v1::WatchRequest& request) {
  if (from == "earliest" || from == "latest") {
    request.set_position(from == "earliest" ? v1::START_POSITION_EARLIEST
                                            : v1::START_POSITION_LATEST);
    return absl::OkStatus();
  }
  const absl::StatusOr<google::protobuf::Timestamp> moment = ParseMoment(from, now);
  if (!moment.ok()) {
    return absl::InvalidArgumentError(
        "must be earliest, latest, a time like 2022-02-22T10:00:00Z, or an age like 10m or 7d");
  }
  *request.mutable_since_time() = *moment;
  return absl::OkStatus();
}

}  // namespace onhook::cli
