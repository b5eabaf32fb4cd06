#ifndef ONHOOK_TESTS_UNIT_STORE_JETSTREAM_LOG_GATEWAY_H_
#define ONHOOK_TESTS_UNIT_STORE_JETSTREAM_LOG_GATEWAY_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gateway/base/cautious_clock.h"
#include "gateway/base/log.h"
#include "gateway/base/periodic_thread.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/jetstream_log.h"
#include "gateway/store/jetstream/jetstream_nonces.h"
#include "gateway/store/jetstream/subjects.h"
#include "tests/support/nats_server.h"
#include "tests/support/shifted_clock.h"

namespace onhook {

// What a call with a callback was answered.
template <typename Result, typename Call>
absl::StatusOr<Result> Awaited(const Call& call) {
  absl::Notification answered;
  absl::StatusOr<Result> answer = absl::UnknownError("not answered");
  call([&](absl::StatusOr<Result> result) {
    answer = std::move(result);
    answered.Notify();
  });
  answered.WaitForNotification();
  return answer;
}

// The log and the nonces of one gateway on a real server, without the rest of a store. Several may
// be on one server. Threads: any, but for what opens and closes.
class LogGateway {
 public:
  explicit LogGateway(JetStreamOptions options, NoncePace pace = NoncePace())
      : options_(std::move(options)), pace_(pace) {
    Open();
  }
  ~LogGateway() { Close(); }

  static JetStreamOptions On(const NatsServer& server) {
    JetStreamOptions options;
    options.nats.servers = {server.url()};
    options.replicas = 1;
    return options;
  }

  JetStreamLog& log() { return *log_; }
  JetStreamNonces& nonces() { return *nonces_; }
  JetStreamApi& api() { return *api_; }
  NatsConnection& connection() { return *connection_; }
  ShiftedClock& clock() { return clock_; }
  const Subjects& subjects() const { return subjects_; }

  void Open() {
    auto connection =
        NatsConnection::Open(options_.nats, options_.nats.request_timeout, &gateway_log_);
    ASSERT_TRUE(connection.ok()) << connection.status();
    connection_ = *std::move(connection);
    api_ = std::make_unique<JetStreamApi>(connection_.get(), options_.nats.request_timeout);
    MakeStream(subjects_.nonces_stream(), {subjects_.nonces(), subjects_.horizons()});
    MakeStream(subjects_.events_stream(), {subjects_.events()});
    nonces_ = std::make_unique<JetStreamNonces>(api_.get(), subjects_, options_, &clock_,
                                                &cautious_clock_, &gateway_log_, pace_);
    log_ = std::make_unique<JetStreamLog>(api_.get(), subjects_, options_, nonces_.get(), &clock_,
                                          &gateway_log_);
    ASSERT_TRUE(nonces_->Begin().ok());
    log_->Begin(Stream());
    ticking_ = std::make_unique<PeriodicThread>(absl::Milliseconds(10), [this] {
      log_->Tick();
      nonces_->Tick();
    });
  }
  void Close() {
    if (connection_ == nullptr) return;
    if (ticking_ != nullptr) ticking_->Stop();
    if (log_ != nullptr) log_->Close();
    if (nonces_ != nullptr) nonces_->Close();
    connection_->Close();
    log_.reset();
    nonces_.reset();
    api_.reset();
    connection_.reset();
  }
  void Reopen() {
    Close();
    Open();
  }
  StreamInfo Stream() {
    auto info = Awaited<StreamInfo>(
        [&](auto done) { api_->GetStream(subjects_.events_stream(), std::move(done)); });
    EXPECT_TRUE(info.ok()) << info.status();
    return info.value_or(StreamInfo());
  }

  // --- words

  std::vector<absl::StatusOr<AppendResult>> AppendAll(std::vector<NewEvent> events) {
    std::vector<absl::StatusOr<AppendResult>> results(events.size());
    absl::BlockingCounter missing(static_cast<int>(events.size()));
    for (size_t i = 0; i < events.size(); ++i) {
      log_->Append(std::move(events[i]), [&, i](const absl::StatusOr<AppendResult>& result) {
        results[i] = result;
        missing.DecrementCount();
      });
    }
    missing.Wait();
    return results;
  }
  absl::StatusOr<AppendResult> Append(NewEvent event) { return AppendAll({std::move(event)})[0]; }
  // "1", "1 again", or the error's name.
  std::string Answer(NewEvent event) {
    const auto result = Append(std::move(event));
    if (!result.ok()) return absl::StatusCodeToString(result.status().code());
    return absl::StrCat(result->sequence, result->duplicate ? " again" : "");
  }
  absl::StatusOr<LogPage> Read(Sequence after, ReadLimits limits = {}) {
    return Awaited<LogPage>([&](auto done) { log_->Read(after, limits, std::move(done)); });
  }
  // What the log holds behind a place, read page by page.
  std::vector<std::string> ReadAll(Sequence after, ReadLimits limits = {}) {
    std::vector<std::string> contents;
    while (true) {
      const absl::StatusOr<LogPage> page = Read(after, limits);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return contents;
      for (const LogEventPtr& event : page->events) {
        EXPECT_EQ(event->sequence, ++after);
        contents.push_back(event->event);
      }
      if (page->at_end) return contents;
      EXPECT_FALSE(page->events.empty());
    }
  }
  std::vector<std::string> Find(EventQuery query) {
    const auto found = Awaited<std::vector<LogEventPtr>>(
        [&](auto done) { log_->Find(std::move(query), std::move(done)); });
    EXPECT_TRUE(found.ok()) << found.status();
    std::vector<std::string> contents;
    if (!found.ok()) return contents;
    for (const LogEventPtr& event : *found) contents.push_back(event->event);
    return contents;
  }
  Sequence FindPlace(absl::Time time) {
    return Awaited<Sequence>([&](auto done) { log_->FindPlace(time, std::move(done)); })
        .value_or(-1);
  }

 private:
  void MakeStream(const std::string& name, std::vector<std::string> subjects) {
    StreamConfig config;
    config.name = name;
    config.subjects = std::move(subjects);
    config.replicas = options_.replicas;
    config.duplicate_window = options_.retention.deduplication_window;
    // Servers that have only just started may not be able to yet.
    for (int attempt = 0; attempt < 20; ++attempt) {
      const auto made =
          Awaited<StreamInfo>([&](auto done) { api_->CreateStream(config, std::move(done)); });
      if (made.ok()) return;
    }
    ADD_FAILURE() << "no stream " << name;
  }

  const JetStreamOptions options_;
  const NoncePace pace_;
  const Subjects subjects_{options_};
  ShiftedClock clock_;
  const CautiousClock cautious_clock_{&clock_};
  const Log gateway_log_{&clock_, LogLevel::kError, Log::Format::kText, Log::StandardError()};
  std::unique_ptr<NatsConnection> connection_;
  std::unique_ptr<JetStreamApi> api_;
  std::unique_ptr<JetStreamNonces> nonces_;
  std::unique_ptr<JetStreamLog> log_;
  std::unique_ptr<PeriodicThread> ticking_;
};

inline NewEvent MakeEvent(const std::string& call, const std::string& content = "content") {
  NewEvent event;
  event.call_serial_no = call;
  event.source = "default";
  event.digest = absl::StrCat(absl::Hex(std::hash<std::string>()(content), absl::kZeroPad16));
  event.received_at = absl::FromUnixSeconds(1645524276);
  event.event = content;
  return event;
}

// A signed event: its nonce is its name.
inline NewEvent Signed(const std::string& nonce, const std::string& call,
                       const std::string& content = "content") {
  NewEvent event = MakeEvent(call, content);
  event.nonce = NewEvent::Nonce{nonce, 1645524276123, true};
  return event;
}

// Tests of both versions of the server.
class OnServer : public ::testing::TestWithParam<NatsVersion> {
 protected:
  void SetUp() override {
    if (const std::string missing = NatsServer::Missing(GetParam()); !missing.empty()) {
      GTEST_SKIP() << missing;
    }
    NatsServer::Options options;
    options.version = GetParam();
    options.sync_always = sync_always_;
    server_ = std::make_unique<NatsServer>(options);
    ASSERT_TRUE(server_->Start()) << server_->log();
    gateway_ = NewGateway();
  }
  JetStreamOptions Options() const { return LogGateway::On(*server_); }
  std::unique_ptr<LogGateway> NewGateway(NoncePace pace = NoncePace()) const {
    return std::make_unique<LogGateway>(Options(), pace);
  }

  bool sync_always_ = false;
  std::unique_ptr<NatsServer> server_;
  std::unique_ptr<LogGateway> gateway_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_STORE_JETSTREAM_LOG_GATEWAY_H_
