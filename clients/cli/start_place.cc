#include "clients/cli/start_place.h"

#include <string>

namespace onhook::cli {

absl::Status SetStart(absl::string_view from, absl::Time now, v1::WatchRequest& request) {
  if (from == "earliest" || from == "latest") {
    request.set_position(from == "earliest" ? v1::START_POSITION_EARLIEST
                                            : v1::START_POSITION_LATEST);
    return absl::OkStatus();
  }
  absl::Time time;
  absl::Duration ago;
  std::string error;
  if (absl::ParseDuration(from, &ago) && ago >= absl::ZeroDuration()) {
    time = now - ago;
  } else if (!absl::ParseTime(absl::RFC3339_full, from, &time, &error)) {
    return absl::InvalidArgumentError(
        "--from must be earliest, latest, a time like 2022-02-22T10:00:00Z, or a duration like "
        "10m");
  }
  // Protobuf's range.
  const absl::Time first = absl::FromUnixSeconds(-62135596800);
  const absl::Time last = absl::FromUnixSeconds(253402300799);
  if (time < first || time > last) {
    return absl::InvalidArgumentError("--from must lie in the years 1 to 9999");
  }
  const absl::Duration since_epoch = time - absl::UnixEpoch();
  const int64_t seconds = absl::ToInt64Seconds(absl::Floor(since_epoch, absl::Seconds(1)));
  request.mutable_since_time()->set_seconds(seconds);
  request.mutable_since_time()->set_nanos(
      static_cast<int32_t>((since_epoch - absl::Seconds(seconds)) / absl::Nanoseconds(1)));
  return absl::OkStatus();
}

}  // namespace onhook::cli
