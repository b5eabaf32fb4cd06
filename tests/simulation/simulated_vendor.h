#ifndef ONHOOK_TESTS_SIMULATION_SIMULATED_VENDOR_H_
#define ONHOOK_TESTS_SIMULATION_SIMULATED_VENDOR_H_

#include <cstdint>
#include <vector>

#include "gateway/store/event_log.h"
#include "tests/simulation/simulated_gateway.h"

namespace onhook {

// Whoever sends callbacks: the vendor, who repeats what was not answered and now and then what was;
// and somebody who alters what he overheard and sends it with the signature's nonce. What the
// gateway does before it asks the store is modelled by what it asks of it.
//
// Threads: one at a time.
class SimulatedVendor {
 public:
  explicit SimulatedVendor(const SimulatedWorld& world) : world_(world) {}

  // Sends something over the network.
  void Send();
  // Sends what was never answered as stored, until it is.
  void SendTheRest();
  bool has_unanswered() const;
  int64_t calls() const { return static_cast<int64_t>(calls_.size()); }

 private:
  struct Call {
    NewEvent event;
    bool answered = false;  // as stored, and the answer has arrived
  };

  Call MakeCall();
  // The same callback as it comes the next time.
  NewEvent Repeat(const Call& call);
  // What somebody else makes of it.
  NewEvent Altered(size_t call);
  void Transmit(NewEvent event, size_t call);
  void Arrive(const NewEvent& event, size_t call, SimulatedNetwork::Connection connection);
  NewEvent::Nonce MakeNonce();

  const SimulatedWorld world_;
  std::vector<Call> calls_;
  int64_t nonces_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SIMULATION_SIMULATED_VENDOR_H_
