#include "onhook/subscription_settings.h"

#include "onhook/event_view.h"

namespace onhook::client {

v1::SubscriptionSpec SubscriptionSettings::ToProto() const {
  v1::SubscriptionSpec spec;
  spec.set_start_position(start_position);
  for (const std::string& source : sources) spec.mutable_filter()->add_sources(source);
  for (const std::string& number : service_nos) spec.mutable_filter()->add_service_nos(number);
  for (const std::string& code : release_reason_codes) {
    spec.mutable_filter()->add_release_reason_codes(code);
  }
  if (ack_deadline.has_value()) *spec.mutable_ack_deadline() = client::ToProto(*ack_deadline);
  if (max_delivery_attempts.has_value()) spec.set_max_delivery_attempts(*max_delivery_attempts);
  if (unlimited_delivery_attempts) spec.mutable_unlimited_delivery_attempts();
  if (minimum_retry_time.has_value()) {
    *spec.mutable_minimum_retry_time() = client::ToProto(*minimum_retry_time);
  }
  if (max_unacked_events.has_value()) spec.set_max_unacked_events(*max_unacked_events);
  if (expire_after_unused.has_value()) {
    *spec.mutable_expire_after_unused() = client::ToProto(*expire_after_unused);
  }
  if (backlog_age.has_value()) {
    *spec.mutable_backlog_limit()->mutable_age() = client::ToProto(*backlog_age);
  }
  if (backlog_bytes.has_value()) spec.mutable_backlog_limit()->set_bytes(*backlog_bytes);
  return spec;
}

}  // namespace onhook::client
