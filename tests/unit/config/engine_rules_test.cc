#include "gateway/config/engine_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gateway/config/invocation.h"
#include "gateway/config/settings_table.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Strings = std::vector<std::string>;

Settings OnJetStream() {
  Settings settings;
  settings.store.engine = Settings::Store::Engine::kJetStream;
  return settings;
}

Strings TextsOf(const std::vector<SettingFault>& faults) {
  Strings texts;
  for (const SettingFault& fault : faults)
    texts.push_back(fault.setting + ": " + fault.description);
  return texts;
}

Strings FaultsOf(const Settings& settings) { return TextsOf(FindEngineFaults(settings)); }

// The lines of what is told to somebody who starts onhookd with these flags.
Strings Told(const Strings& flags) {
  const absl::StatusOr<Invocation> invocation = ReadInvocation(flags, {});
  if (invocation.ok()) return {};
  return Strings(absl::StrSplit(invocation.status().message(), '\n'));
}

TEST(EngineRulesTest, EachEngineCanBeRunWithItsDefaults) {
  EXPECT_THAT(FaultsOf({}), IsEmpty());
  EXPECT_THAT(FaultsOf(OnJetStream()), IsEmpty());
  EXPECT_THAT(Told({"--store-engine=jetstream"}), IsEmpty());
}

TEST(EngineRulesTest, WhatIsJetStreamsIsRefusedWithSqlite) {
  for (const Setting& setting : SettingsTable()) {
    const bool is_jetstreams = absl::StartsWith(setting.name, "store.jetstream.") ||
                               absl::StartsWith(setting.name, "store.spool.");
    EXPECT_EQ(FindForeignSettings({}, {setting.name}).empty(), !is_jetstreams) << setting.name;
  }
  EXPECT_THAT(Told({"--store-jetstream-replicas=1"}),
              ElementsAre(AllOf(StartsWith("store.jetstream.replicas (flag "),
                                HasSubstr("set store.engine to jetstream"))));
}

TEST(EngineRulesTest, TheDirectoryIsRefusedWithJetStream) {
  EXPECT_THAT(Told({"--store-engine=jetstream", "--store-directory=/var/lib/onhook"}),
              ElementsAre(AllOf(StartsWith("store.directory (flag --store-directory): "),
                                HasSubstr("set store.spool.directory"))));
}

TEST(EngineRulesTest, ADirectoryThatIsInTheEnvironmentIsTheImagesAndOnlyToldOf) {
  const absl::StatusOr<Invocation> invocation =
      ReadInvocation({"--store-engine=jetstream"}, {"ONHOOK_STORE_DIRECTORY=/var/lib/onhook"});
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  EXPECT_THAT(invocation->warnings,
              ElementsAre("store.directory (variable ONHOOK_STORE_DIRECTORY): has no effect with "
                          "store.engine jetstream"));
}

TEST(EngineRulesTest, WhatIsSaidOfADiskNeedsASpool) {
  const Strings of_disk = {"store.minimum_free_disk", "store.spool.patience",
                           "store.spool.max_events"};
  for (const std::string& name : of_disk) {
    Settings settings = OnJetStream();
    EXPECT_THAT(TextsOf(FindForeignSettings(settings, {name})),
                ElementsAre(StartsWith(name + ": has no effect")));
    settings.store.spool.directory = "spool";
    EXPECT_THAT(FindForeignSettings(settings, {name}), IsEmpty()) << name;
  }
}

TEST(EngineRulesTest, WhatIsGivenAsItIsByDefaultIsNotForeign) {
  EXPECT_THAT(Told({"--store-jetstream-replicas=3", "--store-jetstream-ownership=10000ms"}),
              IsEmpty());
}

TEST(EngineRulesTest, WhoTheGatewayIsIsSaidInOneWayAndWhole) {
  const auto fault_with = [](const char* credentials, const char* user, const char* password) {
    Settings settings = OnJetStream();
    settings.store.jetstream.credentials_file = credentials;
    settings.store.jetstream.user = user;
    settings.store.jetstream.password_file = password;
    return FaultsOf(settings);
  };
  EXPECT_THAT(fault_with("c", "", ""), IsEmpty());
  EXPECT_THAT(fault_with("", "u", "p"), IsEmpty());
  EXPECT_THAT(fault_with("", "u", ""),
              ElementsAre(StartsWith("store.jetstream.password_file: must be set")));
  EXPECT_THAT(fault_with("", "", "p"),
              ElementsAre(StartsWith("store.jetstream.user: must be set")));
  EXPECT_THAT(fault_with("c", "u", "p"),
              ElementsAre(AllOf(StartsWith("store.jetstream.user: "),
                                HasSubstr("beside store.jetstream.credentials_file"))));
}

TEST(EngineRulesTest, FilesOfTlsNeedServersOfTls) {
  Settings settings = OnJetStream();
  settings.store.jetstream.tls = {"ca", "certificate", "key"};
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(StartsWith("store.jetstream.tls.ca_file: "),
                          StartsWith("store.jetstream.tls.certificate_file: ")));
  settings.store.jetstream.servers = {"tls://a:1", "tls://b:1"};
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
}

TEST(EngineRulesTest, ACertificateAndItsKeyGoTogether) {
  Settings settings = OnJetStream();
  settings.store.jetstream.servers = {"tls://a:1"};
  settings.store.jetstream.tls.certificate_file = "certificate";
  EXPECT_THAT(FaultsOf(settings), ElementsAre(StartsWith("store.jetstream.tls.key_file: must be")));
  settings.store.jetstream.tls = {"", "", "key"};
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(StartsWith("store.jetstream.tls.certificate_file: must be")));
}

TEST(EngineRulesTest, NobodyIsLedToAServerWithoutTlsBesideOthersThatHaveIt) {
  Settings settings = OnJetStream();
  settings.store.jetstream.servers = {"tls://a:1", "nats://b:1"};
  EXPECT_THAT(FaultsOf(settings), ElementsAre(StartsWith("store.jetstream.servers: must be all")));
}

TEST(EngineRulesTest, ARepeatIsKnownForNoLongerThanItsEventIsKept) {
  Settings settings;
  settings.store.retention_age = absl::Hours(1);
  EXPECT_THAT(FaultsOf(settings), IsEmpty()) << "SQLite keeps identities by themselves";
  settings.store.engine = Settings::Store::Engine::kJetStream;
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(AllOf(StartsWith("store.deduplication_window: "), HasSubstr("is 1h"))));
  settings.store.deduplication_window = absl::Hours(1);
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
  settings.store.retention_age = std::nullopt;
  settings.store.deduplication_window = absl::Hours(1000);
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
  settings.store.deduplication_window = absl::Milliseconds(999);
  EXPECT_THAT(FaultsOf(settings), ElementsAre(HasSubstr("must be at least 1s")));
}

TEST(EngineRulesTest, ABacklogOfBytesIsRefusedWhereItStands) {
  Settings settings = OnJetStream();
  settings.subscriptions = {{"a", {}}, {"b", {}}};
  settings.subscriptions[1].spec.mutable_backlog_limit()->set_bytes(1 << 20);
  EXPECT_THAT(FaultsOf(settings),
              ElementsAre(StartsWith("subscriptions[1].backlog_limit.bytes: ")));
  settings.store.engine = Settings::Store::Engine::kSqlite;
  EXPECT_THAT(FaultsOf(settings), IsEmpty());
}

}  // namespace
}  // namespace onhook
