// Rolling restarts under load: what an update of the gateway looks like to everybody around it.
//
//   ONHOOK_RESTARTS=50 build/release/tests/crash/crash_test --gtest_filter='RollingRestartTest.*'
#include <cstdint>
#include <iostream>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/crash/call_ledger.h"
#include "tests/crash/callback_load.h"
#include "tests/crash/client_backend.h"
#include "tests/crash/gateway_address.h"
#include "tests/crash/recording_subscriber.h"
#include "tests/crash/run_parameters.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int kConnections = 8;
constexpr int64_t kCallbacksEachRound = 200;

// One store, the gateways that follow each other on it, the vendor, and three backends: one with
// the client library, at a Unix-domain socket that each gateway opens anew; one that leaves some
// events unsettled on each stream; and one that settles nothing before the end.
class RollingRestartTest : public testing::Test {
 protected:
  ~RollingRestartTest() override {
    address_.Close();
    load_.reset();
    client_.reset();
    gateway_.reset();
  }

  void BeginBackends(absl::Duration ack_deadline) {
    RecordingSubscriber::Options options;
    options.terms.is_blameless = true;
    options.ack_deadline = ack_deadline;
    most_.emplace("most", RecordingSubscriber::Mode::kAckMost, seed_, &address_, &ledger_, options);
    none_.emplace("none", RecordingSubscriber::Mode::kAckNothing, seed_, &address_, &ledger_,
                  options);
    client_.emplace("client", absl::StrCat("unix:", socket_), /*withheld_one_in=*/50, &ledger_);
  }
  void BeginLoad() {
    load_.emplace(&address_, &ledger_, kConnections, std::numeric_limits<int64_t>::max());
  }
  void Start() {
    OnhookdProcess::Options options;
    options.store_directory = directory_.path() + "/store";
    options.more_arguments = {absl::StrCat("--grpc-unix-socket=", socket_),
                              absl::StrCat("--shutdown-delay=", shutdown_delay_),
                              // Half of it is the callbacks'.
                              "--shutdown-drain-deadline=60s"};
    gateway_.emplace(options);
    ASSERT_TRUE(gateway_->WaitUntilListening(kPatience)) << gateway_->log();
    address_.Publish(gateway_->http_port(), gateway_->grpc_port());
  }
  void Work() {
    EXPECT_TRUE(ledger_.WaitUntilPromised(ledger_.promised() + kCallbacksEachRound, kPatience))
        << gateway_->log();
  }
  void Terminate() {
    gateway_->Terminate();
    EXPECT_EQ(gateway_->Wait(kPatience), (ProcessEnd{0, 0})) << gateway_->log();
  }
  // The load ends, and after one more restart everybody settles what is owed.
  void SettleEverything() {
    EXPECT_TRUE(load_->Finish(kPatience)) << "not every callback was accepted in the end";
    most_->SetMode(RecordingSubscriber::Mode::kAckAll);
    none_->SetMode(RecordingSubscriber::Mode::kAckAll);
    client_->SettleAll();
    Terminate();
    Start();
    EXPECT_TRUE(ledger_.WaitUntilSettled(kPatience)) << gateway_->log();
  }
  // How often "subscription" was sent again what it had.
  int64_t Redeliveries(const std::string& subscription) const {
    const CallLedger::Tally tally = ledger_.TallyOf(subscription);
    return tally.deliveries - tally.received;
  }

  std::string shutdown_delay_ = "0s";
  const uint64_t seed_ = SeedOfRun();
  const TemporaryDirectory directory_;
  const std::string socket_ = directory_.path() + "/grpc.sock";
  CallLedger ledger_{absl::StrCat("rolling-", seed_)};
  GatewayAddress address_;
  std::optional<OnhookdProcess> gateway_;
  std::optional<RecordingSubscriber> most_;
  std::optional<RecordingSubscriber> none_;
  std::optional<ClientBackend> client_;
  std::optional<CallbackLoad> load_;
};

TEST_F(RollingRestartTest, NothingIsLostAndNoAttemptIsCounted) {
  const auto restarts = static_cast<int64_t>(FromEnvironment("ONHOOK_RESTARTS", 5));
  ASSERT_NO_FATAL_FAILURE(Start());
  BeginBackends(/*ack_deadline=*/absl::Minutes(10));
  BeginLoad();
  for (int64_t i = 0; i < restarts; ++i) {
    Work();
    Terminate();
    const int64_t opened = client_->opened();
    ASSERT_NO_FATAL_FAILURE(Start());
    EXPECT_TRUE(client_->WaitUntilOpenedMoreThan(opened, kPatience)) << "it did not come back";
  }
  Work();
  ASSERT_NO_FATAL_FAILURE(SettleEverything());
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
  for (const char* subscription : {"most", "none", "client"}) {
    EXPECT_GT(Redeliveries(subscription), 0) << subscription << ": no restart made any come again";
  }
  std::cout << restarts + 1 << " restarts, " << ledger_.opened() << " callbacks, "
            << load_->unanswered()
            << " times without an answer; sent again: " << Redeliveries("most") << ", "
            << Redeliveries("none") << ", to the client " << Redeliveries("client") << std::endl;
}

// As a cluster does it: the gateway is told to end, and a moment later nobody new is led to it.
// Those who are there are told so by their answers.
TEST_F(RollingRestartTest, EveryCallbackIsAnsweredWhenTheDelayIsLongEnoughToBeTakenOut) {
  shutdown_delay_ = "1s";
  const auto restarts = static_cast<int64_t>(FromEnvironment("ONHOOK_RESTARTS", 3));
  ASSERT_NO_FATAL_FAILURE(Start());
  BeginBackends(/*ack_deadline=*/absl::Minutes(10));
  BeginLoad();
  for (int64_t i = 0; i < restarts; ++i) {
    Work();
    gateway_->Terminate();
    address_.Withdraw();
    EXPECT_EQ(gateway_->Wait(kPatience), (ProcessEnd{0, 0})) << gateway_->log();
    ASSERT_NO_FATAL_FAILURE(Start());
  }
  Work();
  EXPECT_EQ(load_->unanswered(), 0);
  ASSERT_NO_FATAL_FAILURE(SettleEverything());
  EXPECT_THAT(ledger_.Findings(), IsEmpty());
  std::cout << restarts << " restarts, " << ledger_.opened() << " callbacks" << std::endl;
}

// The control of the first: what a consumer is to blame for counts, and is noticed.
TEST_F(RollingRestartTest, AnAttemptThatIsCountedIsNoticed) {
  ASSERT_NO_FATAL_FAILURE(Start());
  BeginBackends(/*ack_deadline=*/absl::Seconds(1));
  BeginLoad();
  Work();
  const int64_t first = 0;
  while (ledger_.deliveries("none", first) < 2) Work();
  ASSERT_NO_FATAL_FAILURE(SettleEverything());
  EXPECT_THAT(ledger_.Findings(),
              Contains(HasSubstr("as attempt 2 after REDELIVERY_REASON_DEADLINE_EXPIRED")));
}

}  // namespace
}  // namespace onhook
