// What a running gateway takes of an access list that is read again.
#include "gateway/outside_faults.h"
#include "tests/component/reload_fixture.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class ReloadTest : public ReloadFixture {
 protected:
  Settings::Identity Collector(const std::string& name) const {
    Settings::Identity identity;
    identity.name = name;
    identity.token_files = {directory_.Write(name, TokenOf(name))};
    identity.monitor = true;
    return identity;
  }
  static std::string TokenOf(const std::string& name) {
    return absl::StrCat("token-of-", name, "-0000000");
  }
  int AskForMetrics(const std::string& name) const { return AnswerTo(name).status; }
  RawAnswer AnswerTo(const std::string& name) const {
    return RawHttpClient(gateway_->admin_port())
        .Send(absl::StrCat("GET /metrics HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ",
                           TokenOf(name), "\r\n\r\n"))
        .ReadAnswer();
  }
  // As `name`, who may monitor, sees it.
  void ExpectReloadSuccessful(bool successful, const std::string& name) const {
    EXPECT_THAT(AnswerTo(name).body,
                HasSubstr(absl::StrCat("\nonhook_config_last_reload_successful ",
                                       successful ? 1 : 0, "\n")));
  }
};

TEST_F(ReloadTest, AnotherAccessListIsTaken) {
  settings_.access = {Collector("first")};
  StartGateway();
  EXPECT_EQ(AskForMetrics("first"), 200);
  EXPECT_EQ(AskForMetrics("second"), 401);
  settings_.access = {Collector("second")};
  Reload(settings_);
  EXPECT_EQ(AskForMetrics("first"), 401);
  ExpectReloadSuccessful(true, "second");
  EXPECT_THAT(LogLines(), Contains(AllOf(HasSubstr("what changed here is in use"),
                                         HasSubstr(R"("settings":"access")"))));
}

TEST_F(ReloadTest, SettingsThatAreNoGoodLeaveTheListInUseAndEachFaultIsLogged) {
  settings_.access = {Collector("first")};
  StartGateway();
  Reload(absl::InvalidArgumentError("f:1:1: a: no such key\nf:2:1: b: no such key"));
  ExpectReloadSuccessful(false, "first");
  EXPECT_THAT(LogLines(), AllOf(Contains(HasSubstr("f:1:1: a: no such key\"")),
                                Contains(HasSubstr("f:2:1: b: no such key\""))));
  Reload(settings_);
  ExpectReloadSuccessful(true, "first");
}

TEST_F(ReloadTest, AListThatCannotBeUsedLeavesTheOldOneInUse) {
  settings_.access = {Collector("first")};
  StartGateway();
  Settings::Identity second = Collector("second");
  second.token_files = {directory_.path() + "/absent"};
  settings_.access = {second};
  Reload(settings_);
  ExpectReloadSuccessful(false, "first");
  EXPECT_THAT(LogLines(),
              Contains(AllOf(HasSubstr("access: identity \\\"second\\\""), HasSubstr("absent"))));
}

TEST_F(ReloadTest, AListThatIsGoneOpensNothing) {
  settings_.access = {Collector("first")};
  StartGateway();
  settings_.access.clear();
  Reload(settings_);
  EXPECT_EQ(AskForMetrics("second"), 401);
  ExpectReloadSuccessful(false, "first");
  EXPECT_THAT(LogLines(), Contains(HasSubstr("takes a restart")));
}

TEST_F(ReloadTest, AListWhereThereWasNoneTakesARestart) {
  StartGateway();
  settings_.access = {Collector("first")};
  Reload(settings_);
  ExpectReloadSuccessful(false, "anybody");
}

TEST_F(ReloadTest, WhatTakesARestartIsNamed) {
  settings_.access = {Collector("first")};
  StartGateway();
  settings_.access.push_back(Collector("second"));
  settings_.grpc.server.max_request_bytes = 65536;
  settings_.store.memory_tail = 1 << 20;
  Reload(settings_);
  ExpectReloadSuccessful(true, "second");
  EXPECT_THAT(
      LogLines(),
      Contains(AllOf(HasSubstr("takes a restart"),
                     HasSubstr(R"("settings":"store.memory_tail, grpc.max_request_bytes")"))));
}

// The new settings are good by themselves; what would answer by the new list is the port as it is.
TEST_F(ReloadTest, AListThatGoesWithAnotherPortOnlyIsNotTaken) {
  settings_.access = {Collector("first")};
  settings_.admin.server.listen = "0x7f000001:0";  // loopback, which the rules cannot know
  settings_.admin.allow_unauthenticated = true;
  StartGateway();
  settings_.access.push_back(Collector("second"));
  settings_.access[1].watch = true;
  settings_.admin.server.listen = "127.0.0.1:0";
  Reload(settings_);
  EXPECT_EQ(AskForMetrics("second"), 401);
  ExpectReloadSuccessful(false, "first");
  EXPECT_THAT(LogLines(), Contains(AllOf(HasSubstr("beside what takes a restart, and is as it was"),
                                         HasSubstr("could take the token of the identity"))));
}

TEST_F(ReloadTest, NothingThatChangedIsNothingToTake) {
  settings_.access = {Collector("first")};
  StartGateway();
  const Settings same = settings_;
  Reload(same);
  ExpectReloadSuccessful(true, "first");
  EXPECT_THAT(LogLines(), AllOf(Not(Contains(HasSubstr("is in use\""))),
                                Not(Contains(HasSubstr("takes a restart")))));
}

TEST_F(ReloadTest, CheckLooksAtTheFilesOfTokensAndCertificates) {
  settings_.access = {Collector("first"), Collector("second")};
  EXPECT_TRUE(FindOutsideFaults(settings_).faults.empty());
  settings_.access[1].token_files = {directory_.path() + "/absent"};
  settings_.grpc.tls.certificate_file = directory_.path() + "/absent.crt";
  settings_.grpc.tls.key_file = directory_.path() + "/absent.key";
  const std::vector<SettingFault> faults = FindOutsideFaults(settings_).faults;
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_EQ(faults[0].setting, "access[1].token_files");
  EXPECT_EQ(faults[1].setting, "grpc.tls.certificate_file");
  EXPECT_THAT(faults[1].description, HasSubstr("absent.crt"));
  EXPECT_EQ(faults[2].setting, "grpc.tls.key_file");
}

}  // namespace
}  // namespace onhook
