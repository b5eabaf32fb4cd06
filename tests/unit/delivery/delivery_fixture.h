#ifndef ONHOOK_TESTS_UNIT_DELIVERY_DELIVERY_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_DELIVERY_DELIVERY_FIXTURE_H_

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gateway/delivery/delivery_server.h"
#include "gateway/event/event_identity.h"
#include "gateway/store/memory/memory_store.h"
#include "onhook/v1/release_event_service.grpc.pb.h"
#include "tests/support/manual_clock.h"

namespace onhook {

// A call that hangs fails after this, instead of hanging the test.
inline void LimitTime(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
}

// Arguments of a channel that shares its connection with no other channel.
inline grpc::ChannelArguments OwnConnection() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

// A test's end of Subscribe.
class Subscriber {
 public:
  explicit Subscriber(v1::ReleaseEventService::Stub* stub) {
    LimitTime(context_);
    stream_ = stub->Subscribe(&context_);
  }
  ~Subscriber() {
    if (finished_) return;
    context_.TryCancel();
    stream_->Finish();
  }

  void Send(const v1::SubscribeRequest& request) { stream_->Write(request); }
  v1::SubscribeOpen* MutableOpen() { return open_.mutable_open(); }
  // Opens `name`, creating it if missing, and returns what the gateway said first.
  v1::SubscribeOpened Open(const std::string& name) {
    open_.mutable_open()->set_subscription(name);
    open_.mutable_open()->mutable_create_if_missing();
    Send(open_);
    return Next().opened();
  }
  void Ack(const std::vector<v1::Delivery>& deliveries, uint64_t request_id = 0) {
    v1::SubscribeRequest request;
    request.mutable_ack()->set_request_id(request_id);
    for (const auto& delivery : deliveries) {
      request.mutable_ack()->add_delivery_ids(delivery.delivery_id());
    }
    Send(request);
  }
  void Pause(bool paused) {
    v1::SubscribeRequest request;
    request.mutable_flow()->set_paused(paused);
    Send(request);
  }
  // The next message; one of no kind at the stream's end.
  v1::SubscribeResponse Next() {
    v1::SubscribeResponse response;
    if (!stream_->Read(&response)) response.Clear();
    return response;
  }
  // Reads until `count` deliveries have come.
  std::vector<v1::Delivery> Deliveries(size_t count) {
    std::vector<v1::Delivery> deliveries;
    while (deliveries.size() < count) {
      const v1::SubscribeResponse response = Next();
      if (!response.has_deliveries()) {
        ADD_FAILURE() << "instead of deliveries: " << response.ShortDebugString();
        break;
      }
      for (const auto& delivery : response.deliveries().deliveries())
        deliveries.push_back(delivery);
    }
    return deliveries;
  }
  void HalfClose() { stream_->WritesDone(); }
  void Cancel() { context_.TryCancel(); }
  grpc::Status End() {
    finished_ = true;
    v1::SubscribeResponse ignored;
    while (stream_->Read(&ignored)) {
    }
    return stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SubscribeRequest, v1::SubscribeResponse>> stream_;
  v1::SubscribeRequest open_;
  bool finished_ = false;
};

// A test's end of Watch.
class Watcher {
 public:
  Watcher(v1::ReleaseEventService::Stub* stub, const v1::WatchRequest& request) {
    LimitTime(context_);
    stream_ = stub->Watch(&context_, request);
  }
  ~Watcher() {
    if (finished_) return;
    context_.TryCancel();
    stream_->Finish();
  }

  v1::WatchResponse Next() {
    v1::WatchResponse response;
    if (!stream_->Read(&response)) response.Clear();
    return response;
  }
  // The calls of the next `count` events, in order; heartbeats are passed over.
  std::vector<std::string> Calls(size_t count) {
    std::vector<std::string> calls;
    while (calls.size() < count) {
      const v1::WatchResponse response = Next();
      if (response.response_case() == v1::WatchResponse::RESPONSE_NOT_SET) break;
      for (const auto& watched : response.events().events()) {
        calls.push_back(watched.event().call_serial_no());
        last_cursor_ = watched.cursor();
      }
    }
    return calls;
  }
  const std::string& last_cursor() const { return last_cursor_; }
  grpc::Status End() {
    finished_ = true;
    v1::WatchResponse ignored;
    while (stream_->Read(&ignored)) {
    }
    return stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> stream_;
  std::string last_cursor_;
  bool finished_ = false;
};

// A gRPC server on the memory engine, with a clock turned by hand.
class DeliveryFixture : public testing::Test {
 protected:
  DeliveryFixture() {
    options_.listen = "127.0.0.1:0";
    options_.tick_interval = absl::Milliseconds(2);
  }
  ~DeliveryFixture() override { StopGateway(); }

  void StartGateway() {
    store_ = *OpenMemoryStore(rows_, &clock_, &log_);
    desk_ = std::make_unique<ReceiptDesk>(&clock_, &store_->log(), ReceiptDeskOptions());
    server_ = std::make_unique<DeliveryServer>(options_, store_.get(), desk_.get(), &clock_, &log_);
    port_ = *server_->Start();
    stub_ = v1::ReleaseEventService::NewStub(grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials(), OwnConnection()));
  }
  void StopGateway() {
    if (server_ == nullptr) return;
    server_->Stop(absl::ZeroDuration());
    EXPECT_TRUE(store_->Close().ok());
    server_.reset();
    desk_.reset();
    store_.reset();
  }
  // A restart on the same data.
  void RestartGateway() {
    StopGateway();
    StartGateway();
  }
  void SetUp() override { StartGateway(); }

  NewEvent EventOfCall(const std::string& call, const std::string& service_no = "1") {
    v1::ReleaseEvent event;
    event.set_call_serial_no(call);
    event.set_service_no(service_no);
    event.set_source("default");
    const std::string digest = EventDigest("default", {});
    event.set_event_id(EventId(digest, call));
    event.set_call_data(call_data_);
    return {call, "default", digest, clock_.Now(), event.SerializeAsString()};
  }
  Sequence Append(const std::string& call, const std::string& service_no = "1") {
    Sequence sequence = 0;
    absl::Notification done;
    store_->log().Append(EventOfCall(call, service_no), [&](const absl::StatusOr<AppendResult>& r) {
      EXPECT_TRUE(r.ok());
      sequence = r->sequence;
      done.Notify();
    });
    done.WaitForNotification();
    return sequence;
  }
  // What the vendor's callback would get.
  absl::Status Accept(const std::string& call, absl::Duration timeout = absl::Seconds(20)) {
    AcknowledgePolicy policy;
    policy.timeout = timeout;
    return desk_->Accept(EventOfCall(call), policy);
  }

  Subscriber Subscribe() { return Subscriber(stub_.get()); }
  Watcher Watch(const v1::WatchRequest& request = {}) { return Watcher(stub_.get(), request); }
  Watcher WatchFrom(v1::StartPosition position, bool stop_at_end = false) {
    v1::WatchRequest request;
    request.set_position(position);
    request.set_stop_at_end(stop_at_end);
    return Watch(request);
  }

  DeliveryOptions options_;
  ManualClock clock_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  std::shared_ptr<MemoryRows> rows_ = std::make_shared<MemoryRows>();
  std::unique_ptr<Store> store_;
  std::unique_ptr<ReceiptDesk> desk_;
  std::unique_ptr<DeliveryServer> server_;
  std::unique_ptr<v1::ReleaseEventService::Stub> stub_;
  int port_ = 0;
  std::string call_data_;
};

inline std::vector<std::string> CallsOf(const std::vector<v1::Delivery>& deliveries) {
  std::vector<std::string> calls;
  for (const auto& delivery : deliveries) calls.push_back(delivery.event().call_serial_no());
  return calls;
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_DELIVERY_DELIVERY_FIXTURE_H_
