// The gateway as a sidecar: its subscribers come through a Unix-domain socket.
#include <sys/stat.h>

#include "tests/component/gateway_fixture.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class UnixSocketGatewayTest : public GatewayTest {
 protected:
  UnixSocketGatewayTest() {
    settings_.grpc.server.unix_socket = absl::StrCat(directory_.path(), "/grpc.sock");
  }
  std::unique_ptr<v1::ReleaseEventService::Stub> StubThroughSocket() const {
    return v1::ReleaseEventService::NewStub(
        grpc::CreateCustomChannel(absl::StrCat("unix:", settings_.grpc.server.unix_socket),
                                  grpc::InsecureChannelCredentials(), OwnConnection()));
  }
};

TEST_F(UnixSocketGatewayTest, ACallbackReachesTheSubscriberThatCameThroughTheSocket) {
  StartGateway();
  const auto stub = StubThroughSocket();
  Subscriber subscriber(stub.get());
  subscriber.Open("crm");
  EXPECT_EQ(PostCall("1").body, kSuccess);
  const std::vector<v1::Delivery> deliveries = subscriber.Deliveries(1);
  EXPECT_THAT(CallsOf(deliveries), ElementsAre("1"));
  AckDurably(subscriber, deliveries);
}

TEST_F(UnixSocketGatewayTest, TheLogTellsItAndTheFileHasTheModeOfTheSetting) {
  settings_.grpc.server.unix_socket_mode = 0600;
  StartGateway();
  EXPECT_THAT(LogLines(),
              Contains(AllOf(HasSubstr(R"("msg":"listening")"),
                             HasSubstr(absl::StrCat("unix:", settings_.grpc.server.unix_socket)))));
  struct stat file {};
  ASSERT_EQ(stat(settings_.grpc.server.unix_socket.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0600u);
}

TEST_F(UnixSocketGatewayTest, ItIsThereAgainAfterARestart) {
  StartGateway();
  RestartGateway();
  const auto stub = StubThroughSocket();
  Subscriber subscriber(stub.get());
  EXPECT_EQ(subscriber.Open("crm").backlog_events(), 0);
}

TEST_F(UnixSocketGatewayTest, ASocketOfAnotherGatewayIsToldWithItsSetting) {
  StartGateway();
  Settings settings = settings_;
  settings.store.directory = absl::StrCat(directory_.path(), "/other");
  EXPECT_THAT(std::string(Gateway(settings, &clock_, &log_).Start().message()),
              StartsWith("grpc.unix_socket: "));
}

}  // namespace
}  // namespace onhook
