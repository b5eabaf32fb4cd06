#ifndef ONHOOK_CLIENTS_CPP_SUBSCRIPTION_ENGINE_H_
#define ONHOOK_CLIENTS_CPP_SUBSCRIPTION_ENGINE_H_

#include <functional>
#include <future>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "clients/cpp/delivery_owner.h"
#include "clients/cpp/gateway_connection.h"
#include "clients/cpp/held_events.h"
#include "clients/cpp/reconnect_backoff.h"
#include "clients/cpp/steady_condition.h"
#include "clients/cpp/stream_ends.h"
#include "clients/cpp/subscriber_stream.h"
#include "onhook/subscribe_options.h"

namespace onhook::client {

// What a Subscriber and a Consumer do: keeps a stream open, hands deliveries to whoever takes them
// and carries their settlements back, over whichever stream is there.
//
// Threads: one supervises (opens streams, waits, opens again; at the end joins all others), one for
// each stream runs it. At most two streams are alive: the current one and one that drains. No lock
// is held while a stream or a callback is called. All public methods may be called from any thread.
class SubscriptionEngine final : public DeliveryOwner,
                                 public std::enable_shared_from_this<SubscriptionEngine>,
                                 private SubscriberStream::Listener {
 public:
  // StopAndJoin must be called before it is destroyed.
  SubscriptionEngine(std::shared_ptr<const GatewayConnection> connection, SubscribeOptions options);

  // The delivery that waits longest, in a handler from now on. Nothing: the subscription stops.
  // Blocking: until there is one, or it stops.
  std::optional<v1::Delivery> TakeMessage();
  // The same for a Consumer; see there.
  absl::StatusOr<Delivery> TakeDelivery(absl::Duration timeout);

  // What became of the event of a delivery that was taken; to be called once. An answer that
  // nobody waits for is not made.
  void Settle(const std::string& event_id, Settlement settlement);
  void Settle(const std::string& event_id, Settlement settlement,
              std::promise<absl::Status> answer) override;
  void Abandon(const std::string& event_id) override;
  void Extend(const std::string& event_id, absl::Duration ack_deadline,
              std::promise<absl::Status> answer) override;

  void SetPaused(bool paused);
  void RequestStop() { RequestStop(options_.stop_grace); }
  void RequestStop(absl::Duration grace);
  absl::Status Wait();
  // Nothing is called any more when it returns. To be called once, by the last owner but
  // deliveries.
  void StopAndJoin();

 private:
  struct Attempt {
    std::shared_ptr<SubscriberStream> stream;
    std::thread thread;
    bool opened = false;
    absl::Time opened_at = absl::InfiniteFuture();  // of SteadyNow's clock
    bool going_away = false;
    v1::GoAway::Reason reason = v1::GoAway::REASON_UNSPECIFIED;
    bool ended = false;
    absl::Status status;
  };
  // How the supervisor's wait for an attempt ended.
  struct AttemptEnd {
    StreamEnd stream;
    bool going_away = false;
    absl::Duration lived;
    bool was_of_use = false;
  };

  void OnOpened(SubscriberStream* stream, const v1::SubscribeOpened& opened) override;
  void OnDeliveries(const std::shared_ptr<SubscriberStream>& stream,
                    v1::Deliveries& deliveries) override;
  void OnGoAway(SubscriberStream* stream, const v1::GoAway& go_away) override;
  void OnAnswered(PendingSettlement settlement, absl::Status status) override;

  void Supervise();
  // Until a stop and the end of the last handler, so that its settlement finds a stream; or until
  // repeating cannot help.
  absl::Status KeepStreamOpen();
  // And gives back what waits, if it is a stop.
  void AwaitStopOrEnd(const Attempt& attempt);
  // How the attempt ended, or that it goes away, of which nothing is said but what is final.
  // Nothing: a stop is over before.
  std::optional<AttemptEnd> AwaitEnd(const Attempt& attempt);
  // `wait_for_connection`: the stream before was never opened, and why was told.
  Attempt* StartAttempt(bool wait_for_connection);
  void RunAttempt(Attempt* attempt);
  // Takes the wanted streams off the list, cancels and joins them. `wanted` is called locked.
  void EndStreams(const std::function<bool(const Attempt&)>& wanted);
  // Whether a stop follows within `delay`, and its handlers return.
  bool StopsWithin(absl::Duration delay);
  // Says that a delivery is another consumer's.
  static void GiveBack(SubscriberStream* stream, std::string delivery_id, std::string event_id);
  // The same for all that wait; nothing more is to come.
  void GiveBackWaiting();
  // The same for what is still in a handler when the grace is over.
  void GiveBackBegun();
  // After a stop: gives back what waits, lets the running handlers finish and the streams close;
  // returns what is missing.
  absl::Status Drain(const absl::Status& ended);
  // Has every stream take what is unconfirmed, and end well, until `deadline` at most.
  void EndOpenStreams(absl::Time deadline);
  // Waits as long as is due before the next stream. False: none is needed, or it is too late.
  bool OrphansNeedAnotherStream(absl::Time deadline);

  void Settle(const std::string& event_id, PendingSettlement settlement);
  // Gives settlements whose stream has ended to the stream that is open, if there is one.
  void PlaceOrphans();
  static void Answer(PendingSettlement& settlement, absl::Status status);
  void TellState(ConnectionState state, const absl::Status& why);

  Attempt* Find(const SubscriberStream* stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // After a stop: nobody has anything any more, or may have it no longer.
  bool HandlersDone() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ && (!held_.HasBegun() || SteadyNow() >= grace_until_);
  }
  // Until when a wait for HandlersDone has nothing to expect from time alone.
  absl::Time GraceEnd() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ ? grace_until_ : absl::InfiniteFuture();
  }
  bool AllEnded() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Why what a stop finds here is given back.
  static constexpr char kStopReason[] = "the consumer stops";

  const std::shared_ptr<const GatewayConnection> connection_;
  const SubscribeOptions options_;
  ReconnectBackoff backoff_;  // the supervisor's own, as is what follows
  StreamEnds ends_;

  absl::Mutex mutex_;
  SteadyCondition arrived_;  // something waits, or it stops
  SteadyCondition changed_;  // for the supervisor
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time grace_until_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  std::optional<ConnectionState> state_ ABSL_GUARDED_BY(mutex_);
  // Why it ended by itself; OK while it has not.
  absl::Status ended_ ABSL_GUARDED_BY(mutex_);
  std::list<Attempt> attempts_ ABSL_GUARDED_BY(mutex_);
  // The stream opened last, while it lives.
  std::shared_ptr<SubscriberStream> current_ ABSL_GUARDED_BY(mutex_);
  // Bounded by what the gateway lets a stream hold unsettled, and the handlers.
  HeldEvents held_ ABSL_GUARDED_BY(mutex_);
  // Acknowledgements that their stream could not confirm; each was with a stream, so there are no
  // more of them than a stream or two may hold unsettled.
  std::vector<PendingSettlement> orphans_ ABSL_GUARDED_BY(mutex_);
  // Threads that have taken orphans off the list and not yet said which of them stay.
  int placing_ ABSL_GUARDED_BY(mutex_) = 0;
  // No stream will be there any more: what comes now is answered at once.
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;

  absl::Status status_;  // set before done_
  absl::Notification done_;
  std::thread supervisor_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_SUBSCRIPTION_ENGINE_H_
