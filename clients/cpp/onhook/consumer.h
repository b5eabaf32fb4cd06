#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_CONSUMER_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_CONSUMER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "onhook/delivery.h"
#include "onhook/subscribe_options.h"

namespace onhook::client {

class SubscriptionEngine;  // keeps the streams

// Receives the events of a durable subscription as Subscriber does, but for a program that fetches
// them itself and settles each where and when it likes.
//
//   auto consumer = client.Consume(options);
//   absl::StatusOr<Delivery> delivery = consumer->Next();
//   for (; delivery.ok(); delivery = consumer->Next()) {
//     Save(delivery->event());
//     std::move(*delivery).Ack();
//   }
//
// Promises: Subscriber's S1 to S8, where a handler's answer is whatever a Delivery was told, and
// what Next has returned and nobody has settled is in a handler.
// Threads: any, on every method; each delivery goes to one caller of Next.
// Errors: ends by itself with what ends a Subscriber.
class Consumer {
 public:
  // As Stop.
  ~Consumer();

  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // The next event, in the order of their coming. Blocking: until there is one, or the consumer
  // stops. Errors: kCancelled after a stop; else as Errors above.
  absl::StatusOr<Delivery> Next();

  // The same, for `timeout` at most. Errors: kDeadlineExceeded besides: none came.
  absl::StatusOr<Delivery> Next(absl::Duration timeout);

  // Asks the gateway for no new deliveries, until Resume asks for them again. What is on its way or
  // here goes on, and the stream stays. Never blocks.
  void Pause();
  void Resume();

  // Begins to stop: Next returns nothing more; what it has not returned yet is released. `grace`
  // takes the place of SubscribeOptions::stop_grace. Never blocks.
  void RequestStop();
  void RequestStop(absl::Duration grace);

  // Waits until the consumer has ended and returns why: OK after a stop with every acknowledgement
  // confirmed; kUnavailable after a stop that left some unconfirmed (their events may come again);
  // else as Errors above. Blocking: without bound until a stop is requested, then until each
  // delivery that Next returned is settled or destroyed, for the grace at most, then for
  // drain_timeout at most.
  absl::Status Wait();

  // RequestStop, then Wait. May be called again; the answer stays the same. Who holds deliveries
  // settles or drops them first: waiting for oneself takes the whole grace.
  absl::Status Stop();
  absl::Status Stop(absl::Duration grace);

 private:
  friend class Client;

  explicit Consumer(std::shared_ptr<SubscriptionEngine> engine);

  const std::shared_ptr<SubscriptionEngine> engine_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_CONSUMER_H_
