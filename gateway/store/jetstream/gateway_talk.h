#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_GATEWAY_TALK_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_GATEWAY_TALK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/store/event_log.h"
#include "gateway/store/jetstream/nats_connection.h"
#include "gateway/store/sequence.h"

namespace onhook {

// What the gateways on one log tell each other: what they have written to whom, and whose streams
// they have. Kept nowhere: what is said while one is away, it does not hear.
//
// Threads: any. Blocking: only the destructor, for a call under way. Errors: none; what cannot be
// said is not said.
class GatewayTalk {
 public:
  // All must outlive it.
  GatewayTalk(NatsConnection* connection, std::string subject, const Log* log);

  // To be called once, before anything is told. Calls come one at a time, of what others told only.
  void Listen(EventLog::OtherGateways others);
  void StopListening();

  void TellForwarded(const std::string& receiver, SequenceRange range);
  void TellReceivers(const std::vector<std::string>& receivers);

 private:
  void Hear(const NatsMessage& message) const;

  NatsConnection* const connection_;
  const std::string subject_;
  const Log* const log_;
  const uint64_t gateway_;  // at random
  EventLog::OtherGateways others_;
  std::unique_ptr<NatsSubscription> subscription_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_GATEWAY_TALK_H_
