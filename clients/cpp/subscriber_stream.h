#ifndef ONHOOK_CLIENTS_CPP_SUBSCRIBER_STREAM_H_
#define ONHOOK_CLIENTS_CPP_SUBSCRIBER_STREAM_H_

#include <google/protobuf/duration.pb.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/cpp/delivery_leases.h"
#include "clients/cpp/gateway_connection.h"
#include "clients/cpp/opening_limit.h"
#include "clients/cpp/silence_limit.h"
#include "clients/cpp/steady_condition.h"
#include "onhook/settlement.h"
#include "onhook/subscriber.h"
#include "onhook/v1/release_event_service.grpc.pb.h"

namespace onhook::client {

// A handler's word on one delivery, on its way to the gateway.
struct PendingSettlement {
  std::string delivery_id;
  std::string event_id;
  Settlement settlement;
  // It settles nothing yet: so much more time is asked for.
  std::optional<absl::Duration> extension;
  // Where somebody waits for the answer.
  std::optional<std::promise<absl::Status>> answer;

  bool IsAck() const {
    return !extension.has_value() && settlement.action == Settlement::Action::kAck;
  }
};

// One Subscribe stream, from its opening to its end; never reconnects.
//
// Why apart from the subscriber: after go_away two streams live side by side, and each must answer
// for what it handed out.
//
// Promises: a settlement that was taken is answered through Listener::OnAnswered, or is among those
// that TakeUnconfirmed returns. At most one request of acknowledgements is unanswered unless a
// full batch has gathered. RETRY_LATER is asked again after a pause. A delivery that the listener
// has is extended for up to `max_extension`. A gateway that is silent for longer than it said ends
// the stream, and the connection is given up: the next stream goes over another.
// Threads: Run's thread calls the listener; another one, which Run starts and joins, writes. Both
// the listener's calls and the writing happen without a lock held. Every method but Run may be
// called from any thread.
class SubscriberStream : public std::enable_shared_from_this<SubscriberStream> {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnOpened(SubscriberStream* stream, const v1::SubscribeOpened& opened) = 0;
    // Each delivery, which may be taken out, is to be answered by one Settle or one Discard.
    virtual void OnDeliveries(const std::shared_ptr<SubscriberStream>& stream,
                              v1::Deliveries& deliveries) = 0;
    virtual void OnGoAway(SubscriberStream* stream, const v1::GoAway& go_away) = 0;
    // What a settlement, or an extension that was asked for, came to.
    virtual void OnAnswered(PendingSettlement settlement, absl::Status status) = 0;
  };

  struct Options {
    int ack_batch = 1;
    absl::Duration max_extension;
    bool paused = false;  // begins so
  };

  // `listener` must outlive the stream.
  SubscriberStream(std::shared_ptr<const GatewayConnection> connection, v1::SubscribeOpen open,
                   const Options& options, Listener* listener);

  // Lets Run wait for a connection, up to ReconnectOptions::recheck, instead of failing where there
  // is none. gRPC notices at once that the gateway is back only while a call waits for it. To be
  // called before Run.
  void WaitForConnection();

  // Whether Run ended because that time was over. To be called after Run has returned.
  bool waited_in_vain() const { return waited_in_vain_; }

  // Opens the stream and serves it until it has ended; returns how it ended. To be called once.
  // Blocking: for the life of the stream; Cancel ends it.
  absl::Status Run();

  // Takes a settlement, to be sent. False: the stream has ended, and nothing was taken.
  bool Settle(PendingSettlement& settlement);

  // The same for what settles no delivery that this stream's listener has: a settlement of an
  // earlier stream's, or an extension.
  bool Adopt(PendingSettlement& settlement);

  // Says that a delivery will not be settled.
  void Discard(absl::string_view delivery_id);

  // Asks for no new deliveries, before anything that is settled afterwards is sent: what is given
  // back then goes to others. False: asks for them again. May be called again.
  void SetPaused(bool paused);

  // Whether it has brought anything to do, or an answer.
  bool WasOfUse();

  // Half-closes once every delivery is settled or discarded and every request is answered.
  // Deliveries that still come after the half-close are dropped; the gateway gives them out again.
  void CloseWhenIdle();

  // Ends the stream as soon as may be, whatever is under way.
  void Cancel();

  // What was taken and never answered. To be called after Run has returned.
  std::vector<PendingSettlement> TakeUnconfirmed();

 private:
  using Settlements = std::vector<PendingSettlement>;

  // Until the end; `opening` ends with the first message.
  void ReadAll(std::optional<OpeningLimit>& opening);
  void WriteLoop();
  // To be called after whatever may be work for the writer.
  void WakeWriter() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool WriterHasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // When there will be work though nobody brings any.
  absl::Time Alarm() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MaySendAcks() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Idle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReviveDelayed(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What is to be sent now, in order of urgency; without a member: nothing is.
  v1::SubscribeRequest NextRequest(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FillLeases(DeliveryLeases::Extension extension, v1::ExtendRequest& extend)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FillExtend(v1::ExtendRequest& extend) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FillAck(v1::AckRequest& ack) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FillNack(v1::NackRequest& nack) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Enqueue(PendingSettlement& settlement) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void Handle(v1::SubscribeResponse& response);
  void HandleDeliveries(v1::Deliveries& deliveries);
  void NoteInterval(const google::protobuf::Duration& interval);
  void HandleResults(const v1::AckResults& results);
  void HandleExtended(const v1::AckResults& results) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<const GatewayConnection> connection_;
  const v1::SubscribeOpen open_;
  const size_t ack_batch_;
  Listener* const listener_;

  grpc::ClientContext context_;
  bool waits_for_connection_ = false;
  bool waited_in_vain_ = false;
  std::optional<SilenceLimit> silence_;        // set by Run, whose thread's it is
  std::shared_ptr<const GatewayStubs> stubs_;  // set by Run; kept until stream_ is gone
  std::unique_ptr<grpc::ClientReaderWriterInterface<v1::SubscribeRequest, v1::SubscribeResponse>>
      stream_;  // set by Run before the writing thread starts

  absl::Mutex mutex_;
  SteadyCondition writer_woken_;
  Settlements acks_ ABSL_GUARDED_BY(mutex_);
  Settlements others_ ABSL_GUARDED_BY(mutex_);
  Settlements extensions_ ABSL_GUARDED_BY(mutex_);
  // Told RETRY_LATER; sent again at delayed_until_.
  Settlements delayed_ ABSL_GUARDED_BY(mutex_);
  absl::Time delayed_until_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  // Without the extensions of leases: their answers are of use if they come, and not waited for.
  absl::flat_hash_map<uint64_t, Settlements> unanswered_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_request_id_ ABSL_GUARDED_BY(mutex_) = 0;
  // Deliveries handed to the listener, neither settled nor discarded yet.
  int64_t with_listener_ ABSL_GUARDED_BY(mutex_) = 0;
  DeliveryLeases leases_ ABSL_GUARDED_BY(mutex_);
  // What the writer sleeps until.
  absl::Time alarm_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  bool pause_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool pause_sent_ ABSL_GUARDED_BY(mutex_) = false;
  bool close_when_idle_ ABSL_GUARDED_BY(mutex_) = false;
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool was_of_use_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_SUBSCRIBER_STREAM_H_
