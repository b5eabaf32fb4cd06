#include "gateway/config/settings_check.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/config/address_rules.h"
#include "gateway/config/engine_rules.h"
#include "gateway/config/listener_rules.h"

namespace onhook {
namespace {

using Acknowledge = Settings::Acknowledge;
using Faults = std::vector<SettingFault>;

// A callback that waits holds a connection of the contact centre's.
constexpr absl::Duration kLongestWait = absl::Minutes(1);
// What the quarantine counts beside a body.
constexpr int64_t kBesideBody = 256;

// Limits that make no sense beside each other.
void CheckLimits(const Settings& settings, Faults& faults) {
  const HttpOptions& server = settings.http.server;
  const auto unless = [&faults](bool right, const char* setting, const char* description) {
    if (!right) faults.push_back({setting, description});
  };
  unless(server.max_head_bytes >= std::max(server.max_request_line_bytes, server.max_header_bytes),
         "http.max_head_bytes",
         "must be no less than http.max_request_line_bytes and http.max_header_bytes, which are "
         "parts of it");
  unless(server.request_timeout >= server.head_timeout, "http.request_timeout",
         "must be no less than http.head_timeout, which is a part of it");
  unless(settings.http.max_waiting_callbacks.value_or(0) <= server.max_connections,
         "http.max_waiting_callbacks",
         "must be no more than http.max_connections: each waits on a connection");
  unless(settings.quarantine.size >= static_cast<int64_t>(server.max_body_bytes) + kBesideBody,
         "quarantine.size", "must hold a callback of http.max_body_bytes and 256 bytes more");
  unless(settings.shutdown.drain_deadline > absl::ZeroDuration(), "shutdown.drain_deadline",
         "must be more than 0s");
}

// A limit that nobody changed may be beyond another: then it has no effect, and nobody relies on
// it.
void CheckGrpcLimits(const DeliveryOptions& server, Faults& faults) {
  const DeliveryOptions defaults;
  const auto within = [&faults](int part, int fallback, const char* setting, int whole,
                                const char* of) {
    if (part <= whole || part == fallback) return;
    faults.push_back({setting, absl::StrCat("must be no more than ", of, ", which is ", whole)});
  };
  within(server.max_connections_per_peer, defaults.max_connections_per_peer,
         "grpc.max_connections_per_peer", server.max_connections, "grpc.max_connections");
  within(server.max_connections_per_identity, defaults.max_connections_per_identity,
         "grpc.max_connections_per_identity", server.max_connections, "grpc.max_connections");
  within(server.max_streams_per_identity, defaults.max_streams_per_identity,
         "grpc.max_streams_per_identity", server.max_streams, "grpc.max_streams");
  if (server.memory_quota < int64_t{4} * server.max_request_bytes) {
    faults.push_back({"grpc.memory_quota",
                      "must hold four times grpc.max_request_bytes: one large request must not "
                      "keep out all others"});
  }
}

// `key`: of the mapping, "acknowledge". What a source has of `common` is that one's fault to tell.
void CheckAcknowledge(const std::string& key, const Acknowledge& acknowledge,
                      const Acknowledge* common, const std::set<std::string>& declared,
                      Faults& faults) {
  const bool own_timeout = common == nullptr || acknowledge.timeout != common->timeout;
  const bool own_names = common == nullptr || acknowledge.subscriptions != common->subscriptions;
  const bool own_when = common == nullptr || acknowledge.when != common->when;
  if (own_timeout &&
      (acknowledge.timeout <= absl::ZeroDuration() || acknowledge.timeout > kLongestWait)) {
    faults.push_back({key + ".timeout",
                      "must be more than 0s and at most 1m, since the contact centre waits "
                      "meanwhile; to wait for nobody set acknowledge.when to stored"});
  }
  if ((own_when || own_names) && acknowledge.when == Acknowledge::When::kStored &&
      !acknowledge.subscriptions.empty()) {
    faults.push_back({key + ".subscriptions",
                      absl::StrCat("names subscriptions, but ", key,
                                   ".when is stored, which waits for none; take them out, or set "
                                   "it to forwarded or processed")});
  }
  std::set<std::string> named;
  for (const std::string& name : acknowledge.subscriptions) {
    if (!own_names) break;
    if (!named.insert(name).second) {
      faults.push_back({key + ".subscriptions", absl::StrCat(name, " is named twice")});
    } else if (declared.count(name) == 0) {
      faults.push_back({key + ".subscriptions",
                        absl::StrCat(name,
                                     " is not declared; add it to subscriptions in the file of "
                                     "settings")});
    }
  }
}

}  // namespace

std::vector<SettingFault> CheckSettings(const Settings& settings) {
  Faults faults = FindListenerFaults(settings);
  const Faults of_addresses = FindAddressFaults(settings);
  faults.insert(faults.end(), of_addresses.begin(), of_addresses.end());
  std::set<std::string> declared;
  for (const Settings::Subscription& subscription : settings.subscriptions) {
    declared.insert(subscription.name);
  }
  CheckAcknowledge("acknowledge", settings.acknowledge, nullptr, declared, faults);
  for (size_t i = 0; i < settings.sources.size(); ++i) {
    CheckAcknowledge(absl::StrCat("sources[", i, "].acknowledge"), settings.sources[i].acknowledge,
                     &settings.acknowledge, declared, faults);
  }
  CheckLimits(settings, faults);
  CheckGrpcLimits(settings.grpc.server, faults);
  const Faults of_engine = FindEngineFaults(settings);
  faults.insert(faults.end(), of_engine.begin(), of_engine.end());
  return faults;
}

}  // namespace onhook
