#include "gateway/config/settings_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/base/ip_network.h"

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

TEST(SettingsCheckTest, CallbacksFromOtherMachinesNeedASettingThatSaysSo) {
  for (const char* listen : {"0.0.0.0:8080", "[::]:8080", "192.0.2.7:8080", "example.org:8080"}) {
    Settings settings;
    settings.http.server.listen = listen;
    EXPECT_THAT(FaultsOf(settings),
                ElementsAre(AllOf(StartsWith("http.listen: "), HasSubstr(listen),
                                  HasSubstr("set http.allow_unauthenticated to true"))));
    settings.http.allow_unauthenticated = true;
    EXPECT_THAT(FaultsOf(settings), IsEmpty());
  }
}

Settings::Source SourceNamed(const std::string& name) {
  Settings::Source source;
  source.name = name;
  source.path = "/" + name;
  return source;
}

TEST(SettingsCheckTest, EachSourceBeyondThisMachineMustProveItself) {
  using Enforce = Settings::Source::SharedKey::Enforce;
  Settings::Source token = SourceNamed("token");
  token.path_token_file = "f";
  Settings::Source key = SourceNamed("key");
  key.shared_key.emplace();
  Settings::Source bearer = SourceNamed("bearer");
  bearer.bearer.emplace();
  Settings::Source basic = SourceNamed("basic");
  basic.basic.emplace();
  Settings::Source reported = SourceNamed("reported");
  reported.shared_key.emplace().enforce = Enforce::kReport;
  Settings::Source networks = SourceNamed("networks");
  networks.allowed_networks.push_back(IpNetwork::Parse("198.51.100.0/24").value());

  Settings settings;
  settings.http.server.listen = "0.0.0.0:8080";
  settings.sources = {token, key, bearer, basic};
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
  settings.sources.push_back(reported);
  EXPECT_THAT(FaultsOf(settings), ElementsAre(HasSubstr("the source \"reported\" has no")));
  settings.sources.push_back(networks);
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(HasSubstr("the sources \"reported\", \"networks\" have no")));
  settings.http.server.listen = "127.0.0.1:8080";
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
  reported.path_token_file = "f";
  settings.http.server.listen = "0.0.0.0:8080";
  settings.sources = {reported};
  EXPECT_THAT(FaultsOf(settings), IsEmpty()) << "the token keeps strangers out";
}

TEST(SettingsCheckTest, SubscribersOnOtherMachinesNeedASettingThatSaysSo) {
  Settings settings;
  settings.grpc.server.listen = "0.0.0.0:50051";
  settings.http.allow_unauthenticated = true;  // the other port's does not help
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(AllOf(StartsWith("grpc.listen: "),
                                HasSubstr("set grpc.allow_unauthenticated to true"))));
  settings.grpc.allow_unauthenticated = true;
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
}

TEST(SettingsCheckTest, ProbesMayComeFromAnywhere) {
  Settings settings;
  settings.admin.server.listen = "0.0.0.0:8081";
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
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
              ElementsAre(StartsWith("sources[1].acknowledge.subscriptions: names subscriptions, "
                                     "those of all sources, but")));
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
  };
  for (const auto& row : kRows) {
    Settings settings;
    row.set(settings);
    EXPECT_THAT(FaultsOf(settings), ElementsAre(StartsWith(row.fault)));
  }
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
