#include "onhook/testing/fake_gateway.h"

#include <utility>

#include "clients/cpp/testing/fake_service.h"

namespace onhook::testing {

FakeGateway::FakeGateway(const FakeGatewayOptions& options)
    : service_(std::make_unique<Service>(options)) {}
FakeGateway::~FakeGateway() = default;

std::string FakeGateway::address() const { return service_->address(); }

client::ClientOptions FakeGateway::client_options() const {
  client::ClientOptions options;
  options.server = address();
  options.reconnect.initial = absl::Milliseconds(1);
  options.reconnect.maximum = absl::Milliseconds(20);
  return options;
}

std::string FakeGateway::Publish(v1::ReleaseEvent event) {
  return service_->Publish(std::move(event));
}
std::optional<Outcome> FakeGateway::NextOutcome(absl::Duration patience) {
  return service_->NextOutcome(patience);
}
std::vector<Outcome> FakeGateway::outcomes() const { return service_->outcomes(); }
v1::SubscriptionTimeline::State FakeGateway::StateOf(absl::string_view subscription,
                                                     absl::string_view event_id) const {
  return service_->StateOf(subscription, event_id);
}
void FakeGateway::EndStreams(const absl::Status& why) { service_->EndStreams(why); }
void FakeGateway::GoAway(v1::GoAway::Reason reason) { service_->GoAway(reason); }
void FakeGateway::Refuse(const absl::Status& why) { service_->Refuse(why); }
void FakeGateway::FallSilent() { service_->FallSilent(); }
void FakeGateway::AnswerSettlements(bool answers) { service_->AnswerSettlements(answers); }
bool FakeGateway::AwaitStreams(int count, absl::Duration patience) const {
  return service_->AwaitStreams(count, patience);
}
bool FakeGateway::AwaitPaused(bool paused, absl::Duration patience) const {
  return service_->AwaitPaused(paused, patience);
}

}  // namespace onhook::testing
