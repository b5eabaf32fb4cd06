// How the gateway comes and goes.
#include <fstream>
#include <thread>

#include "gateway/base/exit_code.h"
#include "gateway/outside_faults.h"
#include "gateway/store/store_damage.h"
#include "tests/component/gateway_fixture.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class LifeTest : public GatewayTest {
 protected:
  absl::Status StartAnother(const Settings& settings) {
    return Gateway(settings, &clock_, &log_).Start();
  }
  Settings OtherSettings() const {
    Settings settings = settings_;
    settings.store.directory = absl::StrCat(directory_.path(), "/other");
    return settings;
  }
};

TEST_F(LifeTest, AllProbesAreOkOnceItHasStarted) {
  StartGateway();
  for (const char* path : {"/livez", "/startupz", "/readyz"}) {
    EXPECT_EQ(AskAdmin(path).status, 200) << path;
    EXPECT_EQ(AskAdmin(path).body, "ok\n") << path;
  }
}

TEST_F(LifeTest, TheLogTellsEachPortInALine) {
  StartGateway();
  const std::pair<const char*, int> listeners[] = {{"http", gateway_->http_port()},
                                                   {"grpc", gateway_->grpc_port()},
                                                   {"admin", gateway_->admin_port()}};
  for (const auto& [name, port] : listeners) {
    EXPECT_NE(port, 0);
    EXPECT_THAT(LogLines(),
                Contains(AllOf(HasSubstr(R"("msg":"listening")"),
                               HasSubstr(absl::StrCat(R"("listener":")", name,
                                                      R"(","address":"127.0.0.1:)", port, "\"")))));
  }
}

TEST_F(LifeTest, TheLogWarnsThatTheSourceHasNoAuthentication) {
  StartGateway();
  EXPECT_THAT(LogLines(),
              Contains(AllOf(HasSubstr(R"("level":"warning")"), HasSubstr("no authentication"),
                             HasSubstr(R"("source":"default")"))));
}

// As if somebody took them since they were looked at.
TEST_F(LifeTest, WhatIsTakenAtTheLastMomentHasTheLineThatItWouldHaveHadBefore) {
  StartGateway();
  Settings taken_port = OtherSettings();
  taken_port.http.server.listen = absl::StrCat("127.0.0.1:", gateway_->http_port());
  Settings taken_store = OtherSettings();
  taken_store.store.directory = settings_.store.directory;
  for (const Settings& settings : {taken_port, taken_store}) {
    const std::vector<SettingFault> before = FindStartFaults(settings).faults;
    ASSERT_EQ(before.size(), 1u);
    ::testing::internal::CaptureStderr();
    const int exit_code = TellFailedStart(StartAnother(settings), Invocation(), log_);
    EXPECT_EQ(::testing::internal::GetCapturedStderr(),
              absl::StrCat(before[0].setting, " (default): ", before[0].description, "\n"));
    EXPECT_EQ(exit_code, 2);
  }
}

TEST_F(LifeTest, AStartThatFailsForNoFaultOfTheSettingsIsLogged) {
  const std::pair<absl::Status, ExitCode> failures[] = {
      {absl::UnavailableError("store.directory: no room"), kExitFailed},
      {StoreDamage("store.directory: damaged"), kExitBadStore},
      {absl::DataLossError("store.directory: not synced"), kExitDiskFailed}};
  for (const auto& [status, exit_code] : failures) {
    EXPECT_EQ(TellFailedStart(status, Invocation(), log_), exit_code) << status;
  }
  EXPECT_THAT(LogLines(), Contains(AllOf(HasSubstr(R"("msg":"cannot start")"),
                                         HasSubstr("store.directory: damaged"))));
}

TEST_F(LifeTest, ATakenPortIsToldWithItsSetting) {
  StartGateway();
  Settings settings = OtherSettings();
  settings.http.server.listen = absl::StrCat("127.0.0.1:", gateway_->http_port());
  EXPECT_THAT(std::string(StartAnother(settings).message()), StartsWith("http.listen: "));

  settings = OtherSettings();
  settings.grpc.server.listen = absl::StrCat("127.0.0.1:", gateway_->grpc_port());
  EXPECT_THAT(std::string(StartAnother(settings).message()), StartsWith("grpc.listen: "));

  settings = OtherSettings();
  settings.admin.server.listen = absl::StrCat("127.0.0.1:", gateway_->admin_port());
  EXPECT_THAT(std::string(StartAnother(settings).message()), StartsWith("admin.listen: "));
}

TEST_F(LifeTest, ADirectoryServesOneGatewayAtATime) {
  StartGateway();
  EXPECT_THAT(std::string(StartAnother(settings_).message()), StartsWith("store.directory: "));
}

TEST_F(LifeTest, ADirectoryThatCannotBeMadeIsToldWithItsSetting) {
  const std::string file = absl::StrCat(directory_.path(), "/file");
  std::ofstream(file) << "not a directory";
  settings_.store.directory = absl::StrCat(file, "/data");
  EXPECT_THAT(std::string(StartAnother(settings_).message()), StartsWith("store.directory: "));
}

TEST_F(LifeTest, AFailedStartLeavesNothingOpen) {
  StartGateway();
  Settings settings = OtherSettings();
  settings.http.server.listen = absl::StrCat("127.0.0.1:", gateway_->http_port());
  EXPECT_FALSE(StartAnother(settings).ok());
  // Neither its directory nor its other ports are held any more.
  EXPECT_TRUE(StartAnother(OtherSettings()).ok());
}

TEST_F(LifeTest, StoppingTellsTheStreamsAndStillTakesTheirAcks) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
  StartGateway();
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  PostCall("1");
  const std::vector<v1::Delivery> deliveries = subscriber.Deliveries(1);

  absl::Status stopped = absl::UnknownError("not yet");
  std::thread stopping([&] { stopped = gateway_->Stop(); });
  EXPECT_TRUE(subscriber.Next().has_go_away());
  // The callbacks' port is closed by now, and the probes know why.
  EXPECT_FALSE(RawHttpClient(gateway_->http_port()).connected());
  EXPECT_EQ(AskAdmin("/readyz").status, 503);
  EXPECT_THAT(AskAdmin("/readyz").body, HasSubstr("gateway: shutting down\n"));
  EXPECT_EQ(AskAdmin("/livez").status, 200);

  AckDurably(subscriber, deliveries);
  subscriber.HalfClose();
  const grpc::Status end = subscriber.End();
  EXPECT_TRUE(end.ok()) << end.error_message();
  stopping.join();
  EXPECT_TRUE(stopped.ok()) << stopped;

  gateway_.reset();
  StartGateway();
  EXPECT_EQ(Subscribe().Open("crm").backlog_events(), 0);
}

TEST_F(LifeTest, ACallbackUnderWayIsForwardedBeforeTheStreamsEnd) {
  StartGateway();
  const std::unique_ptr<Watcher> observer = FollowingWatch(/*observe_only=*/true);
  Subscriber subscriber = Subscribe();
  subscriber.MutableOpen()->set_max_outstanding_events(1);
  subscriber.Open("crm");
  EXPECT_EQ(PostCall("1").body, kSuccess);
  const std::vector<v1::Delivery> first = subscriber.Deliveries(1);

  // The subscriber is full, so this one waits.
  RawHttpClient vendor(gateway_->http_port());
  vendor.Send(PostOf(CallbackOf("2")));
  EXPECT_THAT(observer->Calls(2), ElementsAre("1", "2"));
  std::thread stopping([&] { EXPECT_TRUE(gateway_->Stop().ok()); });
  while (AskAdmin("/readyz").status == 200) {
  }

  subscriber.Ack(first);
  EXPECT_EQ(vendor.ReadAnswer().body, kSuccess);
  subscriber.HalfClose();
  subscriber.End();
  observer->End();
  stopping.join();
}

TEST_F(LifeTest, WhoeverStaysIsSentAwayAtTheDeadline) {
  settings_.shutdown.drain_deadline = absl::Seconds(1);
  StartGateway();
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  EXPECT_TRUE(gateway_->Stop().ok());
  EXPECT_EQ(subscriber.End().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(LifeTest, DuringTheDelayCallbacksAreStillTaken) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
  settings_.shutdown.delay = absl::Seconds(2);
  StartGateway();
  std::thread stopping([&] { EXPECT_TRUE(gateway_->Stop().ok()); });
  while (AskAdmin("/readyz").status == 200) {
  }
  EXPECT_EQ(PostCall("1").body, kSuccess);
  stopping.join();
}

TEST_F(LifeTest, StoppingTwiceIsStoppingOnce) {
  StartGateway();
  EXPECT_TRUE(gateway_->Stop().ok());
  EXPECT_TRUE(gateway_->Stop().ok());
}

}  // namespace
}  // namespace onhook
