#ifndef ONHOOK_TESTS_SIMULATION_SIMULATED_SUBSCRIBER_H_
#define ONHOOK_TESTS_SIMULATION_SIMULATED_SUBSCRIBER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/store/subscription_queue.h"
#include "tests/simulation/queue_model.h"
#include "tests/simulation/simulated_gateway.h"

namespace onhook {

// The consumers of one subscription, with the streams between them and its queue. A stream is
// modelled by what it asks of the queue: it pulls when it is told to, says what was written, and
// brings what its consumer settles; each over a network that delays, and loses with the stream.
//
// Threads: one at a time.
class SimulatedSubscriber {
 public:
  SimulatedSubscriber(const SimulatedWorld& world, std::string name,
                      const v1::SubscriptionSpec& spec, Sequence start);

  QueueModel& model() { return model_; }

  // One step of one of them.
  void Act();
  // Takes and acks what there is, over a stream that loses nothing. True: there was something.
  bool Drain();
  // The gateway has ended: every stream is lost.
  void ProcessEnded();
  // What the queue says fits the model.
  void Check(Sequence first, Sequence last);
  // Of its dead letters, in the order of their parking; nothing if they could not be read.
  std::optional<std::vector<DeadLetter>> ListDeadLetters();
  // Null: there is no such subscription.
  std::shared_ptr<SubscriptionQueue> Queue() const;

 private:
  // One stream.
  struct Session {
    ConsumerId consumer = 0;
    SimulatedNetwork::Connection connection = 0;
    bool ready = true;  // worth pulling
  };
  using SessionPtr = std::shared_ptr<Session>;
  // What a consumer has received and is to settle.
  struct Held {
    std::string delivery_id;
    Sequence sequence = 0;
    int epoch = 0;
  };

  void Attach();
  void Pull(const SessionPtr& session);
  void Deliver(const SessionPtr& session, const PullResult& result);
  void Detach(const SessionPtr& session);
  void ChangeLimits(const SessionPtr& session);
  ConsumerLimits SomeLimits();
  void SettleSome(const SessionPtr& session);
  void Settle(const SessionPtr& session, SettleRequest request, std::vector<Held> held);
  void Extend(const SessionPtr& session);
  void Forget(const std::string& delivery_id);

  const SimulatedWorld world_;
  QueueModel model_;
  std::vector<SessionPtr> sessions_;
  std::vector<Held> held_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SIMULATION_SIMULATED_SUBSCRIBER_H_
