#ifndef ONHOOK_GATEWAY_CONFIG_SUBSCRIPTION_SPEC_H_
#define ONHOOK_GATEWAY_CONFIG_SUBSCRIPTION_SPEC_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook {

// What a SubscriptionSpec may say, and what it means: the one place that knows its bounds and
// defaults, for settings and calls alike.
//
// Pure functions. Threads: any. Blocking: never.

// Whether `name` may name a subscription: 1 to 63 characters of a-z 0-9 - _ . beginning with a
// letter or digit. Otherwise kInvalidArgument, saying so.
absl::Status CheckSubscriptionName(absl::string_view name);

// What is wrong with a value, and where.
struct SpecFault {
  std::string field;        // its path within the message, "filter.sources"
  std::string description;  // completes "FIELD ...", without repeating the value
};

// The values that are out of the bounds that subscription.proto names.
std::vector<SpecFault> FindSpecFaults(const v1::SubscriptionSpec& spec);
// The first of them; nothing: all are within.
std::optional<SpecFault> FindSpecFault(const v1::SubscriptionSpec& spec);
std::optional<SpecFault> FindFilterFault(const v1::EventFilter& filter);

// kInvalidArgument, "spec.FIELD: DESCRIPTION", if there is a fault.
absl::Status CheckSubscriptionSpec(const v1::SubscriptionSpec& spec);

// A specification, with its defaults filled in.
struct SubscriptionRules {
  v1::StartPosition start_position = v1::START_POSITION_EARLIEST;  // or LATEST
  v1::EventFilter filter;
  absl::Duration ack_deadline = absl::Seconds(30);
  std::optional<int32_t> max_delivery_attempts = 20;  // nothing: without limit
  absl::Duration minimum_retry_time = absl::Hours(24);
  int64_t max_unacked_events = 100000;
  std::optional<absl::Duration> expire_after_unused;  // nothing: never
  std::optional<absl::Duration> backlog_age;          // nothing: without limit
  std::optional<int64_t> backlog_bytes;               // nothing: without limit
};

// `spec` must have no fault. `declared`: it stands, or stood, in the settings.
SubscriptionRules RulesOf(const v1::SubscriptionSpec& spec, bool declared);

// The members in which two specifications without fault differ, "filter, ack_deadline".
std::string DifferenceOfSpecs(const v1::SubscriptionSpec& a, const v1::SubscriptionSpec& b);

// Whether two specifications without fault ask for the same, unset and default being one.
inline bool SameSubscriptionSpec(const v1::SubscriptionSpec& a, const v1::SubscriptionSpec& b) {
  return DifferenceOfSpecs(a, b).empty();
}

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SUBSCRIPTION_SPEC_H_
