#include "gateway/delivery/subscribe_open.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "gateway/base/text.h"
#include "gateway/config/subscription_spec.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/proto_time.h"

namespace onhook {
namespace {

constexpr size_t kLongestConsumerName = 128;
constexpr absl::Duration kShortestAckDeadline = absl::Seconds(1);
constexpr absl::Duration kLongestAckDeadline = absl::Minutes(10);

// What SubscribeOpen and FlowControl set alike.
template <typename Message>
absl::Status ApplyLimits(const Message& message, absl::string_view member,
                         const DeliveryOptions& options, ConsumerLimits& limits) {
  if (message.has_max_outstanding_events()) {
    if (message.max_outstanding_events() < 1) {
      return InvalidField(absl::StrCat(member, ".max_outstanding_events"), "must be at least 1");
    }
    limits.max_outstanding_events =
        std::min(message.max_outstanding_events(), options.max_outstanding_events);
  }
  if (message.has_max_outstanding_bytes()) {
    if (message.max_outstanding_bytes() < 1) {
      return InvalidField(absl::StrCat(member, ".max_outstanding_bytes"), "must be at least 1");
    }
    limits.max_outstanding_bytes =
        std::min<int64_t>(message.max_outstanding_bytes(), options.max_outstanding_bytes);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckConsumerName(absl::string_view field, absl::string_view name) {
  if (CountCodePoints(name) <= kLongestConsumerName) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("is longer than ", kLongestConsumerName, " characters"));
}

absl::StatusOr<OpenTerms> CheckOpen(const v1::SubscribeOpen& open, const DeliveryOptions& options) {
  absl::Status status = CheckSubscriptionName(open.subscription());
  if (!status.ok()) return InvalidField("open.subscription", status.message());
  OpenTerms terms;
  terms.subscription = open.subscription();
  terms.consumer_name = open.consumer_name();
  status = CheckConsumerName("open.consumer_name", open.consumer_name());
  if (!status.ok()) return status;
  terms.limits = {options.max_outstanding_events, options.max_outstanding_bytes};
  status = ApplyLimits(open, "open", options, terms.limits);
  if (!status.ok()) return status;
  if (open.has_ack_deadline()) {
    const absl::StatusOr<absl::Duration> deadline =
        CheckAckDeadline(open.ack_deadline(), "open.ack_deadline");
    if (!deadline.ok()) return deadline.status();
    terms.ack_deadline = *deadline;
  }
  if (open.has_create_if_missing()) {
    if (const auto fault = FindSpecFault(open.create_if_missing())) {
      return InvalidField(absl::StrCat("open.create_if_missing.", fault->field),
                          fault->description);
    }
    terms.create_if_missing = open.create_if_missing();
  }
  return terms;
}

absl::StatusOr<absl::Duration> CheckAckDeadline(const google::protobuf::Duration& deadline,
                                                absl::string_view field) {
  const absl::StatusOr<absl::Duration> read = FromProto(deadline, field);
  if (!read.ok()) return read.status();
  if (*read < kShortestAckDeadline || *read > kLongestAckDeadline) {
    return InvalidField(field, "must be 1 s to 10 min");
  }
  return read;
}

absl::StatusOr<ConsumerLimits> ChangedLimits(ConsumerLimits limits, const v1::FlowControl& flow,
                                             const DeliveryOptions& options) {
  absl::Status status = ApplyLimits(flow, "flow", options, limits);
  if (!status.ok()) return status;
  if (flow.has_paused()) limits.paused = flow.paused();
  return limits;
}

}  // namespace onhook
