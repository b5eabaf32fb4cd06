#include "onhook/consumer.h"

#include <utility>

#include "clients/cpp/subscription_engine.h"

namespace onhook::client {

Consumer::Consumer(std::shared_ptr<SubscriptionEngine> engine) : engine_(std::move(engine)) {}

Consumer::~Consumer() { engine_->StopAndJoin(); }

absl::StatusOr<Delivery> Consumer::Next() { return Next(absl::InfiniteDuration()); }

absl::StatusOr<Delivery> Consumer::Next(absl::Duration timeout) {
  return engine_->TakeDelivery(timeout);
}

void Consumer::Pause() { engine_->SetPaused(true); }
void Consumer::Resume() { engine_->SetPaused(false); }
void Consumer::RequestStop() { engine_->RequestStop(); }
void Consumer::RequestStop(absl::Duration grace) { engine_->RequestStop(grace); }
absl::Status Consumer::Wait() { return engine_->Wait(); }

absl::Status Consumer::Stop() {
  engine_->RequestStop();
  return engine_->Wait();
}

absl::Status Consumer::Stop(absl::Duration grace) {
  engine_->RequestStop(grace);
  return engine_->Wait();
}

}  // namespace onhook::client
