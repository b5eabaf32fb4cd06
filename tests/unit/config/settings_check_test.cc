#include "gateway/config/settings_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace onhook {
namespace {

std::vector<std::string> FaultsOf(const Settings& settings) {
  std::vector<std::string> faults;
  for (const SettingFault& fault : CheckSettings(settings)) {
    faults.push_back(fault.setting + ": " + fault.description);
  }
  return faults;
}

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(SettingsCheckTest, TheDefaultsCanBeRunWith) { EXPECT_THAT(FaultsOf({}), IsEmpty()); }

Settings::Source SourceNamed(const std::string& name) {
  Settings::Source source;
  source.name = name;
  source.path = "/" + name;
  return source;
}

TEST(SettingsCheckTest, TimesThatLeaveNoTimeAreFaults) {
  Settings settings;
  settings.acknowledge.timeout = absl::ZeroDuration();
  settings.shutdown.drain_deadline = absl::ZeroDuration();
  EXPECT_THAT(FaultsOf(settings), ElementsAre(StartsWith("acknowledge.timeout: "),
                                              StartsWith("shutdown.drain_deadline: ")));
}

TEST(SettingsCheckTest, AWaitThatTheVendorWouldNotWaitForIsAFault) {
  Settings settings;
  settings.acknowledge.timeout = absl::Minutes(1);
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
  settings.acknowledge.timeout += absl::Milliseconds(1);
  EXPECT_THAT(FaultsOf(settings), ElementsAre(StartsWith("acknowledge.timeout: ")));
}

TEST(SettingsCheckTest, NamedSubscriptionsAreNamedOnceAndWaitedFor) {
  Settings settings;
  settings.subscriptions = {{"crm", {}}};
  settings.acknowledge.subscriptions = {"crm", "crm"};
  EXPECT_THAT(FaultsOf(settings), ElementsAre(HasSubstr("crm is named twice")));
  settings.acknowledge.subscriptions = {"crm"};
  settings.acknowledge.when = Settings::Acknowledge::When::kStored;
  EXPECT_THAT(FaultsOf(settings), ElementsAre(HasSubstr("waits for none")));
}

TEST(SettingsCheckTest, AReceiptNeedsASubscriptionThatIsDeclared) {
  Settings settings;
  settings.subscriptions = {{"crm", {}}};
  settings.acknowledge.subscriptions = {"crm", "billing"};
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(StartsWith("acknowledge.subscriptions: billing is not declared")));
}

TEST(SettingsCheckTest, ASourcesOwnAcknowledgeIsLookedAtAsThatOfAll) {
  using When = Settings::Acknowledge::When;
  const struct {
    const char* why;
    Settings::Acknowledge own;
    const char* fault;
  } kRows[] = {
      {"a wait of nothing",
       {When::kForwarded, {}, absl::ZeroDuration()},
       "sources[1].acknowledge.timeout: must be more than 0s"},
      {"a wait beyond the vendor's",
       {When::kForwarded, {}, absl::Hours(1)},
       "sources[1].acknowledge.timeout: must be more than 0s"},
      {"a name that is not declared",
       {When::kForwarded, {"billing"}, absl::Seconds(1)},
       "sources[1].acknowledge.subscriptions: billing is not declared"},
      {"a name twice",
       {When::kForwarded, {"crm", "crm"}, absl::Seconds(1)},
       "sources[1].acknowledge.subscriptions: crm is named twice"},
      {"names that nobody waits for",
       {When::kStored, {"crm"}, absl::Seconds(1)},
       "sources[1].acknowledge.subscriptions: names subscriptions, but "
       "sources[1].acknowledge.when is stored"},
  };
  for (const auto& row : kRows) {
    Settings settings;
    settings.subscriptions = {{"crm", {}}};
    settings.sources = {SourceNamed("a"), SourceNamed("b")};
    settings.sources[1].acknowledge = row.own;
    EXPECT_THAT(FaultsOf(settings), ElementsAre(StartsWith(row.fault))) << row.why;
  }
}

TEST(SettingsCheckTest, WhatASourceHasOfAllIsToldOnce) {
  Settings settings;
  settings.acknowledge.subscriptions = {"billing"};
  settings.sources = {SourceNamed("a"), SourceNamed("b")};
  for (Settings::Source& source : settings.sources) source.acknowledge = settings.acknowledge;
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(StartsWith("acknowledge.subscriptions: billing is not declared")));
  settings.subscriptions = {{"billing", {}}};
  settings.sources[1].acknowledge.when = Settings::Acknowledge::When::kStored;
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(StartsWith("sources[1].acknowledge.subscriptions: names subscriptions")));
}

TEST(SettingsCheckTest, LimitsThatMakeNoSenseBesideEachOtherAreFaults) {
  const struct {
    const char* fault;
    void (*set)(Settings& settings);
  } kRows[] = {
      {"http.max_head_bytes: ",
       [](Settings& s) { s.http.server.max_head_bytes = s.http.server.max_header_bytes - 1; }},
      {"http.max_head_bytes: ",
       [](Settings& s) { s.http.server.max_request_line_bytes = 64 * 1024 + 1; }},
      {"http.request_timeout: ",
       [](Settings& s) {
         s.http.server.request_timeout = s.http.server.head_timeout - absl::Milliseconds(1);
       }},
      {"http.max_waiting_callbacks: ",
       [](Settings& s) { s.http.max_waiting_callbacks = s.http.server.max_connections + 1; }},
      {"quarantine.size: ",
       [](Settings& s) {
         s.quarantine.size = static_cast<int64_t>(s.http.server.max_body_bytes) + 255;
       }},
      {"grpc.max_connections_per_peer: must be no more than grpc.max_connections, which is 1024",
       [](Settings& s) { s.grpc.server.max_connections_per_peer = 1025; }},
      {"grpc.max_connections_per_identity: ",
       [](Settings& s) { s.grpc.server.max_connections_per_identity = 1025; }},
      {"grpc.max_streams_per_identity: ",
       [](Settings& s) { s.grpc.server.max_streams_per_identity = s.grpc.server.max_streams + 1; }},
      {"grpc.memory_quota: ", [](Settings& s) { s.grpc.server.max_request_bytes = 64 << 20; }},
  };
  for (const auto& row : kRows) {
    Settings settings;
    row.set(settings);
    EXPECT_THAT(FaultsOf(settings), ElementsAre(StartsWith(row.fault)));
  }
}

TEST(SettingsCheckTest, ALimitThatNobodySetIsNoFaultBesideASmallerOne) {
  Settings settings;
  settings.grpc.server.max_connections = 4;
  settings.grpc.server.max_streams = 1;
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
}

TEST(SettingsCheckTest, LimitsMayMeet) {
  Settings settings;
  settings.http.server.max_head_bytes = settings.http.server.max_header_bytes;
  settings.http.server.request_timeout = settings.http.server.head_timeout;
  settings.http.max_waiting_callbacks = settings.http.server.max_connections;
  settings.quarantine.size = static_cast<int64_t>(settings.http.server.max_body_bytes) + 256;
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
}

}  // namespace
}  // namespace onhook
