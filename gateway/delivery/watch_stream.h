#ifndef ONHOOK_GATEWAY_DELIVERY_WATCH_STREAM_H_
#define ONHOOK_GATEWAY_DELIVERY_WATCH_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/delivery/delivery_stream.h"
#include "gateway/event/event_filter.h"
#include "gateway/store/event_log.h"

namespace onhook {

// One call of Watch: reads the log page by page and sends what the filter lets through. One page
// and one message are in memory, whatever the client's pace.
//
// A following Watch counts as a receiver unless it only observes; one that stops at the end does
// not, since it will be gone when the next event comes.
//
// Threads: see DeliveryStream; gRPC calls the reactions from its own threads.
class WatchStream final : public DeliveryStream, public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  // `filter` is that of `request`.
  WatchStream(const StreamEnvironment* environment, grpc::CallbackServerContext* context,
              std::unique_ptr<CallAuthorization> authorization, const v1::WatchRequest& request,
              EventFilter filter);

  // Finds the place to begin at, and goes on from there. To be called once, when the registry has
  // taken the stream.
  void Start(const v1::WatchRequest& request);

  void TailGrew() override { Step(); }

 private:
  // --- gRPC's reactions
  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnCancel() override { Lost(); }
  void OnDone() override { Done(); }

  // --- DeliveryStream
  bool Advance() override;
  void Release(bool) override {}
  bool DrainsRequests() const override { return false; }
  grpc::ByteBuffer Heartbeat() const override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  grpc::ByteBuffer EncodeGoAway(const v1::GoAway& go_away) const override;
  void StartWriting(const grpc::ByteBuffer* message) override { StartWrite(message); }
  void FinishWith(const grpc::Status& status) override { Finish(status); }

  void Begin(absl::StatusOr<Sequence> place);
  void TakePage(absl::StatusOr<LogPage> page);

  // --- The things that Advance does.
  bool SendPage();
  bool StopAtEnd();
  bool ReadNext();

  // Whether the event may be sent and is wanted.
  bool Wanted(const LogEvent& event) const;

  const EventFilter filter_;
  const bool stop_at_end_;
  EventLog* const event_log_;

  Sequence position_ ABSL_GUARDED_BY(mutex_) = 0;  // all up to here was sent or left out
  Sequence sent_ ABSL_GUARDED_BY(mutex_) = 0;      // the last place the client was told of
  Sequence stop_at_ ABSL_GUARDED_BY(mutex_) = 0;   // with stop_at_end_
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<LogEventPtr> page_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_WATCH_STREAM_H_
