#ifndef ONHOOK_GATEWAY_STORE_CONSUMER_LINE_H_
#define ONHOOK_GATEWAY_STORE_CONSUMER_LINE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "gateway/store/subscription_queue.h"

namespace onhook {

// The attached consumers of a queue, and who of them waits to be told that pulling is worth while.
//
// What is to be told is gathered, so that the queue calls it when it holds no lock.
// Threads: one at a time. Blocking: never. Errors: none.
class ConsumerLine {
 public:
  using Name = std::shared_ptr<const std::string>;
  using Calls = std::vector<std::shared_ptr<const ConsumerCallbacks>>;

  ConsumerId Add(std::string name, ConsumerCallbacks callbacks);
  void Remove(ConsumerId consumer) { consumers_.erase(consumer); }
  // Takes all out, and says whose `deleted` is to be called.
  Calls Clear();

  bool empty() const { return consumers_.empty(); }
  size_t size() const { return consumers_.size(); }
  bool Contains(ConsumerId consumer) const { return consumers_.contains(consumer); }
  // Null: it is not attached.
  Name NameOf(ConsumerId consumer) const;
  std::vector<ConsumerId> All() const;

  // A Pull came back with nothing: it waits for events if it may hold more, else for its credit.
  // Whether it did not wait before.
  bool Wait(ConsumerId consumer, bool has_credit);
  // So many wait for events, about.
  size_t waiting_for_events() const { return waiting_for_events_.size(); }
  bool WaitsForCredit(ConsumerId consumer) const;

  // Who has waited longest for events. False: nobody waits for them.
  bool WakeFirst(Calls& calls);
  // It waits for its credit instead, and takes no other's turn.
  void StopWaitingForEvents(ConsumerId consumer);
  void WakeForCredit(ConsumerId consumer, Calls& calls);
  // Those who wait for credit that `has_credit` says they have.
  void WakeWithCredit(const std::function<bool(ConsumerId)>& has_credit, Calls& calls);
  void WakeAll(Calls& calls);

 private:
  enum class Waiting { kNo, kForEvents, kForCredit };
  struct Consumer {
    Name name;
    Waiting waiting = Waiting::kNo;
    std::shared_ptr<const ConsumerCallbacks> callbacks;
  };
  static void Wake(Consumer& consumer, Calls& calls);

  ConsumerId next_ = 1;
  absl::flat_hash_map<ConsumerId, Consumer> consumers_;
  std::deque<ConsumerId> waiting_for_events_;  // longest first; some may wait no more
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_CONSUMER_LINE_H_
