#include "gateway/base/service_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/base/clock.h"
#include "tests/support/notify_socket.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Optional;

constexpr absl::Duration kPatience = absl::Seconds(60);

class ServiceManagerTest : public ::testing::Test {
 protected:
  ~ServiceManagerTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }

  static void Set(const char* name, const std::string& value) { setenv(name, value.c_str(), 1); }
  ServiceManager FromEnvironment() const { return ServiceManager::FromEnvironment(&log_); }

  TemporaryDirectory directory_;
  std::vector<std::string> lines_;
  SystemClock clock_;
  Log log_{&clock_, LogLevel::kDebug, Log::Format::kJson,
           [this](absl::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(ServiceManagerTest, EachPieceOfNewsIsADatagramOfItsOwn) {
  const std::string names[] = {
      directory_.path() + "/notify",
      absl::StrCat("@onhook-test-", directory_.path()),  // an abstract name, as systemd may use
  };
  for (const std::string& name : names) {
    const NotifySocket manager(name);
    Set("NOTIFY_SOCKET", name);
    const ServiceManager told = FromEnvironment();
    told.Ready();
    told.Reloading();
    told.Ready();
    told.KeepAlive();
    told.Stopping();
    EXPECT_THAT(manager.Next(kPatience), Optional(std::string("READY=1")));
    EXPECT_THAT(manager.Next(kPatience),
                Optional(MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+")));
    EXPECT_THAT(manager.Next(kPatience), Optional(std::string("READY=1")));
    EXPECT_THAT(manager.Next(kPatience), Optional(std::string("WATCHDOG=1")));
    EXPECT_THAT(manager.Next(kPatience), Optional(std::string("STOPPING=1")));
  }
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(ServiceManagerTest, WithoutAManagerNobodyIsTold) {
  const ServiceManager told = FromEnvironment();
  told.Ready();
  told.Stopping();
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(ServiceManagerTest, AManagerThatCannotBeToldIsLoggedAndNoMore) {
  const std::string names[] = {
      directory_.path() + "/nobody",             // nobody listens
      "vsock:2:1234",                            // a form that is not spoken
      absl::StrCat("/", std::string(200, 'n')),  // longer than the system takes
  };
  for (const std::string& name : names) {
    lines_.clear();
    ServiceManager(name, &log_).Ready();
    EXPECT_THAT(lines_, ElementsAre(HasSubstr(R"("news":"READY=1")"))) << name;
  }
}

TEST_F(ServiceManagerTest, AWatchdogIsKnownWhereItIsOfThisProcess) {
  EXPECT_EQ(FromEnvironment().watchdog(), std::nullopt);
  Set("WATCHDOG_USEC", "30000000");
  EXPECT_EQ(FromEnvironment().watchdog(), absl::Seconds(30));
  Set("WATCHDOG_PID", absl::StrCat(getpid()));
  EXPECT_EQ(FromEnvironment().watchdog(), absl::Seconds(30));
  Set("WATCHDOG_PID", absl::StrCat(getppid()));
  EXPECT_EQ(FromEnvironment().watchdog(), std::nullopt);
}

TEST_F(ServiceManagerTest, AWatchdogThatSaysNoTimeIsNone) {
  for (const char* value : {"", "0", "-1", "soon"}) {
    Set("WATCHDOG_USEC", value);
    EXPECT_EQ(FromEnvironment().watchdog(), std::nullopt) << value;
  }
}

}  // namespace
}  // namespace onhook
