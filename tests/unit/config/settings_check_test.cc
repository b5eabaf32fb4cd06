#include "gateway/config/settings_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

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

}  // namespace
}  // namespace onhook
