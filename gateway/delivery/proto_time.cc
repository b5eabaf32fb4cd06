#include "gateway/delivery/proto_time.h"

#include "gateway/delivery/grpc_status.h"

namespace onhook {
namespace {

constexpr int64_t kFirstSecond = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kLastSecond = 253402300799;   // 9999-12-31T23:59:59Z
constexpr int64_t kLongestSeconds = 315576000000;
constexpr int32_t kNanosPerSecond = 1000000000;

}  // namespace

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return proto;
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto.set_seconds(seconds);
  proto.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return proto;
}

absl::StatusOr<absl::Time> FromProto(const google::protobuf::Timestamp& time,
                                     absl::string_view field) {
  if (time.seconds() < kFirstSecond || time.seconds() > kLastSecond || time.nanos() < 0 ||
      time.nanos() >= kNanosPerSecond) {
    return InvalidField(field, "is not a valid google.protobuf.Timestamp");
  }
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::StatusOr<absl::Duration> FromProto(const google::protobuf::Duration& duration,
                                         absl::string_view field) {
  const bool signs_differ = (duration.seconds() > 0 && duration.nanos() < 0) ||
                            (duration.seconds() < 0 && duration.nanos() > 0);
  if (duration.seconds() < -kLongestSeconds || duration.seconds() > kLongestSeconds ||
      duration.nanos() <= -kNanosPerSecond || duration.nanos() >= kNanosPerSecond || signs_differ) {
    return InvalidField(field, "is not a valid google.protobuf.Duration");
  }
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace onhook
