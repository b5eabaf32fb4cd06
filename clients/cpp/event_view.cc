#include "onhook/event_view.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace onhook::client {
namespace {

std::string Name(const std::string& known, absl::string_view prefix, int number) {
  if (known.empty()) return absl::StrCat(number);
  return std::string(absl::StripPrefix(known, prefix));
}

}  // namespace

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  proto.set_seconds(absl::ToUnixSeconds(time));
  const absl::Duration rest = time - absl::FromUnixSeconds(proto.seconds());
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  return proto;
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(
      static_cast<int32_t>(absl::IDivDuration(duration, absl::Nanoseconds(1), &duration)));
  return proto;
}

std::string NameOf(v1::ReleaseReason reason) {
  return Name(v1::ReleaseReason_Name(reason), "RELEASE_REASON_", reason);
}

std::string NameOf(v1::Authentication authentication) {
  return Name(v1::Authentication_Name(authentication), "AUTHENTICATION_", authentication);
}

std::string NameOf(v1::Delivery::RedeliveryReason reason) {
  return Name(v1::Delivery::RedeliveryReason_Name(reason), "REDELIVERY_REASON_", reason);
}

std::string NameOf(v1::SubscriptionTimeline::State state) {
  return Name(v1::SubscriptionTimeline::State_Name(state), "STATE_", state);
}

std::map<std::string, std::string> TraceContext(const v1::ReleaseEvent& event) {
  if (!event.has_traceparent()) return {};
  return {{"traceparent", event.traceparent()}};
}

}  // namespace onhook::client
