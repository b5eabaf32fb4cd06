#ifndef ONHOOK_GATEWAY_DELIVERY_PROTO_TIME_H_
#define ONHOOK_GATEWAY_DELIVERY_PROTO_TIME_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace onhook {

// Between protobuf's times and ours. What comes from a client is checked, since the wire carries
// values that the types do not allow. Threads: any.

google::protobuf::Duration ToProto(absl::Duration duration);
google::protobuf::Timestamp ToProto(absl::Time time);

// kInvalidArgument with BadRequest, naming `field`, for what is no valid Timestamp.
absl::StatusOr<absl::Time> FromProto(const google::protobuf::Timestamp& time,
                                     absl::string_view field);
// Likewise, for what is no valid Duration.
absl::StatusOr<absl::Duration> FromProto(const google::protobuf::Duration& duration,
                                         absl::string_view field);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_PROTO_TIME_H_
