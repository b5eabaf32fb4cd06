#ifndef ONHOOK_TESTS_SIMULATION_SIMULATED_NETWORK_H_
#define ONHOOK_TESTS_SIMULATION_SIMULATED_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <utility>

#include "tests/simulation/simulation_random.h"

namespace onhook {

// Messages under way. Those of one connection arrive in order, or never: when it is lost. Which
// connection's message arrives next is a matter of chance. Threads: one at a time.
class SimulatedNetwork {
 public:
  using Connection = int64_t;
  using Message = std::function<void()>;  // its arrival

  Connection Connect() { return next_++; }
  void Send(Connection connection, Message message) {
    under_way_[connection].push_back(std::move(message));
  }
  void Lose(Connection connection) { under_way_.erase(connection); }
  void LoseAll() { under_way_.clear(); }
  bool empty() const { return under_way_.empty(); }

  // Lets the oldest message of some connection arrive.
  void Deliver(SimulationRandom& random) {
    if (under_way_.empty()) return;
    const auto chosen =
        std::next(under_way_.begin(), static_cast<std::ptrdiff_t>(random.Below(under_way_.size())));
    Message message = std::move(chosen->second.front());
    chosen->second.pop_front();
    if (chosen->second.empty()) under_way_.erase(chosen);
    message();
  }

 private:
  std::map<Connection, std::deque<Message>> under_way_;
  Connection next_ = 1;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SIMULATION_SIMULATED_NETWORK_H_
