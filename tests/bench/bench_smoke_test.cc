// The measuring programs' own test: what they count is right. No number is judged here.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/bench/bench_subscriber.h"
#include "tests/bench/callback_request.h"
#include "tests/bench/idle_streams.h"
#include "tests/bench/load_generator.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/single_row_commits.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

class BenchSmokeTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(gateway_.WaitUntilListening(kPatience)) << gateway_.log();
    BenchSubscriber::Options options;
    options.server = absl::StrCat("127.0.0.1:", gateway_.grpc_port());
    options.subscription = "bench";
    subscriber_ = std::make_unique<BenchSubscriber>(options);
    ASSERT_TRUE(subscriber_->WaitUntilOpened(kPatience)) << subscriber_->end();
    options_.port = gateway_.http_port();
  }

  void ExpectEachReceivedOnce(int64_t callbacks) {
    EXPECT_TRUE(subscriber_->WaitUntilSettled(callbacks, kPatience)) << subscriber_->end();
    EXPECT_EQ(subscriber_->distinct(), callbacks);
    EXPECT_EQ(subscriber_->unexpected(), 0);
  }

  // -1: the gateway does not answer.
  int StoredEventsOf(const std::string& call_serial_no) const {
    const auto stub = v1::ReleaseEventService::NewStub(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", gateway_.grpc_port()), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    v1::ListEventsRequest request;
    request.set_call_serial_no(call_serial_no);
    v1::ListEventsResponse response;
    const grpc::Status status = stub->ListEvents(&context, request, &response);
    return status.ok() ? response.stored_events_size() : -1;
  }

  static OnhookdProcess::Options In(const std::string& directory) {
    OnhookdProcess::Options options;
    options.store_directory = directory + "/store";
    return options;
  }

  TemporaryDirectory directory_;
  OnhookdProcess gateway_{In(directory_.path())};
  std::unique_ptr<BenchSubscriber> subscriber_;
  LoadGenerator::Options options_;
};

TEST_F(BenchSmokeTest, ASecondOfLoadIsAcceptedAndReceivedOnce) {
  LoadGenerator load(options_);
  const LoadResult result = load.Run(absl::Seconds(1));
  EXPECT_EQ(result.errors(), 0);
  EXPECT_GT(result.accepted, 0);
  EXPECT_EQ(result.accepted, load.callbacks());
  EXPECT_EQ(result.latencies.size(), static_cast<size_t>(result.accepted));
  EXPECT_LE(result.Percentile(0.5), result.Percentile(0.99));
  const ProcessUsage usage = UsageOf(gateway_.pid());
  EXPECT_GT(usage.resident_bytes, 0);
  EXPECT_GE(usage.peak_resident_bytes, usage.resident_bytes);
  ExpectEachReceivedOnce(load.callbacks());
}

TEST_F(BenchSmokeTest, AThousandPostsOfOneBodyAreOneEventAndAThousandSuccesses) {
  options_.connections = 200;
  options_.posts = 1000;
  options_.same_body = true;
  LoadGenerator load(options_);
  const LoadResult result = load.Run(kPatience);
  EXPECT_EQ(result.accepted, 1000);
  EXPECT_EQ(result.errors(), 0);
  ExpectEachReceivedOnce(1);
  EXPECT_EQ(StoredEventsOf("1197765390000000000"), 1);
}

TEST_F(BenchSmokeTest, ARateIsKeptBesideIdleConnections) {
  options_.connections = 4;
  options_.rate = 50;
  options_.posts = 25;
  options_.idle_connections = 50;
  const LoadResult result = LoadGenerator(options_).Run(kPatience);
  EXPECT_EQ(result.accepted, 25);
  EXPECT_EQ(result.errors(), 0);
  EXPECT_GE(result.elapsed, absl::Milliseconds(480));
}

TEST_F(BenchSmokeTest, IdleStreamsGetNothingOfWhatOthersGet) {
  const IdleStreams idle(absl::StrCat("127.0.0.1:", gateway_.grpc_port()), 3, 2);
  EXPECT_TRUE(idle.opened());
  options_.posts = 100;
  LoadGenerator load(options_);
  EXPECT_EQ(load.Run(kPatience).accepted, 100);
  ExpectEachReceivedOnce(100);
}

TEST_F(BenchSmokeTest, LargeCallbacksAreAcceptedToo) {
  options_.posts = 10;
  options_.body_bytes = 60'000;
  LoadGenerator load(options_);
  EXPECT_EQ(load.Run(kPatience).accepted, 10);
  ExpectEachReceivedOnce(10);
}

TEST(CallbackRequestTest, ABodyHasTheSizeThatIsAskedForAndNeverLessThanItsUsualOne) {
  EXPECT_EQ(CallbackRequest(4096).body().size(), 4096u);
  EXPECT_EQ(CallbackRequest(1).body(), CallbackRequest().body());
}

TEST(SingleRowCommitsTest, EveryCommitIsTimed) {
  const TemporaryDirectory directory;
  const auto times = TimeSingleRowCommits(directory.path(), 10);
  ASSERT_TRUE(times.ok()) << times.status();
  EXPECT_EQ(times->size(), 10u);
  EXPECT_FALSE(TimeSingleRowCommits(directory.path() + "/missing", 1).ok());
}

}  // namespace
}  // namespace onhook
