#ifndef ONHOOK_GATEWAY_DELIVERY_DELIVERY_STREAM_H_
#define ONHOOK_GATEWAY_DELIVERY_DELIVERY_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/access/access_control.h"
#include "gateway/base/clock.h"
#include "gateway/base/exchangeable.h"
#include "gateway/base/log.h"
#include "gateway/config/delivery_options.h"
#include "gateway/delivery/call_authorization.h"
#include "gateway/delivery/call_refusals.h"
#include "gateway/delivery/connection_ledger.h"
#include "gateway/forwarding/receipt_desk.h"
#include "gateway/store/store.h"

namespace onhook {

class SerialExecutor;
class StreamRegistry;

// What every stream works with. All of it outlives the streams.
struct StreamEnvironment {
  // A stream keeps those that it began with.
  const Exchangeable<DeliveryOptions>* options = nullptr;
  Store* store = nullptr;
  ReceiptDesk* desk = nullptr;
  const AccessControl* access = nullptr;  // null: everybody may do everything
  const Clock* clock = nullptr;
  const Log* log = nullptr;
  StreamRegistry* registry = nullptr;
  SerialExecutor* executor = nullptr;
  CallRefusals* refusals = nullptr;    // null: nobody is told of them
  ConnectionLedger* ledger = nullptr;  // null: connections are not counted

  CallAuthorization::Surroundings authorization() const {
    return {access, refusals, clock, ledger};
  }
};

// What Subscribe and Watch have in common: who may write when, how a stream ends, and its
// deadlines.
//
// One step at a time. Whatever happens to a stream (a client's message, events in the store, a
// write done, a deadline) is noted under the lock, then Step() does what has become due. Only one
// thread steps a stream at a time, and a thread that finds another one stepping leaves its work to
// it. So every call out (queue, log, desk, gRPC) is made without the lock and yet never overlaps
// another one of the stream, and an event goes from its commit to the wire on the thread that
// committed it.
//
// Ending. A stream first lets go of what it holds (Release), then waits for the write under way,
// then finishes. gRPC is not called any more after Finish, and OnDone cannot come before it. A
// write that a closed window holds up would make that wait endless, so it is cancelled.
//
// Access. Before anything is done or sent it is asked whether the caller may still have it, which
// costs next to nothing until something changes. If not, what waits to be written is dropped and
// the stream ends; of what gRPC has taken already, a client that does not read gets nothing more
// after another second.
//
// Lifetime: the registry owns a stream until OnDone; callbacks hold weak references.
// Threads: any, on every method. Blocking: never.
class DeliveryStream : public std::enable_shared_from_this<DeliveryStream> {
 public:
  virtual ~DeliveryStream() = default;

  // Looks at the deadlines; `now` is Clock::Elapsed(). To be called every now and then.
  void Tick(absl::Duration now);

  // Tells the client that the stream will end, and ends it: once its requests are answered and it
  // half-closed, at the latest after `drain`, with `end`. A second call can only hasten that.
  void GoAway(v1::GoAway::Reason reason, absl::Duration drain, absl::Status end);

  // What another stream of this receiver may take over; empty: nothing.
  virtual std::string successor_key() const { return ""; }
  // A stream opened that takes over from those of its receiver that are to go.
  void SuccessorOpened();

  // The log has grown.
  virtual void TailGrew() {}

  // Whose it is, for the limit of each; "": anybody's.
  std::string identity() const { return authorization_->identity(); }
  absl::string_view method() const { return authorization_->method(); }

  uint64_t id() const { return id_; }
  // Set before the stream is shared.
  void set_id(uint64_t id) { id_ = id; }

 protected:
  DeliveryStream(const StreamEnvironment* environment, grpc::CallbackServerContext* context,
                 std::unique_ptr<CallAuthorization> authorization);

  // --- For the derived class, from any thread.

  // Does what is due. Not to be called with the lock held.
  void Step() ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends the stream after what is waiting to be written; the first call decides.
  void End(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends the stream at the next tick, unless the client is found to be gone until then: gRPC
  // reports the end of a broken connection's requests just as it reports a half-close, and perhaps
  // before it tells that the connection broke.
  void EndSoon(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // The client is gone.
  void Lost() ABSL_LOCKS_EXCLUDED(mutex_);

  // Of gRPC's reactions.
  void WriteDone(bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  void Done();

  // --- For the derived class, from Advance and Release only.

  // Writes events; nothing else is being written. When that is done, `receiver()` has them.
  void WriteEvents(const grpc::ByteBuffer& message, std::vector<Sequence> sequences)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether callbacks may count on this stream now; see ReceiptDesk.
  void SetEligible(bool eligible);

  // --- By the derived class. Called while stepping, without the lock, unless said otherwise.

  // Does one thing that is due and returns true, or returns false. Not called once it ends.
  virtual bool Advance() = 0;
  // Lets go of what the stream holds. `lost`: the client broke off, or takes nothing. Called once.
  virtual void Release(bool lost) = 0;
  // Whether requests are taken after go_away.
  virtual bool DrainsRequests() const = 0;
  // The events of the last WriteEvents have gone out. Called before anything else is written, by
  // the thread that gRPC tells it on, perhaps after Release.
  virtual void EventsWritten() {}
  // Called under the lock.
  virtual grpc::ByteBuffer Heartbeat() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) = 0;
  virtual grpc::ByteBuffer EncodeGoAway(const v1::GoAway& go_away) const = 0;
  virtual void StartWriting(const grpc::ByteBuffer* message) = 0;
  virtual void FinishWith(const grpc::Status& status) = 0;

  const StreamEnvironment& environment() const { return *environment_; }
  const DeliveryOptions& options() const { return *options_; }
  CallAuthorization& authorization() const { return *authorization_; }
  // Whether events go out as they are, rather than masked.
  bool shows_numbers() const { return authorization_->May(Permission::kSeeNumbers); }
  // To be set, if at all, before the first event is written. Empty: writes count for nobody.
  void set_receiver(std::string receiver) { receiver_ = std::move(receiver); }
  // Which events the stream counts for as a receiver; without it, all. To be set before it is
  // eligible.
  void set_wants(EligibleStream::Wants wants) { wants_ = std::move(wants); }

  mutable absl::Mutex mutex_;
  // Messages without events, which go before events.
  std::deque<grpc::ByteBuffer> control_ ABSL_GUARDED_BY(mutex_);
  bool request_taken_ ABSL_GUARDED_BY(mutex_) = false;  // the client said what it wants
  bool opened_ ABSL_GUARDED_BY(mutex_) = false;         // the client was told where it stands
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;  // go_away was sent
  // While draining: what is new is sent until another stream has opened, or this has passed.
  absl::Duration delivers_until_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);

 private:
  enum class Action { kNone, kRelease, kReleaseLost, kCancel, kFinish, kWrite, kAdvance };

  Action NextAction() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Take(Action action, const absl::Status& end) ABSL_LOCKS_EXCLUDED(mutex_);
  // Notes what `now` makes due. Returns why the stream is given up, if it is.
  absl::string_view NoteDeadlines(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BeginWrite(const grpc::ByteBuffer& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Duration MaxAge() const;
  // Ends the stream if the caller may not have it any more. By the thread that steps, without which
  // nothing finishes.
  void EndIfRevoked() ABSL_LOCKS_EXCLUDED(mutex_);

  const StreamEnvironment* const environment_;
  const std::shared_ptr<const DeliveryOptions> options_;
  grpc::CallbackServerContext* const context_;
  const std::unique_ptr<CallAuthorization> authorization_;
  const ConnectionLedger::Stream on_connection_;
  const absl::Duration born_;
  uint64_t id_ = 0;
  std::string receiver_;

  bool stepping_ ABSL_GUARDED_BY(mutex_) = false;
  bool step_again_ ABSL_GUARDED_BY(mutex_) = false;
  bool lost_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancel_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancel_called_ ABSL_GUARDED_BY(mutex_) = false;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool wrote_ ABSL_GUARDED_BY(mutex_) = false;         // began to, at least once
  bool revoked_ ABSL_GUARDED_BY(mutex_) = false;       // the caller may not have it any more
  absl::Duration last_write_ ABSL_GUARDED_BY(mutex_);  // began, done or not
  absl::Duration end_noted_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  absl::Duration drain_until_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  absl::Status drain_end_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer current_ ABSL_GUARDED_BY(mutex_);              // being written
  std::vector<Sequence> current_events_ ABSL_GUARDED_BY(mutex_);  // its events

  // Belong to the thread that steps.
  EligibleStream::Wants wants_;
  std::shared_ptr<EligibleStream> eligible_stream_;  // once it was eligible
  bool eligible_ = false;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_DELIVERY_STREAM_H_
