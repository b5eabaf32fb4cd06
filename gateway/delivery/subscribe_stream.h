#ifndef ONHOOK_GATEWAY_DELIVERY_SUBSCRIBE_STREAM_H_
#define ONHOOK_GATEWAY_DELIVERY_SUBSCRIBE_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "gateway/delivery/delivery_stream.h"
#include "gateway/delivery/request_budget.h"
#include "gateway/delivery/responses.h"
#include "gateway/delivery/settle_requests.h"
#include "gateway/delivery/subscribe_open.h"

namespace onhook {

// One call of Subscribe: a consumer of a subscription's queue.
//
// The client's messages are read one at a time; what it asks goes to the queue at once and is
// answered when that is durable. Deliveries go out one message at a time, so a slow client holds up
// to its limits unsettled and one message in memory, and nobody else waits for it.
//
// Threads: see DeliveryStream; gRPC calls the reactions from its own threads.
class SubscribeStream final : public DeliveryStream,
                              public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  SubscribeStream(const StreamEnvironment* environment, grpc::CallbackServerContext* context,
                  std::unique_ptr<CallAuthorization> authorization);

  // Begins to read. To be called once, when the registry has taken the stream.
  void Start() { Step(); }

 private:
  // --- gRPC's reactions
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnCancel() override { Lost(); }
  void OnDone() override { Done(); }

  // --- DeliveryStream
  std::string successor_key() const override;
  bool Advance() override;
  void Release(bool lost) override;
  void EventsWritten() override { queue_->MarkWritten(consumer_, in_writing_); }
  bool DrainsRequests() const override { return true; }
  grpc::ByteBuffer Heartbeat() const override;
  grpc::ByteBuffer EncodeGoAway(const v1::GoAway& go_away) const override;
  void StartWriting(const grpc::ByteBuffer* message) override { StartWrite(message); }
  void FinishWith(const grpc::Status& status) override { Finish(status); }

  // --- Requests, in the order of their arrival. An error ends the stream.
  absl::Status Take(v1::SubscribeRequest& request);
  absl::Status TakeOpen(const v1::SubscribeOpen& open);
  absl::Status TakeSettle(uint64_t request_id, absl::StatusOr<SettleRequest> request);
  absl::Status TakeExtend(v1::ExtendRequest& extend);
  absl::Status TakeFlow(const v1::FlowControl& flow);
  void HalfClosed();
  void RequestDone(uint64_t request_id, const std::vector<std::string>& delivery_ids,
                   const std::vector<SettleException>& exceptions);

  // Finds the queue, or has it created on the executor, since that blocks.
  absl::Status FindQueue();
  void CreateQueue();
  // With the queue that was asked for, or why there is none.
  absl::Status TakeQueue(absl::StatusOr<std::shared_ptr<SubscriptionQueue>> queue);
  // The subscription is no more.
  void SubscriptionDeleted();

  // --- The things that Advance does.
  bool ReadNext();
  bool AttachOnce();
  bool StopTakingOnce();
  bool ApplyFlow();
  bool Deliver();

  // Whether it is handed events still: it does not go away, and its client may ask for more.
  bool TakesDeliveries() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool CanEndNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return half_closed_ && budget_.none_under_way();
  }

  grpc::ByteBuffer request_;  // being read; between reads, OnReadDone's

  // Set by TakeOpen, then constant.
  std::optional<OpenTerms> terms_;

  bool read_wanted_ ABSL_GUARDED_BY(mutex_) = true;
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool pull_worthwhile_ ABSL_GUARDED_BY(mutex_) = false;  // unlike after a Pull without result
  RequestBudget budget_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<SubscriptionQueue> found_queue_ ABSL_GUARDED_BY(mutex_);
  absl::Duration ack_deadline_ ABSL_GUARDED_BY(mutex_);  // that holds for this stream
  std::string successor_key_ ABSL_GUARDED_BY(mutex_);
  ConsumerLimits limits_ ABSL_GUARDED_BY(mutex_);
  bool limits_changed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;  // the queue was told that it takes no more

  // Belong to the thread that steps. `queue_` is constant once `opened` was sent.
  std::shared_ptr<SubscriptionQueue> queue_;
  ConsumerId consumer_ = 0;
  bool caught_up_ = false;                // the last Pull found nothing owed, and credit left
  std::vector<WrittenEvent> in_writing_;  // changed between writes only
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_SUBSCRIBE_STREAM_H_
