#ifndef ONHOOK_TESTS_UNIT_CLIENTS_FAKE_GATEWAY_H_
#define ONHOOK_TESTS_UNIT_CLIENTS_FAKE_GATEWAY_H_

#include <google/protobuf/util/time_util.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client_error_detail.pb.h"
#include "onhook/client.h"
#include "onhook/v1/release_event_service.grpc.pb.h"
#include "tests/unit/clients/fake_rejected_callback_service.h"
#include "tests/unit/clients/fake_subscription_service.h"
#include "tests/unit/clients/inbox.h"

namespace onhook::client {

// The gateway's end of one Subscribe stream, played by a test.
class FakeSubscribeStream
    : public grpc::ServerBidiReactor<v1::SubscribeRequest, v1::SubscribeResponse> {
 public:
  FakeSubscribeStream() { StartRead(&incoming_); }

  // The client's next message.
  v1::SubscribeRequest Take() { return requests_.Take(); }
  bool NothingCame() { return requests_.empty(); }
  // Whether the client half-closes, or goes, before patience ends.
  bool AwaitHalfClose() { return half_closed_.WaitForNotificationWithTimeout(kPatience); }

  void Send(v1::SubscribeResponse response) {
    absl::Notification written;
    outgoing_ = std::move(response);
    written_ = &written;
    StartWrite(&outgoing_);
    written.WaitForNotification();
  }
  void SendOpened() {
    v1::SubscribeResponse response;
    response.mutable_opened()->set_store_id("fake");
    Send(response);
  }
  // Deliveries d<n> of events e<n>, to be settled within `ack_deadline` if it is finite.
  void Deliver(const std::vector<int>& numbers,
               absl::Duration ack_deadline = absl::InfiniteDuration()) {
    v1::SubscribeResponse response;
    for (const int n : numbers) {
      v1::Delivery& delivery = *response.mutable_deliveries()->add_deliveries();
      delivery.set_delivery_id(absl::StrCat("d", n));
      delivery.set_attempt(1);
      delivery.mutable_event()->set_event_id(absl::StrCat("e", n));
      SetAckDeadline(ack_deadline, delivery);
    }
    Send(response);
  }
  // `event` once more, as `delivery_id`.
  void Redeliver(const std::string& event, const std::string& delivery_id,
                 absl::Duration ack_deadline = absl::InfiniteDuration()) {
    v1::SubscribeResponse response;
    v1::Delivery& delivery = *response.mutable_deliveries()->add_deliveries();
    delivery.set_delivery_id(delivery_id);
    delivery.set_attempt(2);
    delivery.mutable_event()->set_event_id(event);
    SetAckDeadline(ack_deadline, delivery);
    Send(response);
  }
  void SendGoAway(v1::GoAway::Reason reason) {
    v1::SubscribeResponse response;
    response.mutable_go_away()->set_reason(reason);
    Send(response);
  }
  void Confirm(uint64_t request_id) {
    v1::SubscribeResponse response;
    response.mutable_ack_results()->set_request_id(request_id);
    Send(response);
  }
  void Except(uint64_t request_id, const std::string& delivery_id, v1::AckResults::Result result) {
    v1::SubscribeResponse response;
    response.mutable_ack_results()->set_request_id(request_id);
    auto& exception = *response.mutable_ack_results()->add_exceptions();
    exception.set_delivery_id(delivery_id);
    exception.set_result(result);
    Send(response);
  }
  void End(grpc::Status status = grpc::Status::OK) {
    if (!std::exchange(ended_, true)) Finish(status);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return half_closed_.Notify();
    requests_.Put(incoming_);
    StartRead(&incoming_);
  }
  void OnWriteDone(bool) override { written_->Notify(); }
  void OnDone() override {}  // the gateway owns it

 private:
  static void SetAckDeadline(absl::Duration ack_deadline, v1::Delivery& delivery) {
    if (ack_deadline == absl::InfiniteDuration()) return;
    *delivery.mutable_ack_deadline() = google::protobuf::util::TimeUtil::MillisecondsToDuration(
        absl::ToInt64Milliseconds(ack_deadline));
  }

  v1::SubscribeRequest incoming_;
  v1::SubscribeResponse outgoing_;
  absl::Notification* written_ = nullptr;
  bool ended_ = false;
  Inbox<v1::SubscribeRequest> requests_;
  absl::Notification half_closed_;
};

// The gateway's end of one Watch stream.
class FakeWatchStream : public grpc::ServerWriteReactor<v1::WatchResponse> {
 public:
  explicit FakeWatchStream(const v1::WatchRequest& request) : request_(request) {}

  const v1::WatchRequest& request() const { return request_; }

  void Send(v1::WatchResponse response) {
    absl::Notification written;
    outgoing_ = std::move(response);
    written_ = &written;
    StartWrite(&outgoing_);
    written.WaitForNotification();
  }
  void SendHeartbeat(const std::string& cursor) {
    v1::WatchResponse response;
    response.mutable_heartbeat()->set_cursor(cursor);
    Send(response);
  }
  // Events e<n> at cursors c<n>.
  void SendEvents(const std::vector<int>& numbers) {
    v1::WatchResponse response;
    for (const int n : numbers) {
      v1::WatchedEvent& event = *response.mutable_events()->add_events();
      event.mutable_event()->set_event_id(absl::StrCat("e", n));
      event.set_cursor(absl::StrCat("c", n));
    }
    Send(response);
  }
  void End(const grpc::Status& status = grpc::Status::OK) {
    if (!std::exchange(ended_, true)) Finish(status);
  }

  void OnWriteDone(bool) override { written_->Notify(); }
  void OnDone() override {}  // the gateway owns it

 private:
  const v1::WatchRequest request_;
  v1::WatchResponse outgoing_;
  absl::Notification* written_ = nullptr;
  bool ended_ = false;
};

// A status with ErrorInfo, as the gateway gives it.
inline grpc::Status StatusWithReason(grpc::StatusCode code, const std::string& message,
                                     const std::string& reason,
                                     const std::map<std::string, std::string>& metadata = {}) {
  wire::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("onhook");
  info.mutable_metadata()->insert(metadata.begin(), metadata.end());
  wire::Status status;
  status.set_code(code);
  status.set_message(message);
  google::protobuf::Any& detail = *status.add_details();
  detail.set_type_url("type.googleapis.com/google.rpc.ErrorInfo");
  detail.set_value(info.SerializeAsString());
  return grpc::Status(code, message, status.SerializeAsString());
}

// A gateway that does what a test says, on a port of its own.
class FakeGateway : public v1::ReleaseEventService::CallbackService {
 public:
  // `address`: of an earlier one, which is gone, or a Unix-domain socket.
  explicit FakeGateway(const std::string& address = "127.0.0.1:0",
                       const std::shared_ptr<grpc::ServerCredentials>& credentials =
                           grpc::InsecureServerCredentials()) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, credentials, &port_);
    builder.RegisterService(this);
    builder.RegisterService(&administration);
    builder.RegisterService(&quarantine);
    server_ = builder.BuildAndStart();
  }
  ~FakeGateway() override {
    for (auto& stream : subscribe_streams_) stream->End();
    for (auto& stream : watch_streams_) stream->End();
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  ClientOptions client_options() const {
    ClientOptions options;
    options.server = address();
    options.reconnect.initial = absl::Milliseconds(1);
    options.reconnect.maximum = absl::Milliseconds(5);
    return options;
  }

  // The next stream that a client opens; lives as long as the gateway.
  FakeSubscribeStream* TakeSubscribe() { return subscribes_.Take(); }
  FakeWatchStream* TakeWatch() { return watches_.Take(); }

  // What each call and stream of ReleaseEventService carried as "authorization"; "" for nothing.
  Inbox<std::string> authorizations;
  // Over which connection each of them came, as gRPC names it.
  Inbox<std::string> peers;
  // What look-ups are answered with.
  grpc::Status lookup_status;
  v1::ListEventsResponse events;
  // Answers SubscriptionService.
  FakeSubscriptionService administration;
  // Answers RejectedCallbackService.
  FakeRejectedCallbackService quarantine;

  grpc::ServerBidiReactor<v1::SubscribeRequest, v1::SubscribeResponse>* Subscribe(
      grpc::CallbackServerContext* context) override {
    NoteCaller(context);
    auto stream = std::make_unique<FakeSubscribeStream>();
    FakeSubscribeStream* const raw = stream.get();
    absl::MutexLock lock(&mutex_);
    subscribe_streams_.push_back(std::move(stream));
    subscribes_.Put(raw);
    return raw;
  }
  grpc::ServerWriteReactor<v1::WatchResponse>* Watch(grpc::CallbackServerContext* context,
                                                     const v1::WatchRequest* request) override {
    NoteCaller(context);
    auto stream = std::make_unique<FakeWatchStream>(*request);
    FakeWatchStream* const raw = stream.get();
    absl::MutexLock lock(&mutex_);
    watch_streams_.push_back(std::move(stream));
    watches_.Put(raw);
    return raw;
  }
  grpc::ServerUnaryReactor* GetEvent(grpc::CallbackServerContext* context,
                                     const v1::GetEventRequest* request,
                                     v1::GetEventResponse* response) override {
    response->mutable_stored_event()->mutable_event()->set_event_id(request->event_id());
    return Answer(context);
  }
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const v1::ListEventsRequest*,
                                       v1::ListEventsResponse* response) override {
    *response = events;
    return Answer(context);
  }

 private:
  void NoteCaller(grpc::CallbackServerContext* context) {
    peers.Put(context->peer());
    const auto& metadata = context->client_metadata();
    const auto found = metadata.find("authorization");
    authorizations.Put(found == metadata.end()
                           ? std::string()
                           : std::string(found->second.data(), found->second.size()));
  }
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context) {
    NoteCaller(context);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(lookup_status);
    return reactor;
  }

  int port_ = 0;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<FakeSubscribeStream>> subscribe_streams_;
  std::vector<std::unique_ptr<FakeWatchStream>> watch_streams_;
  Inbox<FakeSubscribeStream*> subscribes_;
  Inbox<FakeWatchStream*> watches_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace onhook::client

#endif  // ONHOOK_TESTS_UNIT_CLIENTS_FAKE_GATEWAY_H_
