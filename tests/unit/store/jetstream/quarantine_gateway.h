#ifndef ONHOOK_TESTS_UNIT_STORE_JETSTREAM_QUARANTINE_GATEWAY_H_
#define ONHOOK_TESTS_UNIT_STORE_JETSTREAM_QUARANTINE_GATEWAY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gateway/base/cautious_clock.h"
#include "gateway/base/log.h"
#include "gateway/base/periodic_thread.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/jetstream_options.h"
#include "gateway/store/jetstream/jetstream_quarantine.h"
#include "gateway/store/jetstream/nats_connection.h"
#include "gateway/store/jetstream/subjects.h"
#include "gtest/gtest.h"
#include "tests/support/shifted_clock.h"

namespace onhook {

// As much of a gateway as its quarantine needs: a connection of its own, and the thread that ticks.
// Threads: one, but for the clock. Blocking: for answers.
class QuarantineGateway {
 public:
  explicit QuarantineGateway(const std::vector<std::string>& urls, QuarantineOptions limits = {},
                             int replicas = 1)
      : replicas_(replicas),
        log_(&clock_, LogLevel::kError, Log::Format::kText, Log::StandardError()) {
    options_.nats.servers = urls;
    options_.quarantine = limits;
    absl::StatusOr<std::unique_ptr<NatsConnection>> connection =
        NatsConnection::Open(options_.nats, absl::Seconds(30), &log_);
    EXPECT_TRUE(connection.ok()) << connection.status();
    connection_ = *std::move(connection);
    api_ = std::make_unique<JetStreamApi>(connection_.get(), options_.nats.request_timeout);
    Begin();
  }
  ~QuarantineGateway() {
    ticking_ = nullptr;
    quarantine_->Close();
    connection_->Close();
  }

  JetStreamQuarantine& quarantine() { return *quarantine_; }
  JetStreamApi& api() { return *api_; }
  ShiftedClock& clock() { return clock_; }
  const Subjects& subjects() const { return subjects_; }
  const absl::Status& begun() const { return begun_; }
  void StopTicking() { ticking_ = nullptr; }
  void Close() {
    StopTicking();
    quarantine_->Close();
  }

  // --- the words of a test

  template <typename Result>
  static absl::StatusOr<Result> Answer(
      const std::function<void(std::function<void(absl::StatusOr<Result>)>)>& ask) {
    absl::Notification answered;
    absl::StatusOr<Result> answer;
    ask([&](absl::StatusOr<Result> result) {
      answer = std::move(result);
      answered.Notify();
    });
    answered.WaitForNotification();
    return answer;
  }
  static NewRejectedCallback MakeCallback(absl::string_view body, absl::string_view source) {
    NewRejectedCallback callback;
    callback.source = std::string(source);
    callback.received_at = absl::FromUnixSeconds(1645524276);
    callback.reason = v1::RejectedCallback::REASON_MALFORMED;
    callback.detail = "no JSON";
    callback.content_type = "text/plain";
    callback.raw_body = std::string(body);
    return callback;
  }
  absl::StatusOr<int64_t> Keep(absl::string_view body, absl::string_view source = "default") {
    return Answer<int64_t>(
        [&](auto done) { quarantine_->Keep(MakeCallback(body, source), std::move(done)); });
  }
  absl::StatusOr<RejectedCallback> Get(int64_t id) {
    return Answer<RejectedCallback>([&](auto done) { quarantine_->Get(id, std::move(done)); });
  }
  absl::StatusOr<std::vector<int64_t>> Discard(std::vector<int64_t> ids) {
    return Answer<std::vector<int64_t>>(
        [&](auto done) { quarantine_->Discard(std::move(ids), std::move(done)); });
  }
  absl::StatusOr<std::vector<RejectedCallback>> List(int most = 1'000'000) {
    RejectedCallbackQuery query;
    query.max_callbacks = most;
    return Answer<std::vector<RejectedCallback>>(
        [&](auto done) { quarantine_->List(query, std::move(done)); });
  }
  std::vector<int64_t> Ids() {
    std::vector<int64_t> ids;
    const absl::StatusOr<std::vector<RejectedCallback>> listed = List();
    if (!listed.ok()) return {-1};
    for (const RejectedCallback& callback : *listed) ids.push_back(callback.id);
    return ids;
  }
  QuarantineSize Measure() {
    return Answer<QuarantineSize>([&](auto done) { quarantine_->Measure(std::move(done)); })
        .value_or(QuarantineSize{-1, -1});
  }

 private:
  void Begin() {
    StreamConfig config;
    config.name = subjects_.rejected_stream();
    config.subjects = {subjects_.rejected()};
    config.replicas = replicas_;
    // A cluster's servers may not all know of each other yet.
    const absl::Duration until = clock_.Elapsed() + absl::Seconds(40);
    absl::StatusOr<StreamInfo> info;
    do {
      info = Answer<StreamInfo>([&](auto done) { api_->CreateStream(config, std::move(done)); });
    } while (absl::IsFailedPrecondition(info.status()) && clock_.Elapsed() < until);
    EXPECT_TRUE(info.ok()) << info.status();
    quarantine_ = std::make_unique<JetStreamQuarantine>(api_.get(), subjects_, options_.quarantine,
                                                        &clock_, &cautious_clock_, &log_);
    begun_ = quarantine_->Begin(*info);
    EXPECT_TRUE(begun_.ok()) << begun_;
    ticking_ =
        std::make_unique<PeriodicThread>(absl::Milliseconds(5), [this] { quarantine_->Tick(); });
  }

  const int replicas_;
  ShiftedClock clock_;
  CautiousClock cautious_clock_{&clock_};
  Log log_;
  JetStreamOptions options_;
  const Subjects subjects_{JetStreamOptions()};
  std::unique_ptr<NatsConnection> connection_;
  std::unique_ptr<JetStreamApi> api_;
  std::unique_ptr<JetStreamQuarantine> quarantine_;
  absl::Status begun_;
  std::unique_ptr<PeriodicThread> ticking_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_STORE_JETSTREAM_QUARANTINE_GATEWAY_H_
