#include "gateway/config/subscriptions_reader.h"

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/config/setting_values.h"
#include "gateway/config/subscription_spec.h"

namespace onhook {
namespace {

using Members = NodeReader::Members;
using Take = NodeReader::Take;

Take Duration(NodeReader& reader, google::protobuf::Duration* duration) {
  return [&reader, duration](const YAML::Node& node, const std::string& key) {
    // Not by TimeUtil, which ends the process for what is beyond its own bounds.
    const int64_t milliseconds = absl::ToInt64Milliseconds(reader.Duration(node, key));
    duration->set_seconds(milliseconds / 1000);
    duration->set_nanos(static_cast<int32_t>(milliseconds % 1000) * 1000000);
  };
}

absl::StatusOr<v1::StartPosition> ParsePosition(absl::string_view text) {
  if (text == "earliest") return v1::START_POSITION_EARLIEST;
  if (text == "latest") return v1::START_POSITION_LATEST;
  return absl::InvalidArgumentError("must be earliest or latest");
}

void TakeFilter(NodeReader& reader, const YAML::Node& node, const std::string& key,
                v1::EventFilter& filter) {
  const auto list = [&reader](google::protobuf::RepeatedPtrField<std::string>* field) {
    return [&reader, field](const YAML::Node& n, const std::string& inside) {
      for (std::string& text : reader.Texts(n, inside)) *field->Add() = std::move(text);
    };
  };
  reader.TakeMembers(node, key,
                     {{"sources", list(filter.mutable_sources())},
                      {"service_nos", list(filter.mutable_service_nos())},
                      {"release_reason_codes", list(filter.mutable_release_reason_codes())}});
}

void TakeAttempts(NodeReader& reader, const YAML::Node& node, const std::string& key,
                  v1::SubscriptionSpec& spec) {
  if (node.IsScalar() && node.Scalar() == "unlimited") {
    spec.mutable_unlimited_delivery_attempts();
    return;
  }
  spec.set_max_delivery_attempts(
      reader.Number(node, key, "must be a whole number, without quotes; or the word unlimited"));
}

void TakeBacklog(NodeReader& reader, const YAML::Node& node, const std::string& key,
                 v1::BacklogLimit& limit) {
  const Take age = [&](const YAML::Node& n, const std::string& inside) {
    Duration(reader, limit.mutable_age())(n, inside);
  };
  const Take bytes = [&](const YAML::Node& n, const std::string& inside) {
    limit.set_bytes(static_cast<int64_t>(reader.Parsed<size_t>(n, inside, ParseByteCount)));
  };
  reader.TakeMembers(node, key, {{"age", age}, {"bytes", bytes}});
}

Members MembersOf(NodeReader& reader, Settings::Subscription& subscription) {
  v1::SubscriptionSpec& spec = subscription.spec;
  return {
      {"name", [&](const auto& n, const auto& key) { subscription.name = reader.Text(n, key); }},
      {"start_position",
       [&](const auto& n, const auto& key) {
         spec.set_start_position(reader.Parsed<v1::StartPosition>(n, key, ParsePosition));
       }},
      {"filter",
       [&](const auto& n, const auto& key) { TakeFilter(reader, n, key, *spec.mutable_filter()); }},
      {"ack_deadline",
       [&](const auto& n, const auto& key) {
         Duration(reader, spec.mutable_ack_deadline())(n, key);
       }},
      {"max_delivery_attempts",
       [&](const auto& n, const auto& key) { TakeAttempts(reader, n, key, spec); }},
      {"minimum_retry_time",
       [&](const auto& n, const auto& key) {
         Duration(reader, spec.mutable_minimum_retry_time())(n, key);
       }},
      {"max_unacked_events",
       [&](const auto& n, const auto& key) { spec.set_max_unacked_events(reader.Number(n, key)); }},
      {"backlog_limit",
       [&](const auto& n, const auto& key) {
         TakeBacklog(reader, n, key, *spec.mutable_backlog_limit());
       }},
      {"expire_after_unused",
       [&](const auto& n, const auto& key) {
         reader.Fault(n, key, "declared subscriptions never expire");
       }},
  };
}

}  // namespace

std::vector<Settings::Subscription> ReadSubscriptions(const YAML::Node& node, NodeReader& reader) {
  std::vector<Settings::Subscription> subscriptions;
  std::set<std::string> declared;
  reader.TakeMappings(node, "subscriptions", [&](const YAML::Node& n, const std::string& key) {
    Settings::Subscription subscription;
    const size_t faults_before = reader.fault_count();
    reader.TakeMembers(n, key, MembersOf(reader, subscription));
    if (const absl::Status name = CheckSubscriptionName(subscription.name); !name.ok()) {
      reader.WrongMember(n, key, "name",
                         "must be 1 to 63 characters of a-z 0-9 - _ . and begin with a letter or "
                         "digit");
    } else if (!declared.insert(subscription.name).second) {
      reader.WrongMember(n, key, "name", subscription.name + " is declared twice");
    }
    for (const SpecFault& fault : FindSpecFaults(subscription.spec)) {
      reader.WrongMember(n, key, fault.field, fault.description);
    }
    if (reader.fault_count() > faults_before) return;
    subscriptions.push_back(std::move(subscription));
  });
  return subscriptions;
}

}  // namespace onhook
