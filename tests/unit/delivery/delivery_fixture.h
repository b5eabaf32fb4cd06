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
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/support/manual_clock.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/stream_clients.h"

namespace onhook {

// A gRPC server on the memory engine; the deadlines of delivery follow a clock turned by hand.
class DeliveryFixture : public testing::Test {
 protected:
  DeliveryFixture() {
    options_.listen = "127.0.0.1:0";
    options_.tick_interval = absl::Milliseconds(2);
  }
  ~DeliveryFixture() override { StopGateway(); }

  void StartGateway() {
    store_ = InFrontOf(*OpenMemoryStore(disk_, &store_clock_, &log_, store_options_));
    desk_ = std::make_unique<ReceiptDesk>(&clock_, store_.get(), ReceiptDeskOptions());
    server_ = std::make_unique<DeliveryServer>(options_, Around());
    port_ = *server_->Start();
    stub_ = StubOfItsOwn(OwnConnection());
    subscriptions_ = v1::SubscriptionService::NewStub(grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials(), OwnConnection()));
  }
  DeliveryServer::Surroundings Around() const {
    DeliveryServer::Surroundings surroundings;
    surroundings.store = store_.get();
    surroundings.desk = desk_.get();
    surroundings.judge = callback_judge_;
    surroundings.access = access_;
    surroundings.tls = tls_;
    surroundings.metrics = &metrics_;
    surroundings.clock = &clock_;
    surroundings.log = &log_;
    return surroundings;
  }
  std::unique_ptr<v1::ReleaseEventService::Stub> StubOfItsOwn(
      const grpc::ChannelArguments& arguments) const {
    return v1::ReleaseEventService::NewStub(grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials(), arguments));
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
  // The store that the gateway gets instead.
  virtual std::unique_ptr<Store> InFrontOf(std::unique_ptr<Store> store) { return store; }
  // As if retention had removed what was before; from the next start.
  void BeginTheLogAt(Sequence first) {
    absl::MutexLock lock(&disk_->mutex);
    disk_->rows.first = first;
  }

  v1::ReleaseEvent ReleaseEventOf(const std::string& call, const std::string& service_no = "1") {
    v1::ReleaseEvent event;
    event.set_call_serial_no(call);
    event.set_service_no(service_no);
    event.set_source("default");
    event.set_event_id(EventId(EventDigest("default", {}), call));
    event.set_call_data(call_data_);
    return event;
  }
  NewEvent EventOfCall(const std::string& call, const std::string& service_no = "1") {
    return {call, "default", EventDigest("default", {}), clock_.Now(),
            ReleaseEventOf(call, service_no).SerializeAsString()};
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
    return desk_->AcceptAndWait(EventOfCall(call), ReleaseEventOf(call), policy);
  }

  // A call of SubscriptionService: `method` is a member of its stub.
  template <typename Method, typename Request, typename Response>
  grpc::Status Call(Method method, const Request& request, Response* response) {
    grpc::ClientContext context;
    LimitTime(context);
    return (subscriptions_.get()->*method)(&context, request, response);
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
  EmbeddedStoreOptions store_options_;
  ManualClock clock_;
  ShiftedClock store_clock_;  // commits of acks linger for a moment of real time
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<Store> store_;
  std::unique_ptr<ReceiptDesk> desk_;
  std::unique_ptr<DeliveryServer> server_;
  std::unique_ptr<v1::ReleaseEventService::Stub> stub_;
  std::unique_ptr<v1::SubscriptionService::Stub> subscriptions_;
  CallbackJudge* callback_judge_ = nullptr;
  const AccessControl* access_ = nullptr;  // to be set before StartGateway
  const TlsFiles* tls_ = nullptr;          // likewise
  mutable Metrics metrics_;
  int port_ = 0;
  std::string call_data_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_DELIVERY_DELIVERY_FIXTURE_H_
