#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_SUBSCRIPTION_SETTINGS_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_SUBSCRIPTION_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook::client {

// What a subscription is set to, in the types of C++; subscription.proto says what each member
// means, and what holds where it is unset or empty.
//
//   SubscriptionSettings settings;
//   settings.ack_deadline = absl::Seconds(10);
//   options.create_if_missing = settings.ToProto();
struct SubscriptionSettings {
  v1::StartPosition start_position = v1::START_POSITION_UNSPECIFIED;
  // Of the filter.
  std::vector<std::string> sources;
  std::vector<std::string> service_nos;
  std::vector<std::string> release_reason_codes;

  std::optional<absl::Duration> ack_deadline;
  std::optional<int32_t> max_delivery_attempts;
  // In place of a number.
  bool unlimited_delivery_attempts = false;
  std::optional<absl::Duration> minimum_retry_time;
  std::optional<int64_t> max_unacked_events;
  std::optional<absl::Duration> expire_after_unused;
  // Of the backlog limit.
  std::optional<absl::Duration> backlog_age;
  std::optional<int64_t> backlog_bytes;

  v1::SubscriptionSpec ToProto() const;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_SUBSCRIPTION_SETTINGS_H_
