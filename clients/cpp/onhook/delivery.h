#ifndef ONHOOK_CLIENTS_CPP_ONHOOK_DELIVERY_H_
#define ONHOOK_CLIENTS_CPP_ONHOOK_DELIVERY_H_

#include <future>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "onhook/settlement.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook::client {

class DeliveryOwner;  // whom a Delivery tells how it ends

// One event to be processed, and the right to say once how that went.
//
//   std::future<absl::Status> confirmed = std::move(delivery).Ack();
//
// Promises: only the owner of the one Delivery can settle it, once: each way of settling consumes
// it, so a second call does not compile without another std::move, which clang-tidy
// (bugprone-use-after-move) finds. What was moved from or settled is empty: settling it again
// fails an assertion, and without assertions answers kFailedPrecondition and does nothing. A
// Delivery that is destroyed unsettled gives its event back: as a failed attempt, or, after a stop,
// released. While it lives, its deadline is extended as SubscribeOptions says.
// Answers: the future gets OK once the gateway has confirmed, durably. An acknowledgement is sent
// again, over other streams too, until it is. kAborted: a later attempt exists, or the event is
// settled already (never of an acknowledgement). kNotFound: the gateway does not know this delivery
// any more. kUnavailable: it was not confirmed before the stream was lost (but for
// acknowledgements), the consumer's stop gave it back, or the consumer ended. Nobody has to wait
// for the future: dropping it changes nothing.
// Threads: one at a time; different deliveries of one consumer may be with different threads. It
// may outlive its consumer. Blocking: never.
class Delivery {
 public:
  Delivery(Delivery&& other) noexcept = default;
  Delivery& operator=(Delivery&& other) noexcept;
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;
  ~Delivery();

  // What came, and the event in it; of one that was moved from, nothing.
  const v1::Delivery& message() const { return message_; }
  const v1::ReleaseEvent& event() const { return message_.event(); }
  const std::string& event_id() const { return event().event_id(); }
  // From 1.
  int attempt() const { return message_.attempt(); }
  // A number that v1 does not name is of a newer gateway.
  v1::Delivery::RedeliveryReason redelivery_reason() const { return message_.redelivery_reason(); }
  const std::string& cursor() const { return message_.cursor(); }

  // Done: the event does not come again.
  std::future<absl::Status> Ack() &&;
  // Not now: again after `delay`, or after the subscription's backoff; counts as a try.
  std::future<absl::Status> Retry(std::string reason,
                                  std::optional<absl::Duration> delay = std::nullopt) &&;
  // Never like this: straight to the dead letters.
  std::future<absl::Status> Park(std::string reason) &&;
  // Done with, without having been processed.
  std::future<absl::Status> Skip(std::string reason) &&;
  // Not here: to another consumer at once; counts as no try.
  std::future<absl::Status> Release(std::string reason) &&;
  // Any of them. Of Settlement::Leave the answer is OK at once.
  std::future<absl::Status> Settle(Settlement settlement) &&;

  // Asks for `ack_deadline` from now on, 1 s to 10 min, whatever extends it by itself. Does not
  // consume the delivery.
  std::future<absl::Status> Extend(absl::Duration ack_deadline) const;

 private:
  friend class DeliveryOwner;

  Delivery(std::shared_ptr<DeliveryOwner> owner, v1::Delivery message);
  void Abandon();

  std::shared_ptr<DeliveryOwner> owner_;  // null: it is empty
  v1::Delivery message_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_ONHOOK_DELIVERY_H_
