#ifndef ONHOOK_CLIENTS_CPP_DELIVERY_OWNER_H_
#define ONHOOK_CLIENTS_CPP_DELIVERY_OWNER_H_

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "onhook/delivery.h"
#include "onhook/settlement.h"

namespace onhook::client {

// Whom a Delivery tells how it ends: the engine of its subscription, or a test.
//
// Threads: any. Blocking: never. Every promise is kept, at the owner's end at the latest.
class DeliveryOwner {
 public:
  virtual ~DeliveryOwner() = default;

  // What became of the delivery of `event_id`; to be called once for each that was handed out.
  virtual void Settle(const std::string& event_id, Settlement settlement,
                      std::promise<absl::Status> answer) = 0;
  // The same where nobody says what became of it.
  virtual void Abandon(const std::string& event_id) = 0;
  virtual void Extend(const std::string& event_id, absl::Duration ack_deadline,
                      std::promise<absl::Status> answer) = 0;

 protected:
  static Delivery Make(std::shared_ptr<DeliveryOwner> owner, v1::Delivery message) {
    return Delivery(std::move(owner), std::move(message));
  }
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_DELIVERY_OWNER_H_
