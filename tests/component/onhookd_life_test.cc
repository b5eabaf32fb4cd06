// How the program comes and goes, step by step, as a service manager and Kubernetes see it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/health_client.h"
#include "tests/support/notify_socket.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/stream_clients.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;
using ::testing::StartsWith;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr char kSuccess[] = R"({"retCode":"0","retMsg":"success"})";

class OnhookdLifeTest : public ::testing::Test {
 protected:
  OnhookdLifeTest() {
    options_.store_directory = directory_.path() + "/store";
    options_.more_arguments = {"--shutdown-drain-deadline=40s"};
    Flag("--config", directory_.Write("onhook.yaml",
                                      "sources: [{name: default, path: /release-events, "
                                      "acknowledge: {when: stored}}]\n"));
    setenv("NOTIFY_SOCKET", manager_.name().c_str(), 1);
  }
  ~OnhookdLifeTest() override { unsetenv("NOTIFY_SOCKET"); }

  void Flag(const std::string& name, const std::string& value) {
    options_.more_arguments.push_back(absl::StrCat(name, "=", value));
  }
  void Begin() { onhookd_ = std::make_unique<OnhookdProcess>(options_); }
  void Start() {
    Begin();
    ASSERT_TRUE(onhookd_->WaitUntilListening(kPatience)) << onhookd_->log();
    ASSERT_THAT(News(), Optional(std::string("READY=1")));
    stub_ = v1::ReleaseEventService::NewStub(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", onhookd_->grpc_port()),
                                  grpc::InsecureChannelCredentials(), OwnConnection()));
  }
  void ExpectEnd(const ProcessEnd& end) {
    EXPECT_EQ(onhookd_->Wait(kPatience), end) << onhookd_->log();
  }
  // All that is owed to the subscription, by another process on the same store.
  std::vector<v1::Delivery> OwedAfterwards(size_t count) {
    Start();
    Subscriber subscriber(stub_.get());
    EXPECT_EQ(subscriber.Open("crm").backlog_events(), static_cast<int64_t>(count));
    return subscriber.Deliveries(count);
  }

  std::optional<std::string> News() const { return manager_.Next(kPatience); }
  RawAnswer Ask(const std::string& path) const {
    return RawHttpClient(onhookd_->admin_port())
        .Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: h\r\n\r\n"))
        .ReadAnswer();
  }
  std::string Health(const std::string& service) const {
    return CheckHealth(onhookd_->grpc_port(), service);
  }
  static std::string PostOf(const std::string& call) {
    const std::string body = absl::StrCat(R"({"callSerialNo":")", call, R"(","called":"2"})");
    return absl::StrCat("POST /release-events HTTP/1.1\r\nHost: h\r\nContent-Length: ", body.size(),
                        "\r\n\r\n", body);
  }
  RawAnswer Post(const std::string& call) const {
    return RawHttpClient(onhookd_->http_port()).Send(PostOf(call)).ReadAnswer();
  }
  // Until the callbacks' port takes no connection any more, which ends idle ones too.
  void AwaitClosedPort() const {
    for (bool is_open = true; is_open;) {
      RawHttpClient idle(onhookd_->http_port());
      is_open = idle.connected();
      if (is_open) idle.IsClosed();
    }
  }
  bool WriteAheadLogIsEmpty() const {
    const std::string file = options_.store_directory + "/onhook.db-wal";
    return !std::filesystem::exists(file) || std::filesystem::file_size(file) == 0;
  }

  const TemporaryDirectory directory_;
  const NotifySocket manager_{directory_.path() + "/notify"};
  OnhookdProcess::Options options_;
  std::unique_ptr<OnhookdProcess> onhookd_;
  std::unique_ptr<v1::ReleaseEventService::Stub> stub_;
};

TEST_F(OnhookdLifeTest, AServiceManagerHearsOfEachStep) {
  Start();
  kill(onhookd_->pid(), SIGHUP);
  EXPECT_THAT(News(), Optional(StartsWith("RELOADING=1\nMONOTONIC_USEC=")));
  EXPECT_THAT(News(), Optional(std::string("READY=1")));
  onhookd_->Terminate();
  EXPECT_THAT(News(), Optional(std::string("STOPPING=1")));
  ExpectEnd({0, 0});
}

TEST_F(OnhookdLifeTest, AWatchdogHearsOfItAgainAndAgain) {
  setenv("WATCHDOG_USEC", "200000", 1);
  Start();
  unsetenv("WATCHDOG_USEC");
  for (int i = 0; i < 3; ++i) EXPECT_THAT(News(), Optional(std::string("WATCHDOG=1")));
}

TEST_F(OnhookdLifeTest, TheEndGoesStepByStepAndNothingIsLost) {
  Flag("--shutdown-delay", "5s");
  Start();
  Subscriber subscriber(stub_.get());
  subscriber.Open("crm");
  EXPECT_EQ(Post("before").body, kSuccess);
  std::vector<v1::Delivery> deliveries = subscriber.Deliveries(1);
  HealthCall delivery(onhookd_->grpc_port(), "Watch", "delivery");
  ASSERT_EQ(delivery.Next(), "SERVING");

  onhookd_->Terminate();
  EXPECT_THAT(News(), Optional(std::string("STOPPING=1")));
  // 1. Nobody is to send here any more; whoever does not know yet is answered as ever.
  while (Ask("/readyz").status == 200) {
  }
  EXPECT_THAT(Ask("/readyz").body, HasSubstr("gateway: shutting down"));
  EXPECT_EQ(Ask("/livez").status, 200);
  EXPECT_EQ(Health("ingress"), "NOT_SERVING");
  EXPECT_EQ(Health(""), "NOT_SERVING");
  EXPECT_EQ(Health("delivery"), "SERVING");
  EXPECT_EQ(Post("during the delay").body, kSuccess);
  const std::string in_flight = PostOf("in flight");
  RawHttpClient vendor(onhookd_->http_port());
  const size_t sent_before = in_flight.size() - 10;  // its head and some of its body
  vendor.Send(in_flight.substr(0, sent_before));
  // 2. No connection is accepted; the request under way is finished.
  AwaitClosedPort();
  EXPECT_EQ(vendor.Send(in_flight.substr(sent_before)).ReadAnswer().body, kSuccess);
  for (const v1::Delivery& each : subscriber.Deliveries(2)) deliveries.push_back(each);
  EXPECT_THAT(CallsOf(deliveries), ElementsAre("before", "during the delay", "in flight"));
  // 3. The streams are told, and what they settle still counts.
  EXPECT_TRUE(subscriber.Next().has_go_away());
  EXPECT_EQ(delivery.Next(), "NOT_SERVING");
  deliveries.pop_back();
  // For longer than calls get that are no streams: until a slow prober is turned away.
  EXPECT_EQ(RawHttpClient(onhookd_->admin_port()).Send("GET ").ReadAnswer().status, 408);
  subscriber.Ack(deliveries, 7);
  EXPECT_EQ(subscriber.Results().exceptions_size(), 0);
  subscriber.HalfClose();
  const grpc::Status end = subscriber.End();
  EXPECT_TRUE(end.ok()) << end.error_message();
  // 4. Everything lies in one file.
  ExpectEnd({0, 0});
  EXPECT_THAT(onhookd_->log(), HasSubstr(R"("msg":"stopped")"));
  EXPECT_TRUE(WriteAheadLogIsEmpty());
  EXPECT_THAT(CallsOf(OwedAfterwards(1)), ElementsAre("in flight"));
}

TEST_F(OnhookdLifeTest, AnInterruptFromAKeyboardEndsItInOrderToo) {
  Start();
  kill(onhookd_->pid(), SIGINT);
  EXPECT_THAT(News(), Optional(std::string("STOPPING=1")));
  ExpectEnd({0, 0});
  EXPECT_TRUE(WriteAheadLogIsEmpty());
}

TEST_F(OnhookdLifeTest, ASecondSignalEndsItAtOnceAndNothingIsLost) {
  for (const int second : {SIGTERM, SIGINT}) {
    Start();
    {
      Subscriber subscriber(stub_.get());
      subscriber.Open("crm");
      EXPECT_EQ(Post("1").body, kSuccess);  // the second time a repeat
      const std::vector<v1::Delivery> held = subscriber.Deliveries(1);
      EXPECT_THAT(CallsOf(held), ElementsAre("1"));
      onhookd_->Terminate();
      EXPECT_TRUE(subscriber.Next().has_go_away());  // and stays
      kill(onhookd_->pid(), second);
      ExpectEnd({128 + second, 0});
    }
    EXPECT_THAT(News(), Optional(std::string("STOPPING=1")));
  }
  const std::vector<v1::Delivery> owed = OwedAfterwards(1);
  EXPECT_THAT(CallsOf(owed), ElementsAre("1"));
  EXPECT_EQ(owed.front().attempt(), 1) << "an end is nobody's fault";
}

TEST_F(OnhookdLifeTest, WhoDoesNotGoIsLeftAtTheDrainDeadlineAndOwedTheEvent) {
  options_.more_arguments.front() = "--shutdown-drain-deadline=1s";
  Start();
  Subscriber subscriber(stub_.get());
  subscriber.Open("crm");
  EXPECT_EQ(Post("1").body, kSuccess);
  subscriber.Deliveries(1);
  onhookd_->Terminate();
  EXPECT_THAT(News(), Optional(std::string("STOPPING=1")));
  EXPECT_EQ(subscriber.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  ExpectEnd({0, 0});
  EXPECT_TRUE(WriteAheadLogIsEmpty());
  const std::vector<v1::Delivery> owed = OwedAfterwards(1);
  EXPECT_THAT(CallsOf(owed), ElementsAre("1"));
  EXPECT_EQ(owed.front().attempt(), 1);
}

// A dead disk gives its file to nobody who asks; here a lease keeps it back, for longer than it
// takes.
TEST_F(OnhookdLifeTest, AReloadThatHangsKeepsNoEndWaiting) {
  ASSERT_NO_FATAL_FAILURE(Start());
  signal(SIGIO, SIG_IGN);  // the lease's news
  const int file = open((directory_.path() + "/onhook.yaml").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(file, 0);
  ASSERT_EQ(fcntl(file, F_SETLEASE, F_WRLCK), 0);
  kill(onhookd_->pid(), SIGHUP);
  EXPECT_THAT(News(), Optional(StartsWith("RELOADING=1")));
  onhookd_->Terminate();
  ExpectEnd({1, 0});
  EXPECT_THAT(onhookd_->log(), HasSubstr("asked to end while reading its settings again hangs"));
  close(file);
}

TEST_F(OnhookdLifeTest, ARecoveryIsToldOfAndEndedAtOnce) {
  if (access("/usr/bin/strace", X_OK) != 0) GTEST_SKIP() << "no strace";
  // Each sync of the disk takes so long, and a store's start takes several.
  options_.runner = {"/usr/bin/strace",
                     "--daemonize",
                     "-f",
                     "-qq",
                     "-o",
                     "/dev/null",
                     "-e",
                     "trace=fsync,fdatasync",
                     "-e",
                     "inject=fsync,fdatasync:delay_enter=3s"};
  Begin();
  ASSERT_TRUE(onhookd_->WaitUntilAdminListens(kPatience)) << onhookd_->log();
  EXPECT_EQ(Ask("/livez").status, 200);
  EXPECT_EQ(Ask("/startupz").status, 503);
  const auto tells =
      AllOf(StartsWith("gateway: starting: recovers the store"), HasSubstr(", for "));
  EXPECT_THAT(Ask("/startupz").body, tells);
  EXPECT_THAT(Ask("/readyz").body, tells);
  EXPECT_TRUE(
      onhookd_->WaitForLogLines({R"("msg":"recovering the store")", R"("step":")"}, 2, kPatience))
      << onhookd_->log();
  onhookd_->Terminate();
  ExpectEnd({0, 0});
  EXPECT_THAT(onhookd_->log(), HasSubstr("asked to end before it had started"));
  EXPECT_THAT(onhookd_->log(), Not(HasSubstr(R"("listener":"http")")));
  options_.runner.clear();
  Start();
  EXPECT_EQ(Post("1").body, kSuccess);
}

// A file system of the program's own, that is filled and made free again.
class OnhookdDiskTest : public OnhookdLifeTest {
 protected:
  OnhookdDiskTest() {
    mkdir(options_.store_directory.c_str(), 0700);
    options_.prepare = [&directory = options_.store_directory] {
      const int spaces = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS;
      return unshare(spaces) == 0 &&
             mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
             mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=64m") == 0;
    };
    Flag("--store-minimum-free-disk", "16MiB");
  }
  std::string Filling() const {
    return absl::StrCat("/proc/", onhookd_->pid(), "/root", options_.store_directory, "/filling");
  }
  void Fill() const {
    const std::string megabyte(1 << 20, '.');
    std::ofstream file(Filling(), std::ios::binary);
    for (int i = 0; i < 52; ++i) file << megabyte;
  }
};

TEST_F(OnhookdDiskTest, AFullDiskIsToldEverywhereAndHealsByItself) {
  ASSERT_NO_FATAL_FAILURE(Start());
  Subscriber subscriber(stub_.get());
  subscriber.Open("crm");
  EXPECT_EQ(Post("1").body, kSuccess);
  const std::vector<v1::Delivery> held = subscriber.Deliveries(1);
  HealthCall ingress(onhookd_->grpc_port(), "Watch", "ingress");
  ASSERT_EQ(ingress.Next(), "SERVING");

  Fill();
  EXPECT_EQ(ingress.Next(), "NOT_SERVING");
  EXPECT_EQ(Health("delivery"), "SERVING");
  EXPECT_THAT(Ask("/readyz").body, StartsWith("store: "));
  EXPECT_EQ(Post("2").status, 503);
  EXPECT_EQ(Ask("/livez").status, 200);
  subscriber.Ack(held, 7);
  EXPECT_EQ(subscriber.Results().exceptions_size(), 0) << "what is held can be settled";

  ASSERT_TRUE(std::filesystem::remove(Filling()));
  EXPECT_EQ(ingress.Next(), "SERVING");
  EXPECT_EQ(Ask("/readyz").status, 200);
  EXPECT_EQ(Post("2").body, kSuccess);
  EXPECT_THAT(CallsOf(subscriber.Deliveries(1)), ElementsAre("2"));
}

}  // namespace
}  // namespace onhook
