// Uses each public header of the installed library, and ends with 0 if an event came and its
// acknowledgement was confirmed.
#include <iostream>

#include "onhook/client.h"
#include "onhook/connection_state.h"
#include "onhook/consumer.h"
#include "onhook/delivery.h"
#include "onhook/event_view.h"
#include "onhook/security.h"
#include "onhook/settlement.h"
#include "onhook/status.h"
#include "onhook/subscribe_options.h"
#include "onhook/subscriber.h"
#include "onhook/subscription_settings.h"
#include "onhook/testing/fake_gateway.h"
#include "onhook/watcher.h"

int main() {
  onhook::testing::FakeGateway gateway;
  onhook::v1::ReleaseEvent event;
  event.set_call_serial_no("call-1");
  gateway.Publish(event);
  onhook::client::SubscribeOptions options;
  options.subscription = "crm";
  options.create_if_missing = onhook::client::SubscriptionSettings().ToProto();
  const onhook::client::Client client(gateway.client_options());
  const auto consumer = client.Consume(options);
  absl::StatusOr<onhook::client::Delivery> delivery = consumer->Next(absl::Seconds(20));
  if (!delivery.ok()) {
    std::cerr << delivery.status() << std::endl;
    return 1;
  }
  std::cout << onhook::client::EventView(delivery->event()).call_serial_no().value() << std::endl;
  const absl::Status confirmed = std::move(*delivery).Ack().get();
  return confirmed.ok() && consumer->Stop().ok() ? 0 : 1;
}
