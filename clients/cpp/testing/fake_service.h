#ifndef ONHOOK_CLIENTS_CPP_TESTING_FAKE_SERVICE_H_
#define ONHOOK_CLIENTS_CPP_TESTING_FAKE_SERVICE_H_

#include <grpcpp/server.h>
#include <grpcpp/support/server_callback.h>

#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "clients/cpp/steady_condition.h"
#include "clients/cpp/testing/fake_ledger.h"
#include "clients/cpp/testing/fake_stream.h"
#include "onhook/testing/fake_gateway.h"
#include "onhook/v1/release_event_service.grpc.pb.h"

namespace onhook::testing {

// The service that FakeGateway is; see there.
//
// Threads: gRPC's, the test's, and one that sends heartbeats; one lock guards everything.
class FakeGateway::Service final : public v1::ReleaseEventService::CallbackService {
 public:
  explicit Service(const FakeGatewayOptions& options);
  ~Service() override;

  std::string address() const;

  std::string Publish(v1::ReleaseEvent event);
  std::optional<Outcome> NextOutcome(absl::Duration patience);
  std::vector<Outcome> outcomes() const;
  v1::SubscriptionTimeline::State StateOf(absl::string_view subscription,
                                          absl::string_view event_id) const;
  void EndStreams(const absl::Status& why);
  void GoAway(v1::GoAway::Reason reason);
  void Refuse(const absl::Status& why);
  void FallSilent();
  void AnswerSettlements(bool answers);
  bool AwaitStreams(int count, absl::Duration patience) const;
  bool AwaitPaused(bool paused, absl::Duration patience) const;

  grpc::ServerBidiReactor<v1::SubscribeRequest, v1::SubscribeResponse>* Subscribe(
      grpc::CallbackServerContext* context) override;
  grpc::ServerWriteReactor<v1::WatchResponse>* Watch(grpc::CallbackServerContext* context,
                                                     const v1::WatchRequest* request) override;
  grpc::ServerUnaryReactor* GetEvent(grpc::CallbackServerContext* context,
                                     const v1::GetEventRequest* request,
                                     v1::GetEventResponse* response) override;
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const v1::ListEventsRequest* request,
                                       v1::ListEventsResponse* response) override;

 private:
  class SubscribeStream
      : public FakeStream<grpc::ServerBidiReactor<v1::SubscribeRequest, v1::SubscribeResponse>,
                          v1::SubscribeResponse> {
   public:
    explicit SubscribeStream(Service* service) : FakeStream(&service->mutex_), service_(service) {}
    void Begin() { StartRead(&incoming); }
    void OnReadDone(bool ok) override { service_->Heard(this, ok); }
    void OnDone() override { service_->Forget(this); }

    v1::SubscribeRequest incoming;
    // Guarded by the service's lock, which the analysis cannot tell.
    std::string subscription;  // empty: not opened yet
    int64_t max_outstanding = 0;
    bool paused = false;
    bool going_away = false;

   private:
    Service* const service_;
  };
  class WatchStream
      : public FakeStream<grpc::ServerWriteReactor<v1::WatchResponse>, v1::WatchResponse> {
   public:
    WatchStream(Service* service, const v1::WatchRequest& watch)
        : FakeStream(&service->mutex_), request(watch), service_(service) {}
    void OnDone() override { service_->Forget(this); }

    const v1::WatchRequest request;
    size_t next = 0;  // index of the event to be sent next

   private:
    Service* const service_;
  };

  void Heard(SubscribeStream* stream, bool ok);
  void Answer(SubscribeStream* stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Open(SubscribeStream* stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Begin(WatchStream* stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Sends whatever may be sent.
  void HandOut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HandOutTo(SubscribeStream* stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(SubscribeStream* stream);
  void Forget(WatchStream* stream);
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                   const absl::Status& status) const;
  void SendHeartbeats();

  const FakeGatewayOptions options_;
  int port_ = 0;

  mutable absl::Mutex mutex_;
  mutable client::SteadyCondition changed_;
  FakeLedger ledger_ ABSL_GUARDED_BY(mutex_);
  std::vector<Outcome> outcomes_ ABSL_GUARDED_BY(mutex_);
  size_t told_outcomes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::list<std::unique_ptr<SubscribeStream>> subscribers_ ABSL_GUARDED_BY(mutex_);
  std::list<std::unique_ptr<WatchStream>> watchers_ ABSL_GUARDED_BY(mutex_);
  absl::Status refusal_ ABSL_GUARDED_BY(mutex_);
  bool answers_ ABSL_GUARDED_BY(mutex_) = true;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;

  std::unique_ptr<grpc::Server> server_;
  std::thread heartbeats_;
};

}  // namespace onhook::testing

#endif  // ONHOOK_CLIENTS_CPP_TESTING_FAKE_SERVICE_H_
