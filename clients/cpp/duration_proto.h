#ifndef ONHOOK_CLIENTS_CPP_DURATION_PROTO_H_
#define ONHOOK_CLIENTS_CPP_DURATION_PROTO_H_

#include <google/protobuf/duration.pb.h>

#include "absl/time/time.h"

namespace onhook::client {

// `duration`, which must be finite, as protobuf has it; what is finer than a nanosecond is cut off.
inline google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(
      static_cast<int32_t>(absl::IDivDuration(duration, absl::Nanoseconds(1), &duration)));
  return proto;
}

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_DURATION_PROTO_H_
