// The program as it is shipped, when it gets no descriptor for another connection.
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <list>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/health_client.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/stream_clients.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(1);

// Not under the sanitizers: without descriptors their checks fail, and they report what is not so.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

// The limit on a process's descriptors, which can be lowered and comes back.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(pid_t pid) : pid_(pid) {
    EXPECT_EQ(prlimit(pid_, RLIMIT_NOFILE, nullptr, &before_), 0);
  }

  // As if descriptors from number `first` on had all been taken.
  void Lower(rlim_t first) const {
    const rlimit lower{first, before_.rlim_max};
    EXPECT_EQ(prlimit(pid_, RLIMIT_NOFILE, &lower, nullptr), 0);
  }
  void Restore() const { EXPECT_EQ(prlimit(pid_, RLIMIT_NOFILE, &before_, nullptr), 0); }

  // The number after the greatest that is in use.
  rlim_t InUse() const {
    rlim_t in_use = 0;
    for (const auto& each :
         std::filesystem::directory_iterator(absl::StrCat("/proc/", pid_, "/fd"))) {
      rlim_t number = 0;
      if (absl::SimpleAtoi(each.path().filename().string(), &number)) {
        in_use = std::max(in_use, number + 1);
      }
    }
    return in_use;
  }

 private:
  const pid_t pid_;
  rlimit before_{};
};

std::shared_ptr<grpc::Channel> ChannelTo(int port) {
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                   grpc::InsecureChannelCredentials(), OwnConnection());
}

// A health check over a connection of its own, which waits until there is one.
grpc::Status CheckHealth(int port, std::chrono::seconds patience) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + patience);
  context.set_wait_for_ready(true);
  const grpc::ByteBuffer request(nullptr, 0);
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification done;
  grpc::GenericStub(ChannelTo(port))
      .UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request, &response,
                 [&](grpc::Status ended) {
                   status = std::move(ended);
                   done.Notify();
                 });
  done.WaitForNotification();
  return status;
}

class OnhookdDescriptorsTest : public testing::Test {
 protected:
  void SetUp() override {
    OnhookdProcess::Options options;
    options.store_directory = store_.path();
    onhookd_ = std::make_unique<OnhookdProcess>(options);
    ASSERT_TRUE(onhookd_->WaitUntilListening(kPatience)) << onhookd_->log();
    limit_ = std::make_unique<DescriptorLimit>(onhookd_->pid());
    channel_ = ChannelTo(onhookd_->grpc_port());
    stub_ = v1::ReleaseEventService::NewStub(channel_);
  }
  bool Says(const std::string& text, int port) const {
    return onhookd_->WaitForLog(absl::StrCat(text, "\",\"listen\":\"127.0.0.1:0\",\"port\":", port),
                                kPatience);
  }
  // A callback, whose answer says that the event is stored, and perhaps that nobody got it.
  void Post(const std::string& call) const {
    const std::string body = absl::StrCat(R"({"callSerialNo":")", call, R"(","called":"2"})");
    RawHttpClient vendor(onhookd_->http_port());
    vendor.Send(absl::StrCat("POST /release-events HTTP/1.1\r\nHost: h\r\nContent-Length: ",
                             body.size(), "\r\n\r\n", body));
    EXPECT_THAT(vendor.ReadAnswer().body, testing::HasSubstr("retCode"));
  }

  const TemporaryDirectory store_;
  std::unique_ptr<OnhookdProcess> onhookd_;
  std::unique_ptr<DescriptorLimit> limit_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ReleaseEventService::Stub> stub_;
};

TEST_F(OnhookdDescriptorsTest, PortsWithoutDescriptorsSayItAndServeAgainOnceThereAreSome) {
  Subscriber subscriber(stub_.get());
  subscriber.Open("crm");
  limit_->Lower(1);
  RawHttpClient callback(onhookd_->http_port());
  callback.Send("GET /release-events HTTP/1.1\r\nHost: h\r\n\r\n");
  RawHttpClient probe(onhookd_->admin_port());
  probe.Send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n");
  RawHttpClient call(onhookd_->grpc_port());
  for (const int port : {onhookd_->http_port(), onhookd_->admin_port(), onhookd_->grpc_port()}) {
    EXPECT_TRUE(Says("there are no descriptors for another connection; others are closed", port))
        << onhookd_->log();
  }
  limit_->Restore();
  EXPECT_EQ(callback.ReadAnswer().status, 405);
  EXPECT_EQ(probe.ReadAnswer().status, 200);
  const grpc::Status health = CheckHealth(onhookd_->grpc_port(), std::chrono::seconds(30));
  EXPECT_TRUE(health.ok()) << health.error_message() << onhookd_->log();
  Post("1");
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), testing::ElementsAre("1"));
}

// What the same does to gRPC's own acceptor (CVE-2023-4785), and so what shows that this test would
// notice.
TEST(StockGrpcServerTest, IsSilentForGoodOnceItHadNoDescriptor) {
  ChildProcess server({ONHOOK_STOCK_GRPC_SERVER});
  int port = 0;
  ASSERT_TRUE(server.WaitForOutput(
      [&](absl::string_view output) {
        const std::vector<absl::string_view> words = absl::StrSplit(output, absl::ByAnyChar(" \n"));
        return words.size() > 2 && absl::SimpleAtoi(words[1], &port);
      },
      kPatience));
  ASSERT_TRUE(CheckHealth(port, std::chrono::seconds(30)).ok());
  const DescriptorLimit limit(server.pid());
  limit.Lower(1);
  RawHttpClient call(port);
  ASSERT_TRUE(server.WaitForOutput(
      [](absl::string_view output) { return absl::StrContains(output, "accept"); }, kPatience))
      << server.output();
  limit.Restore();
  EXPECT_EQ(CheckHealth(port, std::chrono::seconds(5)).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(OnhookdDescriptorsTest, WhoWatchesHealthHearsThatNobodyCanConnectAndThatTheyCanAgain) {
  // Connections without a stream are closed to make room.
  Subscriber subscriber(stub_.get());
  subscriber.Open("crm");
  HealthCall ingress(channel_, "Watch", "ingress");
  ASSERT_EQ(ingress.Next(), "SERVING");
  limit_->Lower(1);
  EXPECT_EQ(ingress.Next(), "NOT_SERVING") << onhookd_->log();
  limit_->Restore();
  EXPECT_EQ(ingress.Next(), "SERVING") << onhookd_->log();
}

TEST_F(OnhookdDescriptorsTest, WithoutDescriptorsForLongTheProgramEndsToBeStartedAnew) {
  limit_->Lower(1);
  const absl::Time begun = absl::Now();
  const std::optional<ProcessEnd> end = onhookd_->Wait(kPatience);
  RecordProperty("milliseconds_until_end",
                 static_cast<int>(absl::ToInt64Milliseconds(absl::Now() - begun)));
  EXPECT_EQ(end, (ProcessEnd{1, 0})) << onhookd_->log();
  EXPECT_TRUE(Says("nobody answers at the server's own port", onhookd_->grpc_port()))
      << onhookd_->log();
}

TEST_F(OnhookdDescriptorsTest, ConnectionsWithoutAStreamMakeRoomForCallsWhenDescriptorsRunOut) {
  Subscriber subscriber(stub_.get());
  subscriber.Open("crm");
  limit_->Lower(limit_->InUse() + 6);
  std::list<RawHttpClient> idle;
  for (int i = 0; i < 20; ++i) idle.emplace_back(onhookd_->grpc_port());
  for (int i = 0; i < 3; ++i) {
    const grpc::Status health = CheckHealth(onhookd_->grpc_port(), std::chrono::seconds(30));
    EXPECT_TRUE(health.ok()) << health.error_message() << onhookd_->log();
  }
  EXPECT_FALSE(onhookd_->Wait(absl::ZeroDuration()).has_value());
  limit_->Restore();
  Post("1");
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), testing::ElementsAre("1"));
}
#endif

}  // namespace
}  // namespace onhook
