#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_SUBSCRIBER_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_SUBSCRIBER_H_

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "onhook/settlement.h"
#include "onhook/subscribe_options.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook::client {

class SubscriptionEngine;  // keeps the streams

// Receives the events of a durable subscription, at least once each, until it is stopped.
//
// Why a class and not a loop over the stub: streams are lost and drained, and what was handled must
// then be acknowledged on another stream without being forgotten or said too early.
//
// Promises
//   S1 no early ack      An event is acknowledged only after its handler returned Ack.
//   S2 nothing kept      Every event whose acknowledgement was not confirmed comes again, here or
//                        at another consumer; the handler must tolerate that (event_id tells).
//   S3 confirmed         on_settled with OK, and an OK from Stop, mean durable on the gateway.
//   S4 persistent        A lost stream is opened again with growing, randomised delays for as long
//                        as it takes. Acknowledgements without an answer are sent again there.
//   S5 gentle            go_away opens the replacement first; the old stream then finishes what it
//                        had handed out. An acknowledgement leaves at once when none is under way,
//                        and in batches otherwise.
//   S6 held              While an event waits here or is being handled, its deadline is extended
//                        when half of it is over, for max_extension at most: a slow handler does
//                        not make its event come again, a dead process does.
//   S7 stops cleanly     After a stop what waits here, and what still comes, is released at once:
//                        others get it, and it counts as no attempt. A stream is kept open for the
//                        handlers that still run, up to stop_grace; what they hold is released
//                        after that, whatever they answer.
//   S8 one at a time     An event that comes again while it waits here or is being handled, after a
//                        lost stream say, is not handled a second time at once. The newest delivery
//                        takes the place of the one before: it is the one that is extended, and
//                        that the handler's answer settles. Once that answer is given, an event
//                        that comes again is handled again.
//
// Threads: `handler_threads` threads call the handler and nothing else; further ones of the
// subscriber read and write. All methods may be called from any thread, but only RequestStop from
// the handler and the callbacks of SubscribeOptions.
// Errors: the subscriber ends by itself when repeating cannot help, with the gateway's status:
// kNotFound (no such subscription, or it was deleted), kInvalidArgument, kFailedPrecondition (it
// exists with another specification), kPermissionDenied, kUnauthenticated (who was let in before
// and shows a certificate or a token goes on trying for ReconnectOptions::rotation_patience); or
// with Client's kFailedPrecondition.
class Subscriber {
 public:
  // Called once for every delivery but those of S8. Returns a Settlement, or just an absl::Status:
  // OK acknowledges, an error gives the event back with its words, as an exception does.
  using Handler = std::function<Settlement(const v1::Delivery& delivery)>;

  // As Stop, but that it waits for running handlers however long they take.
  ~Subscriber();

  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  // Asks the gateway for no new deliveries, until Resume asks for them again. What is on its way or
  // here goes on, and the stream stays. Never blocks.
  void Pause();
  void Resume();

  // Begins to stop: no further event is handled, those that wait for a handler are released.
  // `grace` takes the place of SubscribeOptions::stop_grace. Never blocks.
  void RequestStop();
  void RequestStop(absl::Duration grace);

  // Waits until the subscriber has ended and returns why: OK after a stop with every
  // acknowledgement confirmed; kUnavailable after a stop that left some unconfirmed (their events
  // may come again); else as Errors above. Blocking: without bound until a stop is requested, then
  // until the running handlers have returned, for the grace at most, then for drain_timeout at
  // most.
  absl::Status Wait();

  // RequestStop, then Wait. May be called again; the answer stays the same.
  absl::Status Stop();
  absl::Status Stop(absl::Duration grace);

 private:
  friend class Client;

  Subscriber(std::shared_ptr<SubscriptionEngine> engine, int handler_threads, Handler handler);

  const std::shared_ptr<SubscriptionEngine> engine_;
  std::vector<std::thread> handlers_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_SUBSCRIBER_H_
