#include "onhook/subscriber.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "clients/cpp/subscription_engine.h"

namespace onhook::client {
namespace {

// What the handler says, or what its exception does: a process with other work is not ended for it.
Settlement Handle(const Subscriber::Handler& handler, const v1::Delivery& delivery) {
  try {
    return handler(delivery);
  } catch (const std::exception& exception) {
    return Settlement::Retry(exception.what());
  } catch (...) {
    return Settlement::Retry("the handler ended with an exception that says nothing");
  }
}

}  // namespace

Subscriber::Subscriber(std::shared_ptr<SubscriptionEngine> engine, int handler_threads,
                       Handler handler)
    : engine_(std::move(engine)) {
  for (int i = 0; i < std::max(handler_threads, 1); ++i) {
    handlers_.emplace_back([engine = engine_, handler] {
      while (const std::optional<v1::Delivery> delivery = engine->TakeMessage()) {
        engine->Settle(delivery->event().event_id(), Handle(handler, *delivery));
      }
    });
  }
}

Subscriber::~Subscriber() {
  engine_->StopAndJoin();
  for (std::thread& handler : handlers_) handler.join();
}

void Subscriber::Pause() { engine_->SetPaused(true); }
void Subscriber::Resume() { engine_->SetPaused(false); }
void Subscriber::RequestStop() { engine_->RequestStop(); }
void Subscriber::RequestStop(absl::Duration grace) { engine_->RequestStop(grace); }
absl::Status Subscriber::Wait() { return engine_->Wait(); }

absl::Status Subscriber::Stop() {
  engine_->RequestStop();
  return engine_->Wait();
}

absl::Status Subscriber::Stop(absl::Duration grace) {
  engine_->RequestStop(grace);
  return engine_->Wait();
}

}  // namespace onhook::client
