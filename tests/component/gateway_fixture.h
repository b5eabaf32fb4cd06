#ifndef ONHOOK_TESTS_COMPONENT_GATEWAY_FIXTURE_H_
#define ONHOOK_TESTS_COMPONENT_GATEWAY_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/config/settings.h"
#include "gateway/gateway.h"
#include "onhook/v1/release_event_service.grpc.pb.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/stream_clients.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

inline constexpr char kSuccess[] = R"({"retCode":"0","retMsg":"success"})";

// A gateway on a directory and ports of its own, started by the test once it has set what it
// wants. Its times are so long that only a fault, never a slow machine, meets them.
class GatewayTest : public ::testing::Test {
 protected:
  GatewayTest() {
    settings_.http.server.listen = "127.0.0.1:0";
    settings_.grpc.server.listen = "127.0.0.1:0";
    settings_.admin.server.listen = "127.0.0.1:0";
    settings_.store.directory = absl::StrCat(directory_.path(), "/data");
    settings_.acknowledge.timeout = absl::Seconds(20);
    settings_.shutdown.drain_deadline = absl::Seconds(30);
    // A test may look again and again whether something has happened.
    settings_.grpc.server.max_call_rate = 1000000;
    settings_.grpc.server.max_call_burst = 1000000;
  }

  // Sources wait as settings_.acknowledge says.
  void StartGateway() {
    for (Settings::Source& source : settings_.sources) source.acknowledge = settings_.acknowledge;
    gateway_ = std::make_unique<Gateway>(settings_, &clock_, &log_);
    const absl::Status started = gateway_->Start();
    ASSERT_TRUE(started.ok()) << started;
    stub_ = v1::ReleaseEventService::NewStub(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", gateway_->grpc_port()),
                                  grpc::InsecureChannelCredentials(), OwnConnection()));
  }
  void RestartGateway() {
    const absl::Status stopped = gateway_->Stop();
    ASSERT_TRUE(stopped.ok()) << stopped;
    gateway_.reset();
    StartGateway();
  }

  // A callback as the vendor sends it, of the call that `call` names.
  static std::string CallbackOf(absl::string_view call) {
    return absl::StrCat(R"({"callSerialNo":")", call, R"(","called":"88880067"})");
  }
  static std::string PostOf(absl::string_view body) {
    return absl::StrCat("POST /release-events HTTP/1.1\r\nHost: gateway\r\nContent-Length: ",
                        body.size(), "\r\n\r\n", body);
  }
  RawAnswer Post(absl::string_view body) const {
    return RawHttpClient(gateway_->http_port()).Send(PostOf(body)).ReadAnswer();
  }
  RawAnswer PostCall(absl::string_view call) const { return Post(CallbackOf(call)); }

  RawAnswer AskAdmin(absl::string_view path) const {
    return RawHttpClient(gateway_->admin_port())
        .Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: gateway\r\n\r\n"))
        .ReadAnswer();
  }

  Subscriber Subscribe() { return Subscriber(stub_.get()); }
  Watcher Watch(const v1::WatchRequest& request = {}) { return Watcher(stub_.get(), request); }
  // A watch that follows, and has begun before this returns. Only then does it miss nothing.
  std::unique_ptr<Watcher> FollowingWatch(bool observe_only) {
    v1::WatchRequest request;
    request.set_observe_only(observe_only);
    auto watcher = std::make_unique<Watcher>(stub_.get(), request);
    EXPECT_TRUE(watcher->Next().has_heartbeat());
    return watcher;
  }

  // The calls of everything that is stored, in order.
  std::vector<std::string> StoredCalls() {
    v1::WatchRequest request;
    request.set_position(v1::START_POSITION_EARLIEST);
    request.set_stop_at_end(true);
    request.set_observe_only(true);
    Watcher watcher = Watch(request);
    std::vector<std::string> calls;
    for (v1::WatchResponse response = watcher.Next();
         response.response_case() != v1::WatchResponse::RESPONSE_NOT_SET;
         response = watcher.Next()) {
      for (const auto& watched : response.events().events()) {
        calls.push_back(watched.event().call_serial_no());
      }
    }
    const grpc::Status end = watcher.End();
    EXPECT_TRUE(end.ok()) << end.error_message();
    return calls;
  }

  std::vector<std::string> LogLines() {
    absl::MutexLock lock(&mutex_);
    return log_lines_;
  }

  const TemporaryDirectory directory_;
  Settings settings_;
  SystemClock clock_;
  absl::Mutex mutex_;
  std::vector<std::string> log_lines_ ABSL_GUARDED_BY(mutex_);
  Log log_{&clock_, LogLevel::kDebug, Log::Format::kJson, [this](absl::string_view line) {
             absl::MutexLock lock(&mutex_);
             log_lines_.emplace_back(line);
           }};
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<v1::ReleaseEventService::Stub> stub_;
};

// Acks deliveries, and waits until that is durable: nothing was refused.
inline void AckDurably(Subscriber& subscriber, const std::vector<v1::Delivery>& deliveries) {
  subscriber.Ack(deliveries, 7);
  const v1::SubscribeResponse response = subscriber.Next();
  EXPECT_EQ(response.ack_results().request_id(), 7u) << response.ShortDebugString();
  EXPECT_EQ(response.ack_results().exceptions_size(), 0) << response.ShortDebugString();
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_COMPONENT_GATEWAY_FIXTURE_H_
