#ifndef ONHOOK_TESTS_UNIT_STORE_JETSTREAM_NATS_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_STORE_JETSTREAM_NATS_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/nats_connection.h"
#include "tests/support/nats_server.h"

namespace onhook {

// What is waited for that should come at once; only a test that fails waits so long.
constexpr absl::Duration kLongAtMost = absl::Seconds(40);

// What callbacks of other threads brought, and waiting for it.
template <typename Value>
class Recorded {
 public:
  void Add(Value value) {
    absl::MutexLock lock(&mutex_);
    values_.push_back(std::move(value));
  }
  // All so far, when there are so many at least, or after a long time.
  std::vector<Value> Await(size_t count) const {
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(
        absl::Condition(
            +[](std::pair<const Recorded*, size_t>* wanted) ABSL_NO_THREAD_SAFETY_ANALYSIS {
              return wanted->first->values_.size() >= wanted->second;
            },
            Wanted(count).get()),
        kLongAtMost);
    return values_;
  }
  std::vector<Value> Get() const { return Await(0); }

 private:
  std::unique_ptr<std::pair<const Recorded*, size_t>> Wanted(size_t count) const {
    return std::make_unique<std::pair<const Recorded*, size_t>>(this, count);
  }
  mutable absl::Mutex mutex_;
  std::vector<Value> values_ ABSL_GUARDED_BY(mutex_);
};

// A server of each version, and a connection to it.
class NatsTest : public testing::TestWithParam<NatsVersion> {
 protected:
  void SetUp() override {
    const std::string missing = NatsServer::Missing(GetParam());
    if (!missing.empty()) GTEST_SKIP() << missing;
    NatsServer::Options options;
    options.version = GetParam();
    options.sync_always = false;
    server_ = std::make_unique<NatsServer>(options);
    ASSERT_TRUE(server_->Start()) << server_->log();
    connection_ = Connect();
    ASSERT_NE(connection_, nullptr);
    api_ = std::make_unique<JetStreamApi>(connection_.get(), absl::Seconds(5));
  }

  // While there is still what its callbacks use.
  void TearDown() override {
    api_ = nullptr;
    connection_ = nullptr;
  }

  std::unique_ptr<NatsConnection> Connect() {
    NatsOptions options;
    options.servers = {server_->url()};
    auto connection = NatsConnection::Open(options, kLongAtMost, &log_);
    EXPECT_TRUE(connection.ok()) << connection.status();
    return connection.ok() ? *std::move(connection) : nullptr;
  }

  StreamConfig Stream(const std::string& name = "CALLS", const std::string& subject = "calls.>") {
    StreamConfig config;
    config.name = name;
    config.subjects = {subject};
    return config;
  }
  absl::StatusOr<StreamInfo> Create(const StreamConfig& config) {
    return AwaitAnswer<StreamInfo>(
        [&](JetStreamApi::Done<StreamInfo> done) { api_->CreateStream(config, std::move(done)); });
  }
  absl::StatusOr<StreamInfo> Info(const std::string& stream = "CALLS") {
    return AwaitAnswer<StreamInfo>(
        [&](JetStreamApi::Done<StreamInfo> done) { api_->GetStream(stream, std::move(done)); });
  }
  absl::Status Delete(const std::string& stream = "CALLS") {
    return AwaitStatus(
        [&](JetStreamApi::DoneStatus done) { api_->DeleteStream(stream, std::move(done)); });
  }
  absl::StatusOr<PublishAck> Publish(const std::string& subject, const std::string& data,
                                     const PublishOptions& options = {}) {
    return AwaitAnswer<PublishAck>([&](JetStreamApi::Done<PublishAck> done) {
      api_->Publish(subject, {}, data, options, std::move(done));
    });
  }
  // Messages of these numbers, "calls.N" with the data "N"; stubborn where the server is away.
  void PublishNumbers(int first, int last) {
    for (int number = first; number <= last; ++number) {
      PublishOptions options;
      options.message_id = absl::StrCat("id", number);
      const absl::Duration until = clock_.Elapsed() + kLongAtMost;
      absl::StatusOr<PublishAck> ack;
      do {
        ack = Publish(absl::StrCat("calls.", number), absl::StrCat(number), options);
      } while (!ack.ok() && clock_.Elapsed() < until);
      ASSERT_TRUE(ack.ok()) << ack.status();
    }
  }

  static std::vector<std::string> Numbers(int first, int last) {
    std::vector<std::string> numbers;
    for (int number = first; number <= last; ++number) numbers.push_back(absl::StrCat(number));
    return numbers;
  }

  const SystemClock clock_;
  const Log log_{&clock_, LogLevel::kInfo, Log::Format::kText, Log::StandardError()};
  std::unique_ptr<NatsServer> server_;
  std::unique_ptr<NatsConnection> connection_;
  std::unique_ptr<JetStreamApi> api_;
};

inline std::string VersionName(const testing::TestParamInfo<NatsVersion>& info) {
  return info.param == NatsVersion::kNewest ? "Newest" : "Oldest";
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_STORE_JETSTREAM_NATS_FIXTURE_H_
