#include "gateway/config/subscription_spec.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/repeated_field.h"
#include "google/protobuf/util/time_util.h"

namespace onhook {
namespace {

using google::protobuf::util::TimeUtil;

constexpr size_t kMaxNameLength = 63;
constexpr int kMostSources = 100;
constexpr int kMostServiceNos = 1000;
constexpr int kMostReleaseReasonCodes = 100;
constexpr size_t kLongestFilterEntry = 128;

constexpr absl::Duration kShortestAckDeadline = absl::Seconds(1);
constexpr absl::Duration kLongestAckDeadline = absl::Minutes(10);
constexpr absl::Duration kLongestRetryTime = absl::Hours(30 * 24);
// Less would delete a subscription between two attempts of its consumer to connect.
constexpr absl::Duration kShortestExpiry = absl::Minutes(1);
constexpr absl::Duration kDefaultExpiry = absl::Hours(31 * 24);
constexpr absl::Duration kLongest = absl::Hours(10 * 366 * 24);
constexpr int64_t kMostUnackedEvents = 1000000;  // what a gateway keeps records of in memory

bool IsNameCharacter(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_' || c == '.';
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

std::optional<SpecFault> FindDurationFault(absl::string_view field, bool is_set,
                                           const google::protobuf::Duration& duration,
                                           absl::Duration least, absl::Duration most,
                                           absl::string_view bounds) {
  if (!is_set) return std::nullopt;
  const bool well_formed = duration.seconds() >= TimeUtil::kDurationMinSeconds &&
                           duration.seconds() <= TimeUtil::kDurationMaxSeconds &&
                           duration.nanos() > -1000000000 && duration.nanos() < 1000000000 &&
                           !(duration.seconds() > 0 && duration.nanos() < 0) &&
                           !(duration.seconds() < 0 && duration.nanos() > 0);
  if (well_formed && ToDuration(duration) >= least && ToDuration(duration) <= most) {
    return std::nullopt;
  }
  return SpecFault{std::string(field), absl::StrCat("must be ", bounds)};
}

std::optional<SpecFault> FindListFault(absl::string_view field,
                                       const google::protobuf::RepeatedPtrField<std::string>& list,
                                       int most) {
  if (list.size() > most) {
    return SpecFault{std::string(field), absl::StrCat("holds more than ", most)};
  }
  for (const std::string& entry : list) {
    if (entry.size() > kLongestFilterEntry) {
      return SpecFault{std::string(field),
                       absl::StrCat("holds one of more than ", kLongestFilterEntry, " bytes")};
    }
  }
  return std::nullopt;
}

std::set<std::string> AsSet(const google::protobuf::RepeatedPtrField<std::string>& list) {
  return {list.begin(), list.end()};
}

bool SameFilter(const v1::EventFilter& a, const v1::EventFilter& b) {
  return AsSet(a.sources()) == AsSet(b.sources()) &&
         AsSet(a.service_nos()) == AsSet(b.service_nos()) &&
         AsSet(a.release_reason_codes()) == AsSet(b.release_reason_codes());
}

}  // namespace

absl::Status CheckSubscriptionName(absl::string_view name) {
  bool valid = !name.empty() && name.size() <= kMaxNameLength &&
               (absl::ascii_islower(name[0]) || absl::ascii_isdigit(name[0]));
  for (const char c : name) valid = valid && IsNameCharacter(c);
  if (valid) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the name of a subscription is 1 to 63 characters of a-z 0-9 - _ . and begins with a letter "
      "or digit");
}

std::optional<SpecFault> FindFilterFault(const v1::EventFilter& filter) {
  std::optional<SpecFault> fault = FindListFault("sources", filter.sources(), kMostSources);
  if (!fault) fault = FindListFault("service_nos", filter.service_nos(), kMostServiceNos);
  if (fault) return fault;
  return FindListFault("release_reason_codes", filter.release_reason_codes(),
                       kMostReleaseReasonCodes);
}

std::vector<SpecFault> FindSpecFaults(const v1::SubscriptionSpec& spec) {
  std::vector<SpecFault> faults;
  const auto add = [&faults](std::optional<SpecFault> fault) {
    if (fault.has_value()) faults.push_back(*std::move(fault));
  };
  if (!v1::StartPosition_IsValid(spec.start_position())) {
    add(SpecFault{"start_position", "is not a position that this version knows"});
  }
  if (const std::optional<SpecFault> fault = FindFilterFault(spec.filter())) {
    add(SpecFault{"filter." + fault->field, fault->description});
  }
  if (spec.has_max_delivery_attempts() && spec.max_delivery_attempts() < 1) {
    add(SpecFault{"max_delivery_attempts", "must be at least 1"});
  }
  if (spec.has_max_unacked_events() &&
      (spec.max_unacked_events() < 1 || spec.max_unacked_events() > kMostUnackedEvents)) {
    add(SpecFault{"max_unacked_events", absl::StrCat("must be 1 to ", kMostUnackedEvents)});
  }
  const v1::BacklogLimit& backlog = spec.backlog_limit();
  if (backlog.has_bytes() && backlog.bytes() < 1) {
    add(SpecFault{"backlog_limit.bytes", "must be at least 1"});
  }
  add(FindDurationFault("ack_deadline", spec.has_ack_deadline(), spec.ack_deadline(),
                        kShortestAckDeadline, kLongestAckDeadline, "1 s to 10 min"));
  add(FindDurationFault("minimum_retry_time", spec.has_minimum_retry_time(),
                        spec.minimum_retry_time(), absl::ZeroDuration(), kLongestRetryTime,
                        "0 s to 30 days"));
  add(FindDurationFault("expire_after_unused", spec.has_expire_after_unused(),
                        spec.expire_after_unused(), kShortestExpiry, kLongest,
                        "1 min to 10 years"));
  add(FindDurationFault("backlog_limit.age", backlog.has_age(), backlog.age(), absl::Seconds(1),
                        kLongest, "1 s to 10 years"));
  return faults;
}

std::optional<SpecFault> FindSpecFault(const v1::SubscriptionSpec& spec) {
  std::vector<SpecFault> faults = FindSpecFaults(spec);
  if (faults.empty()) return std::nullopt;
  return std::move(faults.front());
}

absl::Status CheckSubscriptionSpec(const v1::SubscriptionSpec& spec) {
  const std::optional<SpecFault> fault = FindSpecFault(spec);
  if (!fault.has_value()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("spec.", fault->field, ": ", fault->description));
}

SubscriptionRules RulesOf(const v1::SubscriptionSpec& spec, bool declared) {
  SubscriptionRules rules;
  if (spec.start_position() == v1::START_POSITION_LATEST) {
    rules.start_position = v1::START_POSITION_LATEST;
  }
  rules.filter = spec.filter();
  if (spec.has_ack_deadline()) rules.ack_deadline = ToDuration(spec.ack_deadline());
  if (spec.has_max_delivery_attempts()) rules.max_delivery_attempts = spec.max_delivery_attempts();
  if (spec.has_unlimited_delivery_attempts()) rules.max_delivery_attempts.reset();
  if (spec.has_minimum_retry_time()) {
    rules.minimum_retry_time = ToDuration(spec.minimum_retry_time());
  }
  if (spec.has_max_unacked_events()) rules.max_unacked_events = spec.max_unacked_events();
  if (!declared) rules.expire_after_unused = kDefaultExpiry;
  if (spec.has_expire_after_unused()) {
    rules.expire_after_unused = ToDuration(spec.expire_after_unused());
  }
  if (declared) rules.expire_after_unused.reset();
  if (spec.backlog_limit().has_age()) rules.backlog_age = ToDuration(spec.backlog_limit().age());
  if (spec.backlog_limit().has_bytes()) rules.backlog_bytes = spec.backlog_limit().bytes();
  return rules;
}

std::string DifferenceOfSpecs(const v1::SubscriptionSpec& a, const v1::SubscriptionSpec& b) {
  const SubscriptionRules x = RulesOf(a, /*declared=*/false);
  const SubscriptionRules y = RulesOf(b, /*declared=*/false);
  const std::pair<bool, absl::string_view> members[] = {
      {x.start_position == y.start_position, "start_position"},
      {SameFilter(x.filter, y.filter), "filter"},
      {x.ack_deadline == y.ack_deadline, "ack_deadline"},
      {x.max_delivery_attempts == y.max_delivery_attempts, "delivery_attempts"},
      {x.minimum_retry_time == y.minimum_retry_time, "minimum_retry_time"},
      {x.max_unacked_events == y.max_unacked_events, "max_unacked_events"},
      {x.expire_after_unused == y.expire_after_unused, "expire_after_unused"},
      {x.backlog_age == y.backlog_age && x.backlog_bytes == y.backlog_bytes, "backlog_limit"},
  };
  std::vector<absl::string_view> differing;
  for (const auto& [same, name] : members) {
    if (!same) differing.push_back(name);
  }
  return absl::StrJoin(differing, ", ");
}

}  // namespace onhook
