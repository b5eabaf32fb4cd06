#include "onhook/delivery.h"

#include <cassert>
#include <utility>

#include "clients/cpp/delivery_owner.h"

namespace onhook::client {
namespace {

std::future<absl::Status> AnswerOf(absl::Status status) {
  std::promise<absl::Status> answer;
  answer.set_value(std::move(status));
  return answer.get_future();
}

std::future<absl::Status> Empty() {
  assert(!"a delivery is settled once, and not after it was moved from");
  return AnswerOf(absl::FailedPreconditionError("this delivery was settled, or moved from"));
}

}  // namespace

Delivery::Delivery(std::shared_ptr<DeliveryOwner> owner, v1::Delivery message)
    : owner_(std::move(owner)), message_(std::move(message)) {}

Delivery::~Delivery() { Abandon(); }

Delivery& Delivery::operator=(Delivery&& other) noexcept {
  if (this == &other) return *this;
  Abandon();
  owner_ = std::move(other.owner_);
  message_ = std::move(other.message_);
  return *this;
}

void Delivery::Abandon() {
  const std::shared_ptr<DeliveryOwner> owner = std::exchange(owner_, nullptr);
  if (owner != nullptr) owner->Abandon(event_id());
}

std::future<absl::Status> Delivery::Settle(Settlement settlement) && {
  const std::shared_ptr<DeliveryOwner> owner = std::exchange(owner_, nullptr);
  if (owner == nullptr) return Empty();
  std::promise<absl::Status> answer;
  std::future<absl::Status> confirmed = answer.get_future();
  owner->Settle(event_id(), std::move(settlement), std::move(answer));
  return confirmed;
}

std::future<absl::Status> Delivery::Ack() && { return std::move(*this).Settle(Settlement::Ack()); }

std::future<absl::Status> Delivery::Retry(std::string reason,
                                          std::optional<absl::Duration> delay) && {
  return std::move(*this).Settle(Settlement::Retry(std::move(reason), delay));
}

std::future<absl::Status> Delivery::Park(std::string reason) && {
  return std::move(*this).Settle(Settlement::Park(std::move(reason)));
}

std::future<absl::Status> Delivery::Skip(std::string reason) && {
  return std::move(*this).Settle(Settlement::Skip(std::move(reason)));
}

std::future<absl::Status> Delivery::Release(std::string reason) && {
  return std::move(*this).Settle(Settlement::Release(std::move(reason)));
}

std::future<absl::Status> Delivery::Extend(absl::Duration ack_deadline) const {
  if (owner_ == nullptr) return Empty();
  std::promise<absl::Status> answer;
  std::future<absl::Status> confirmed = answer.get_future();
  owner_->Extend(event_id(), ack_deadline, std::move(answer));
  return confirmed;
}

}  // namespace onhook::client
