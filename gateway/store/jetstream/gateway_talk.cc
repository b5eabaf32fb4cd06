#include "gateway/store/jetstream/gateway_talk.h"

#include <algorithm>
#include <utility>

#include "gateway/store/embedded/random_bits.h"
#include "gateway/store/jetstream/runs.h"
#include "gateway/store/jetstream/stored_records.pb.h"

namespace onhook {
namespace {

// Names in one message: far below what any server takes.
constexpr size_t kReceiversAtOnce = 1000;

}  // namespace

GatewayTalk::GatewayTalk(NatsConnection* connection, std::string subject, const Log* log)
    : connection_(connection), subject_(std::move(subject)), log_(log), gateway_(RandomBits()) {}

void GatewayTalk::Listen(EventLog::OtherGateways others) {
  others_ = std::move(others);
  auto subscription =
      connection_->Subscribe(subject_, [this](const NatsMessage& message) { Hear(message); });
  if (!subscription.ok()) {
    log_->Warning("store", "what other gateways tell cannot be heard",
                  {{"error", subscription.status()}});
    return;
  }
  subscription_ = *std::move(subscription);
}

void GatewayTalk::StopListening() { subscription_.reset(); }

void GatewayTalk::TellForwarded(const std::string& receiver, SequenceRange range) {
  jetstream::Forwarded told;
  told.set_gateway(gateway_);
  told.set_receiver(receiver);
  SequenceSet sequences;
  sequences.Add(range);
  EncodeRuns(sequences, told.mutable_sequences());
  // Whoever waits for it waits until its time is over: nothing is lost but that.
  connection_->Publish(subject_, told.SerializeAsString()).IgnoreError();
}

void GatewayTalk::TellReceivers(const std::vector<std::string>& receivers) {
  for (size_t begin = 0; begin < receivers.size(); begin += kReceiversAtOnce) {
    jetstream::Forwarded told;
    told.set_gateway(gateway_);
    const size_t end = std::min(receivers.size(), begin + kReceiversAtOnce);
    for (size_t i = begin; i < end; ++i) told.add_receivers(receivers[i]);
    connection_->Publish(subject_, told.SerializeAsString()).IgnoreError();
  }
}

void GatewayTalk::Hear(const NatsMessage& message) const {
  jetstream::Forwarded told;
  if (!told.ParseFromString(message.data) || told.gateway() == gateway_) return;
  if (told.receiver().empty()) {
    if (others_.receivers == nullptr) return;
    others_.receivers({told.receivers().begin(), told.receivers().end()});
    return;
  }
  if (others_.forwarded == nullptr) return;
  const SequenceSet sequences = DecodeRuns(told.sequences());
  for (const auto& [first, last] : sequences.runs()) {
    others_.forwarded(told.receiver(), {first, last});
  }
}

}  // namespace onhook
