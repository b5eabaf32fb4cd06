#include <utility>

#include "clients/cpp/delivery_owner.h"
#include "onhook/testing/fake_gateway.h"

namespace onhook::testing {
namespace {

// Whom a delivery that was made answers to. Threads: the delivery's.
class MadeDeliveryOwner final : public client::DeliveryOwner {
 public:
  MadeDeliveryOwner(const v1::Delivery& message, std::vector<Outcome>* outcomes,
                    absl::Status answer)
      : delivery_id_(message.delivery_id()),
        attempt_(message.attempt()),
        outcomes_(outcomes),
        answer_(std::move(answer)) {}

  static client::Delivery Deliver(std::vector<Outcome>* outcomes, const absl::Status& answer,
                                  v1::Delivery message) {
    auto owner = std::make_shared<MadeDeliveryOwner>(message, outcomes, answer);
    return Make(std::move(owner), std::move(message));
  }

  void Settle(const std::string& event_id, client::Settlement settlement,
              std::promise<absl::Status> answer) override {
    Note(event_id, std::move(settlement));
    answer.set_value(answer_);
  }
  void Abandon(const std::string& event_id) override {
    Note(event_id, client::Settlement::Retry("the delivery was dropped unsettled"));
  }
  void Extend(const std::string&, absl::Duration, std::promise<absl::Status> answer) override {
    answer.set_value(answer_);
  }

 private:
  void Note(const std::string& event_id, client::Settlement settlement) {
    if (outcomes_ == nullptr) return;
    outcomes_->push_back({"", event_id, delivery_id_, attempt_, std::move(settlement)});
  }

  const std::string delivery_id_;
  const int attempt_;
  std::vector<Outcome>* const outcomes_;
  const absl::Status answer_;
};

}  // namespace

v1::Delivery MakeMessage(v1::ReleaseEvent event, int attempt) {
  v1::Delivery delivery;
  if (event.event_id().empty()) event.set_event_id("made");
  delivery.set_delivery_id("made-delivery");
  delivery.set_cursor("made-cursor");
  delivery.set_attempt(attempt);
  if (attempt > 1) delivery.set_redelivery_reason(v1::Delivery::REDELIVERY_REASON_NACKED);
  *delivery.mutable_event() = std::move(event);
  return delivery;
}

client::Delivery MakeDelivery(v1::ReleaseEvent event, std::vector<Outcome>* outcomes,
                              const absl::Status& answer) {
  return MadeDeliveryOwner::Deliver(outcomes, answer, MakeMessage(std::move(event)));
}

}  // namespace onhook::testing
