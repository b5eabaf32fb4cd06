#include "clients/cli/subscription_flags.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gateway/config/setting_values.h"

namespace onhook::cli {
namespace {

using google::protobuf::util::TimeUtil;

// What --unset takes: paths within SubscriptionSpec. Of the two limits of the attempts, which
// exclude each other, one stands for both.
constexpr absl::string_view kUnsettable[] = {
    "ack_deadline",          "backlog_limit",      "expire_after_unused", "filter",
    "max_delivery_attempts", "max_unacked_events", "minimum_retry_time"};

// Of whole milliseconds, as Arguments::Duration gives them.
google::protobuf::Duration ToProto(absl::Duration duration) {
  return TimeUtil::MillisecondsToDuration(absl::ToInt64Milliseconds(duration));
}

}  // namespace

void SubscriptionFlags::DeclareForCreation(Arguments& arguments) {
  start_ = "earliest";
  arguments.Choice("--start", {"earliest", "latest"},
                   "Where it begins: with the oldest event kept, or with what comes from now on.",
                   &start_);
  Declare(arguments);
}

void SubscriptionFlags::DeclareForUpdate(Arguments& arguments) {
  Declare(arguments);
  arguments.Value("--unset", "FIELD",
                  absl::StrCat("Back to the default; may be given many times. FIELD is one of ",
                               absl::StrJoin(kUnsettable, ", "), "."),
                  [this](const std::string& value) { return AddUnset(value); });
}

void SubscriptionFlags::Declare(Arguments& arguments) {
  arguments.Duration("--ack-deadline",
                     "How long a delivery may stay unsettled before it comes again: 1s to 10m. "
                     "Unless set: 30s.",
                     &ack_deadline_);
  arguments.Value("--max-delivery-attempts", "N|unlimited",
                  "After so many attempts, and no earlier than --minimum-retry-time, an event that "
                  "fails is parked among the dead letters. Unless set: 20.",
                  [this](const std::string& value) { return SetAttempts(value); });
  arguments.Duration("--minimum-retry-time",
                     "How long an event is retried at least, counted from its first attempt: 0s to "
                     "30d. Unless set: 24h.",
                     &minimum_retry_time_);
  arguments.Number(
      "--max-unacked-events", "N", 1, std::numeric_limits<int64_t>::max(),
      "The most events that may be handed out and not settled, those that rest after a "
      "failure included; at it, delivery waits. Unless set: 100,000.",
      &max_unacked_events_);
  arguments.Duration(
      "--expire-after-unused",
      "Deletes the subscription when nobody was attached for so long. Unless set: 31d.",
      &expire_after_unused_);
  arguments.Duration("--backlog-limit-age",
                     "Gives up, counted and reported, what is owed for longer than this. Careful: "
                     "these events are lost to the subscription. Unless set: never.",
                     &backlog_age_);
  arguments.Value("--backlog-limit-bytes", "SIZE",
                  "Gives up the oldest of what is owed beyond this size, for instance 10GiB; as "
                  "careful. Unless set: never.",
                  [this](const std::string& value) { return SetBacklogBytes(value); });
  arguments.List(
      "--source", "NAME",
      "Only events that came in by this source, by its name in the gateway's settings. Of "
      "each kind of filter any may match; of different kinds all must.",
      &sources_);
  arguments.List("--service-no", "AGENT",
                 "Only events of this agent; '' stands for events that name none.", &service_nos_);
  arguments.List("--release-reason-code", "CODE",
                 "Only events with this releaseReason, as the vendor sent it.",
                 &release_reason_codes_);
}

absl::Status SubscriptionFlags::SetAttempts(const std::string& value) {
  int32_t attempts = 0;
  if (value != "unlimited" && (!absl::SimpleAtoi(value, &attempts) || attempts < 1)) {
    return absl::InvalidArgumentError("must be a whole number from 1, or unlimited");
  }
  attempts_ = attempts;
  return absl::OkStatus();
}

absl::Status SubscriptionFlags::SetBacklogBytes(const std::string& value) {
  const absl::StatusOr<size_t> bytes = ParseByteCount(value);
  if (bytes.ok()) backlog_bytes_ = static_cast<int64_t>(*bytes);
  return bytes.status();
}

absl::Status SubscriptionFlags::AddUnset(const std::string& value) {
  const std::string path = absl::StrReplaceAll(value, {{"-", "_"}});
  if (std::find(std::begin(kUnsettable), std::end(kUnsettable), path) == std::end(kUnsettable)) {
    return absl::InvalidArgumentError(
        absl::StrCat("does not know '", value, "'; --help names the fields"));
  }
  unset_.push_back(path);
  return absl::OkStatus();
}

absl::Status SubscriptionFlags::Check() const {
  const std::vector<std::string> given = GivenPaths();
  for (const std::string& path : unset_) {
    const bool both = std::any_of(given.begin(), given.end(), [&](const std::string& other) {
      return other == path || other.rfind(path + ".", 0) == 0 ||
             (path == "max_delivery_attempts" && other == "unlimited_delivery_attempts");
    });
    if (both) {
      return absl::InvalidArgumentError(
          absl::StrCat("--unset ", path, " contradicts the value that is given for it"));
    }
  }
  return absl::OkStatus();
}

v1::SubscriptionSpec SubscriptionFlags::Spec() const {
  v1::SubscriptionSpec spec;
  if (start_ == "latest") spec.set_start_position(v1::START_POSITION_LATEST);
  if (ack_deadline_.has_value()) *spec.mutable_ack_deadline() = ToProto(*ack_deadline_);
  if (attempts_ == 0) {
    spec.mutable_unlimited_delivery_attempts();
  } else if (attempts_.has_value()) {
    spec.set_max_delivery_attempts(*attempts_);
  }
  if (minimum_retry_time_.has_value()) {
    *spec.mutable_minimum_retry_time() = ToProto(*minimum_retry_time_);
  }
  if (max_unacked_events_ > 0) spec.set_max_unacked_events(max_unacked_events_);
  if (expire_after_unused_.has_value()) {
    *spec.mutable_expire_after_unused() = ToProto(*expire_after_unused_);
  }
  if (backlog_age_.has_value()) {
    *spec.mutable_backlog_limit()->mutable_age() = ToProto(*backlog_age_);
  }
  if (backlog_bytes_.has_value()) spec.mutable_backlog_limit()->set_bytes(*backlog_bytes_);
  v1::EventFilter filter;
  filter.mutable_sources()->Assign(sources_.begin(), sources_.end());
  filter.mutable_service_nos()->Assign(service_nos_.begin(), service_nos_.end());
  filter.mutable_release_reason_codes()->Assign(release_reason_codes_.begin(),
                                                release_reason_codes_.end());
  if (filter.ByteSizeLong() > 0) *spec.mutable_filter() = filter;
  return spec;
}

std::vector<std::string> SubscriptionFlags::GivenPaths() const {
  std::vector<std::string> paths;
  const auto add = [&paths](bool given, const char* path) {
    if (given) paths.push_back(path);
  };
  add(ack_deadline_.has_value(), "ack_deadline");
  add(attempts_.has_value(),
      attempts_ == 0 ? "unlimited_delivery_attempts" : "max_delivery_attempts");
  add(minimum_retry_time_.has_value(), "minimum_retry_time");
  add(max_unacked_events_ > 0, "max_unacked_events");
  add(expire_after_unused_.has_value(), "expire_after_unused");
  add(backlog_age_.has_value(), "backlog_limit.age");
  add(backlog_bytes_.has_value(), "backlog_limit.bytes");
  add(!sources_.empty(), "filter.sources");
  add(!service_nos_.empty(), "filter.service_nos");
  add(!release_reason_codes_.empty(), "filter.release_reason_codes");
  return paths;
}

google::protobuf::FieldMask SubscriptionFlags::Mask() const {
  google::protobuf::FieldMask mask;
  for (const std::string& path : GivenPaths()) mask.add_paths(path);
  for (const std::string& path : unset_) mask.add_paths(path);
  return mask;
}

}  // namespace onhook::cli
