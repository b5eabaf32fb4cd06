#include "gateway/config/settings_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(SettingsCheckTest, TheDefaultsCanBeRunWith) { EXPECT_THAT(CheckSettings({}), IsEmpty()); }

TEST(SettingsCheckTest, CallbacksFromOtherMachinesNeedASettingThatSaysSo) {
  for (const char* listen : {"0.0.0.0:8080", "[::]:8080", "192.0.2.7:8080", "example.org:8080"}) {
    Settings settings;
    settings.http.server.listen = listen;
    EXPECT_THAT(CheckSettings(settings),
                ElementsAre(AllOf(StartsWith("http.listen: "), HasSubstr(listen),
                                  HasSubstr("set http.allow_unauthenticated to true"))));
    settings.http.allow_unauthenticated = true;
    EXPECT_THAT(CheckSettings(settings), IsEmpty());
  }
}

TEST(SettingsCheckTest, SubscribersOnOtherMachinesNeedASettingThatSaysSo) {
  Settings settings;
  settings.grpc.server.listen = "0.0.0.0:50051";
  settings.http.allow_unauthenticated = true;  // the other port's does not help
  EXPECT_THAT(CheckSettings(settings),
              ElementsAre(AllOf(StartsWith("grpc.listen: "),
                                HasSubstr("set grpc.allow_unauthenticated to true"))));
  settings.grpc.allow_unauthenticated = true;
  EXPECT_THAT(CheckSettings(settings), IsEmpty());
}

TEST(SettingsCheckTest, ProbesMayComeFromAnywhere) {
  Settings settings;
  settings.admin.server.listen = "0.0.0.0:8081";
  EXPECT_THAT(CheckSettings(settings), IsEmpty());
}

TEST(SettingsCheckTest, TimesThatLeaveNoTimeAreFaults) {
  Settings settings;
  settings.acknowledge.timeout = absl::ZeroDuration();
  settings.shutdown.drain_deadline = absl::ZeroDuration();
  EXPECT_THAT(CheckSettings(settings), ElementsAre(StartsWith("acknowledge.timeout: "),
                                                   StartsWith("shutdown.drain_deadline: ")));
}

}  // namespace
}  // namespace onhook
