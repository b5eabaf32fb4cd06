#ifndef ONHOOK_TESTS_SUPPORT_STREAM_CLIENTS_H_
#define ONHOOK_TESTS_SUPPORT_STREAM_CLIENTS_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "onhook/v1/release_event_service.grpc.pb.h"

// Clients of the gateway's streams for tests: synchronous, straight over the generated stub, so
// that nothing stands between a test and the messages. Threads: one for each object. Blocking:
// every call that reads, for 30 s at most.
namespace onhook {

// A call that hangs fails after this, instead of hanging the test.
inline void LimitTime(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
}

inline void ShowToken(grpc::ClientContext& context, const std::string& token) {
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
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
  // With `token`, if that is not empty, as a bearer.
  explicit Subscriber(v1::ReleaseEventService::Stub* stub, const std::string& token = "") {
    LimitTime(context_);
    ShowToken(context_, token);
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
  // The results of the request that was sent last. An event that it gave back may come before them:
  // it is kept for Deliveries.
  v1::AckResults Results() {
    v1::SubscribeResponse response = Next();
    while (response.has_deliveries()) {
      for (const auto& delivery : response.deliveries().deliveries()) early_.push_back(delivery);
      response = Next();
    }
    EXPECT_TRUE(response.has_ack_results()) << response.ShortDebugString();
    return response.ack_results();
  }
  // Reads until `count` deliveries have come.
  std::vector<v1::Delivery> Deliveries(size_t count) {
    std::vector<v1::Delivery> deliveries = std::exchange(early_, {});
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
  std::vector<v1::Delivery> early_;
  bool finished_ = false;
};

// A test's end of Watch.
class Watcher {
 public:
  Watcher(v1::ReleaseEventService::Stub* stub, const v1::WatchRequest& request,
          const std::string& token = "") {
    LimitTime(context_);
    ShowToken(context_, token);
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

inline std::vector<std::string> CallsOf(const std::vector<v1::Delivery>& deliveries) {
  std::vector<std::string> calls;
  for (const auto& delivery : deliveries) calls.push_back(delivery.event().call_serial_no());
  return calls;
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_STREAM_CLIENTS_H_
