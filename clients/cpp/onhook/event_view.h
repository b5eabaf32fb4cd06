#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_EVENT_VIEW_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_EVENT_VIEW_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/map.h>
#include <google/protobuf/timestamp.pb.h>

#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "onhook/v1/release_event.pb.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook::client {

// What protobuf has, as C++ has it, and back. What is finer than a nanosecond is cut off; what is
// infinite, or beyond what protobuf allows, must not be given.
absl::Time ToTime(const google::protobuf::Timestamp& timestamp);
absl::Duration ToDuration(const google::protobuf::Duration& duration);
google::protobuf::Timestamp ToProto(absl::Time time);
google::protobuf::Duration ToProto(absl::Duration duration);

// The name of a value without its enumeration's prefix ("CALLED_HUNG_UP", "UNSPECIFIED"); of a
// value that this version does not know, its number.
std::string NameOf(v1::ReleaseReason reason);
std::string NameOf(v1::Authentication authentication);
std::string NameOf(v1::Delivery::RedeliveryReason reason);
std::string NameOf(v1::SubscriptionTimeline::State state);

// The callback's W3C trace context: what a propagator of OpenTelemetry reads from a carrier. Empty
// if the callback brought none.
std::map<std::string, std::string> TraceContext(const v1::ReleaseEvent& event);

// A release event in the types of C++. What is unset is nullopt; a text that is set and empty is
// not. See release_event.proto for what each field means.
//
// Only looks at the message, which must outlive it and stay as it is: nothing is copied, and what
// this version does not know is still there. Threads: as a const message. Blocking: never.
class EventView {
 public:
  using Text = std::optional<absl::string_view>;
  using Time = std::optional<absl::Time>;
  using Duration = std::optional<absl::Duration>;

  explicit EventView(const v1::ReleaseEvent& event) : event_(&event) {}

  const v1::ReleaseEvent& message() const { return *event_; }

  absl::string_view event_id() const { return event_->event_id(); }
  absl::string_view source() const { return event_->source(); }
  v1::Authentication authentication() const { return event_->authentication(); }
  Time received_at() const { return TimeOf(event_->has_received_at(), event_->received_at()); }
  bool masked() const { return event_->masked(); }

  Text call_serial_no() const {
    return TextOf(event_->has_call_serial_no(), event_->call_serial_no());
  }
  Text service_no() const { return TextOf(event_->has_service_no(), event_->service_no()); }
  Text called() const { return TextOf(event_->has_called(), event_->called()); }
  Text caller() const { return TextOf(event_->has_caller(), event_->caller()); }
  Text caller_present() const {
    return TextOf(event_->has_caller_present(), event_->caller_present());
  }
  Text call_data() const { return TextOf(event_->has_call_data(), event_->call_data()); }
  Text recordfile() const { return TextOf(event_->has_recordfile(), event_->recordfile()); }
  Text location_id() const { return TextOf(event_->has_location_id(), event_->location_id()); }

  Time create_call_time() const {
    return TimeOf(event_->has_create_call_time(), event_->create_call_time());
  }
  Time alerting_time() const {
    return TimeOf(event_->has_alerting_time(), event_->alerting_time());
  }
  Time talking_time() const { return TimeOf(event_->has_talking_time(), event_->talking_time()); }
  Time release_time() const { return TimeOf(event_->has_release_time(), event_->release_time()); }
  Time agent_alerting_time() const {
    return TimeOf(event_->has_agent_alerting_time(), event_->agent_alerting_time());
  }
  Time agent_talking_time() const {
    return TimeOf(event_->has_agent_talking_time(), event_->agent_talking_time());
  }
  Time agent_release_time() const {
    return TimeOf(event_->has_agent_release_time(), event_->agent_release_time());
  }
  Duration talk_duration() const {
    return DurationOf(event_->has_talk_duration(), event_->talk_duration());
  }
  Duration agent_talk_duration() const {
    return DurationOf(event_->has_agent_talk_duration(), event_->agent_talk_duration());
  }

  // May be a number that v1 does not name, of a newer gateway.
  v1::ReleaseReason release_reason() const { return event_->release_reason(); }
  Text release_reason_code() const {
    return TextOf(event_->has_release_reason_code(), event_->release_reason_code());
  }
  const google::protobuf::Map<std::string, std::string>& extra() const { return event_->extra(); }
  Text traceparent() const { return TextOf(event_->has_traceparent(), event_->traceparent()); }

 private:
  static Text TextOf(bool is_set, const std::string& text) { return is_set ? Text(text) : Text(); }
  static Time TimeOf(bool is_set, const google::protobuf::Timestamp& time) {
    return is_set ? Time(ToTime(time)) : Time();
  }
  static Duration DurationOf(bool is_set, const google::protobuf::Duration& duration) {
    return is_set ? Duration(ToDuration(duration)) : Duration();
  }

  const v1::ReleaseEvent* event_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_EVENT_VIEW_H_
