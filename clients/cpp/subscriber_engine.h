#ifndef ONHOOK_CLIENTS_CPP_SUBSCRIBER_ENGINE_H_
#define ONHOOK_CLIENTS_CPP_SUBSCRIBER_ENGINE_H_

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "clients/cpp/gateway_connection.h"
#include "clients/cpp/held_events.h"
#include "clients/cpp/reconnect_backoff.h"
#include "clients/cpp/stream_ends.h"
#include "clients/cpp/subscriber_stream.h"
#include "onhook/subscriber.h"

namespace onhook::client {

// What a Subscriber does: keeps a stream open, hands deliveries to the handler threads and carries
// their settlements back, over whichever stream is there.
//
// Threads: one supervises (opens streams, waits, opens again; at the end joins all others), one for
// each stream runs it, `handler_threads` handle. At most two streams are alive: the current one and
// one that drains. No lock is held while a stream, the handler or a callback is called.
class Subscriber::Engine final : private SubscriberStream::Listener {
 public:
  Engine(std::shared_ptr<const GatewayConnection> connection, SubscribeOptions options,
         Handler handler);
  ~Engine() override;

  void RequestStop();
  absl::Status Wait();

 private:
  struct Attempt {
    std::shared_ptr<SubscriberStream> stream;
    std::thread thread;
    bool opened = false;
    absl::Time opened_at = absl::InfiniteFuture();
    bool going_away = false;
    v1::GoAway::Reason reason = v1::GoAway::REASON_UNSPECIFIED;
    bool ended = false;
    absl::Status status;
  };

  void OnOpened(SubscriberStream* stream, const v1::SubscribeOpened& opened) override;
  void OnDelivery(std::shared_ptr<SubscriberStream> stream, v1::Delivery delivery) override;
  void OnGoAway(SubscriberStream* stream, const v1::GoAway& go_away) override;
  void OnSettled(const Settled& settled) override;

  void Supervise();
  // Until a stop and the end of the last handler, so that its settlement finds a stream; or until
  // repeating cannot help.
  absl::Status KeepStreamOpen();
  // And gives back what waits, if it is a stop.
  void AwaitStopOrEnd(const Attempt& attempt);
  // How the attempt ended, or that it goes away, of which nothing is said but what is final.
  // Nothing: a stop is over before.
  std::optional<StreamEnd> AwaitEnd(const Attempt& attempt, bool* going_away,
                                    absl::Duration* lived);
  // `wait_for_connection`: the stream before was never opened, and why was told.
  Attempt* StartAttempt(bool wait_for_connection);
  void RunAttempt(Attempt* attempt);
  // Takes the wanted streams off the list, cancels and joins them. `wanted` is called locked.
  void EndStreams(const std::function<bool(const Attempt&)>& wanted);
  // Releases a delivery that came, or waited, when no handler takes any more.
  static void GiveBack(SubscriberStream* stream, const v1::Delivery& delivery);
  // The same for all that wait; nothing more is to come.
  void GiveBackWaiting();
  // After a stop: gives back what waits, lets the running handlers finish and the streams close;
  // returns what is missing.
  absl::Status Drain(std::vector<std::thread> handlers);

  void HandleDeliveries();
  void Settle(const std::string& event_id, Settlement settlement);
  // Gives settlements whose stream has ended to the stream that is open, if there is one.
  void PlaceOrphans();

  Attempt* Find(const SubscriberStream* stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasWorkOrStops() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || held_.HasWaiting();
  }
  bool HandlersDone() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ && handlers_running_ == 0;
  }
  bool AllEnded() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<const GatewayConnection> connection_;
  const SubscribeOptions options_;
  const Handler handler_;
  ReconnectBackoff backoff_;  // the supervisor's own, as is what follows
  StreamEnds ends_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int handlers_running_ ABSL_GUARDED_BY(mutex_) = 0;
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

  absl::Status status_;  // set before done_
  absl::Notification done_;
  std::thread supervisor_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_SUBSCRIBER_ENGINE_H_
